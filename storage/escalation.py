"""Alerts whose channel stays down go to other channels too: once, in the transaction that finds out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, update

from storage import tables as t
from storage.alert_rows import queued_of
from storage.database import Database
from storage.queue import queue_alerts, write_rulings
from tripoint.domain.policies import Escalation, Policies, quiet_until
from tripoint.domain.types import Alert, AlertState, Delivery, Phrase, Plan, Ruling, Verdict

_COPY = t.alerts.alias("copy")


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why an alert goes elsewhere: for the reader there, and for the record."""

    remark: Phrase
    said: str


class EscalationStore:
    """Looks at channels that stay down."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def escalate(self, now: datetime, policies: Policies) -> int:
        """Queue for other channels what is due on one that stays down, and return how many alerts that made.

        Where a rule says so, what another channel accepted is let go on its own.
        """
        with self._database.write() as connection:
            number = sum(_escalate(connection, now, policies, *down) for down in _down(connection, now))
            _let_go(connection, policies)
        return number


def pass_on_refused(connection: Connection, delivery: Delivery, policies: Policies) -> int:
    """Queue for other channels an alert that was just given up, inside the caller's transaction."""
    row = dict(connection.execute(select(t.alerts).where(t.alerts.c.id == delivery.alert_id)).mappings().one())
    way = policies.escalation_of(row["rule"])
    if way is None or row["escalated_at"] is not None or row["escalated_from"] is not None:
        return 0
    values = (("channel", row["channel"]), ("answer", delivery.detail))
    reason = _Reason(Phrase("given_up", values), f"{row['channel']} did not take it: {delivery.detail}")
    return _pass_on(connection, row, way, policies, delivery.at, reason)


def _down(connection: Connection, now: datetime) -> list[tuple[str, datetime]]:
    """Return the channels that accept nothing, and since when.

    One that failed last and has not been asked since may work again: it counts only if an alert was tried in vain and
    waits, or the channel rests after failures.
    """
    c, a = t.channel_states.c, t.alerts.c
    waits = exists().where(a.channel == c.channel, a.state == AlertState.PENDING, a.attempts > 0)
    query = select(c.channel, c.failing_since).where(c.failing_since.is_not(None), or_(c.resume_at > now, waits))
    return [(row.channel, row.failing_since) for row in connection.execute(query.order_by(c.channel))]


def _escalate(connection: Connection, now: datetime, policies: Policies, channel: str, since: datetime) -> int:
    c = t.alerts.c
    is_due: ColumnElement[bool] = and_(
        c.channel == channel,
        c.state == AlertState.PENDING,
        or_(c.due_at <= now, c.due_at.is_(None)),
        c.escalated_at.is_(None),
        c.escalated_from.is_(None),
    )
    waiting = connection.scalars(select(c.rule).where(is_due).distinct()).all()
    ways = {each: way for each in waiting if (way := policies.escalation_of(each)) and now - since >= way.after}
    said = f"{channel} has accepted nothing since {since:%Y-%m-%d %H:%M} UTC"
    reason = _Reason(Phrase("stays_down", (("channel", channel), ("since_at", since.isoformat()))), said)
    rows = connection.execute(select(t.alerts).where(is_due, c.rule.in_(ways)).order_by(c.id)).mappings().all()
    return sum(_pass_on(connection, dict(row), ways[row["rule"]], policies, now, reason) for row in rows)


def _pass_on(
    connection: Connection, row: dict[str, Any], way: Escalation, policies: Policies, now: datetime, reason: _Reason
) -> int:
    """Queue one alert for the other channels; each that knows it already, by whatever rule, gets nothing."""
    rulings = list(_copies(connection, row, way, policies, now, reason))
    connection.execute(update(t.alerts).where(t.alerts.c.id == row["id"]).values(escalated_at=now))
    if (article := _article(connection, row)) is not None:
        write_rulings(connection, article, now, rulings)
    return len(rulings)


def _copies(
    connection: Connection, row: dict[str, Any], way: Escalation, policies: Policies, now: datetime, reason: _Reason
) -> Iterator[Ruling]:
    alert = queued_of(row).alert
    rule = policies.rule(alert.key.rule)
    until = quiet_until(rule.quiet, now, alert.evidence.score) if rule else None
    told = replace(alert.evidence, remarks=(*alert.evidence.remarks, reason.remark))
    for channel in way.to:
        key = replace(alert.key, channel=channel)
        copy = Alert(key, told, now, Plan(until), alert.digest)
        (ruling,) = queue_alerts(connection, [copy]).rulings
        if ruling.verdict is Verdict.KNOWN:
            continue
        c = t.alerts.c
        mine = (c.story == key.story, c.rule == key.rule, c.channel == key.channel, c.kind == key.kind)
        connection.execute(update(t.alerts).where(*mine).values(escalated_from=row["id"]))
        yield Ruling(Verdict.ESCALATED, reason.said, key.rule, channel, until)


def _article(connection: Connection, row: dict[str, Any]) -> int | None:
    """Return the article that an alert tells of, None for a digest and for what the house itself tells."""
    if row["digest"]:
        return None
    c = t.articles.c
    query = select(c.id).where(c.story == row["story"], c.url == row["evidence"]["url"]).order_by(c.id).limit(1)
    number: int | None = connection.scalar(query)
    return number


def _let_go(connection: Connection, policies: Policies) -> None:
    """Drop what another channel accepted, where a rule says that this is enough."""
    c = t.alerts.c
    accepted = exists().where(_COPY.c.escalated_from == c.id, _COPY.c.state == AlertState.SENT)
    is_told = and_(c.state == AlertState.PENDING, c.escalated_at.is_not(None), accepted)
    waiting = connection.scalars(select(c.rule).where(is_told).distinct()).all()
    rules = [each for each in waiting if (way := policies.escalation_of(each)) and way.instead]
    if rules:
        changed = update(t.alerts).where(is_told, c.rule.in_(rules))
        connection.execute(changed.values(state=AlertState.DROPPED, last_detail="told on another channel in its place"))
