"""Alerts enter the outbox inside the transaction of what causes them; what became of each is a ruling to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, cast, exists, insert, literal, select, update

from storage import tables as t
from storage.alert_rows import values_of
from storage.upsert import insert_into
from tripoint.domain.digests import Period
from tripoint.domain.types import SEARCH, UPDATE, Alert, AlertState, Plan, Ruling, Verdict

_KEY = ("story", "rule", "channel", "kind")
_OF_PERIOD = {Period.OLD: Verdict.TOO_OLD, Period.OVERFLOW: Verdict.LIMITED}


@dataclass(frozen=True, slots=True)
class Queued:
    """What the outbox made of alerts."""

    number: int  #: that were new to it
    rulings: tuple[Ruling, ...]


def queue_alerts(connection: Connection, alerts: Sequence[Alert]) -> Queued:
    """Write alerts inside the caller's transaction; one that was told already is left alone.

    An update is for those who know the story: where the story's own alert is only queued now, it is left out.
    """
    rulings: list[Ruling] = []
    told_now: set[tuple[str, str]] = set()
    for alert in alerts:
        reader = (alert.key.story, alert.key.channel)
        if alert.key.kind.startswith(UPDATE) and reader in told_now:
            continue
        ruling = _queue(connection, alert)
        rulings.append(ruling)
        if ruling.verdict is not Verdict.KNOWN:
            told_now.add(reader)
    number = sum(each.verdict is not Verdict.KNOWN for each in rulings)
    return Queued(number, tuple(rulings))


def write_rulings(connection: Connection, article_id: int, at: datetime, rulings: Sequence[Ruling]) -> None:
    """Keep why an article was told or not, inside the caller's transaction."""
    rows = [
        {
            "article_id": article_id,
            "at": at,
            "rule": each.rule,
            "channel": each.channel,
            "verdict": each.verdict,
            "detail": each.detail,
            "until": each.until,
        }
        for each in rulings
    ]
    if rows:
        connection.execute(insert(t.alert_decisions), rows)


def _queue(connection: Connection, alert: Alert) -> Ruling:
    key = alert.key
    # The queue is read with the write lock of SQLite held; on PostgreSQL the key itself settles a race.
    c = t.alerts.c
    columns = (c.id, c.rule, c.kind, c.state, c.period, c.next_attempt_at, c.attempts)
    mine = (c.story == key.story, c.channel == key.channel)
    earlier = connection.execute(select(*columns).where(*mine).order_by(c.id)).all()
    if not alert.plan.period:
        others = [each for each in earlier if each.kind == key.kind and each.rule != key.rule]
        if told := next((each for each in others if each.state != AlertState.HELD), None):
            return _ruling(alert, Verdict.KNOWN, f"told there by the rule {told.rule} as alert {told.id}")
    if alert.plan.period is Period.OLD and not earlier and _told_by_a_search(connection, alert):
        return _ruling(alert, Verdict.KNOWN, f"story {key.story} was told there in the summary of a search of the past")
    plan = _with_its_first(alert, earlier) or _limited(connection, alert)
    planned = replace(alert, plan=plan)
    statement = insert_into(connection, t.alerts).values(values_of(planned))
    inserted = connection.execute(statement.on_conflict_do_nothing(index_elements=_KEY).returning(c.id)).first()
    if inserted is None and not _freshen(connection, planned, earlier):
        same = next((each for each in earlier if each.rule == key.rule and each.kind == key.kind), None)
        where = f"as alert {same.id} ({same.state})" if same else "already"
        return _ruling(alert, Verdict.KNOWN, f"story {key.story} was told there {where}")
    if not plan.period and (plan.due_at or alert.queued_at) <= alert.queued_at:
        _hurry(connection, alert, earlier)
    return _inserted(planned)


def _told_by_a_search(connection: Connection, alert: Alert) -> bool:
    """Return whether the channel heard of a story when somebody searched the past: old news is told once."""
    a, f, j, told = t.articles.c, t.backfill_finds.c, t.backfill_jobs.c, t.alerts.c
    summaries = literal(SEARCH) + cast(j.id, String) + ":%"  # its time follows the number
    heard = exists().where(told.channel == alert.key.channel, told.story.like(summaries))
    joined = t.articles.join(t.backfill_finds, f.article_id == a.id).join(t.backfill_jobs, f.job_id == j.id)
    mine = (a.story == alert.key.story, ~f.was_known, a.first_seen_at <= j.told_at, heard)
    return connection.scalar(select(a.id).select_from(joined).where(*mine).limit(1)) is not None


def _with_its_first(alert: Alert, earlier: Sequence[Any]) -> Plan | None:
    """Return the plan of an update whose first alert still waits for a digest: it goes there as well."""
    if not alert.key.kind.startswith(UPDATE):
        return None
    for each in earlier:
        if each.rule == alert.key.rule and each.kind == "new" and each.state == AlertState.HELD:
            return Plan(each.next_attempt_at, Period(each.period))
    return None


def _limited(connection: Connection, alert: Alert) -> Plan:
    plan = alert.plan
    if plan.period or not plan.most:
        return plan
    c = t.alerts.c
    window = timedelta(seconds=plan.per_s)
    one_by_one = (c.rule == alert.key.rule, c.channel == alert.key.channel, c.period == "", c.digest.is_(None))
    recent = select(c.queued_at).where(*one_by_one, c.queued_at > alert.queued_at - window).order_by(c.queued_at)
    told = connection.execute(recent).scalars().all()
    return plan if len(told) < plan.most else Plan(told[0] + window, Period.OVERFLOW)


def _freshen(connection: Connection, alert: Alert, earlier: Sequence[Any]) -> bool:
    """Tell now what waited for the summary of old reports, since a fresh report of it came; return whether it did."""
    key = alert.key
    waiting = [
        each.id
        for each in earlier
        if (each.rule, each.kind, each.state, each.period) == (key.rule, key.kind, AlertState.HELD, Period.OLD)
    ]
    if alert.plan.period is Period.OLD or not waiting:
        return False
    connection.execute(update(t.alerts).where(t.alerts.c.id == waiting[0]).values(values_of(alert)))
    return True


def _hurry(connection: Connection, alert: Alert, earlier: Sequence[Any]) -> None:
    """Let an alert that quiet hours hold go before an update of its story that pierces them."""
    now = alert.queued_at
    held = [
        each.id
        for each in earlier
        if each.state == AlertState.PENDING and not each.attempts and each.next_attempt_at > now
    ]
    connection.execute(update(t.alerts).where(t.alerts.c.id.in_(held)).values(next_attempt_at=now, due_at=now))


def _inserted(alert: Alert) -> Ruling:
    plan = alert.plan
    until = plan.due_at or alert.queued_at
    what = "an update" if alert.key.kind.startswith(UPDATE) else "new"
    if plan.period:
        verdict = _OF_PERIOD.get(plan.period, Verdict.DIGEST)
        return _ruling(alert, verdict, f"{what}; held for the {plan.period} digest", until)
    if until > alert.queued_at:
        return _ruling(alert, Verdict.QUIET, f"{what}; held by quiet hours", until)
    return _ruling(alert, Verdict.QUEUED, what)


def _ruling(alert: Alert, verdict: Verdict, detail: str, until: datetime | None = None) -> Ruling:
    return Ruling(verdict, detail, alert.key.rule, alert.key.channel, until)
