"""The outbox: alerts are claimed, settled with each attempt, and mended by hand where they were given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, update

from storage import tables as t
from storage.alert_rows import queued_of
from storage.database import Database
from storage.escalation import pass_on_refused
from storage.queue import Queued, queue_alerts
from storage.upsert import insert_into
from tripoint.domain.policies import Policies
from tripoint.domain.types import Alert, AlertState, Delivery, Outcome, QueuedAlert, Ruling, Verdict

_EARLIER = t.alerts.alias("earlier")
# An update never overtakes what was queued before it of the same story on the same channel; once that is sent, given
# up or dropped, the update goes.
_IS_BLOCKED = exists().where(
    _EARLIER.c.story == t.alerts.c.story,
    _EARLIER.c.channel == t.alerts.c.channel,
    _EARLIER.c.id < t.alerts.c.id,
    _EARLIER.c.state.in_((AlertState.PENDING, AlertState.SENDING)),
)
_CUT_OFF = "cut off: the process ended before an answer was recorded; it may have arrived"


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """An alert with everything that was tried for it."""

    queued: QueuedAlert
    sent_at: datetime | None
    deliveries: tuple[Delivery, ...]
    period: str = ""  #: of the digest that it is or was held for
    digest_id: int | None = None  #: the alert that told it together with others
    escalated_at: datetime | None = None  #: to other channels, since its own stayed down
    escalated_from: int | None = None  #: the alert whose channel stayed down


@dataclass(frozen=True, slots=True)
class Claim:
    """An alert that is being sent, for the time after so many attempts."""

    alert_id: int
    attempts: int


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel does."""

    channel: str
    failing_since: datetime | None
    failures: int  #: in a row
    resume_at: datetime | None  #: nothing is tried before
    detail: str


@dataclass(frozen=True, slots=True)
class KeptRuling:
    """Why an article was told or not, and when that was decided."""

    article_id: int
    at: datetime
    ruling: Ruling


class AlertStore:
    """The queue of alerts, and what became of each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue(self, alerts: Sequence[Alert]) -> Queued:
        """Write alerts in a transaction of their own."""
        with self._database.write() as connection:
            return queue_alerts(connection, alerts)

    def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take pending alerts that are due and mark them as being sent, oldest first."""
        c = t.alerts.c
        is_paused = exists().where(t.channel_states.c.channel == c.channel, t.channel_states.c.resume_at > now)
        is_due = (c.state == AlertState.PENDING, c.next_attempt_at <= now, c.channel.in_(channels))
        due = (
            select(t.alerts)
            .where(*is_due, ~is_paused, ~_IS_BLOCKED)
            .order_by(c.queued_at, c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=t.alerts)
        )
        with self._database.write() as connection:
            rows = connection.execute(due).mappings().all()
            ids = [row["id"] for row in rows]
            connection.execute(update(t.alerts).where(c.id.in_(ids)).values(state=AlertState.SENDING))
            tries = _tries(connection, [row["id"] for row in rows if row["attempts"]])
        return [replace(queued_of({**row, "state": AlertState.SENDING}), tries=tries.get(row["id"], 0)) for row in rows]

    def settle(
        self,
        delivery: Delivery,
        state: AlertState,
        next_attempt_at: datetime,
        resume_at: datetime | None = None,
        policies: Policies | None = None,
    ) -> int:
        """Record an attempt, the state that follows and how its channel does, in one transaction.

        With `resume_at` nothing more is tried on the channel until then. By `policies` an alert that is given up goes
        to other channels; returns how many alerts that made.
        """
        with self._database.write() as connection:
            connection.execute(
                insert(t.deliveries).values(
                    alert_id=delivery.alert_id,
                    attempt=delivery.attempt,
                    at=delivery.at,
                    outcome=delivery.outcome,
                    detail=delivery.detail,
                )
            )
            changed = (
                update(t.alerts)
                .where(t.alerts.c.id == delivery.alert_id)
                .values(
                    state=state,
                    attempts=delivery.attempt,
                    next_attempt_at=next_attempt_at,
                    last_detail=delivery.detail,
                    sent_at=delivery.at if state is AlertState.SENT else None,
                    **({"taken": None} if state is AlertState.SENT else {}),
                )
                .returning(t.alerts.c.channel)
            )
            channel = connection.execute(changed).scalar_one()
            _note_channel(connection, channel, delivery, resume_at)
            if policies is None or state is not AlertState.DEAD:
                return 0
            return pass_on_refused(connection, delivery, policies)

    def keep_taken(self, alert_id: int, taken: Sequence[str]) -> None:
        """Remember who has an alert that others of its channel lack yet."""
        changed = update(t.alerts).where(t.alerts.c.id == alert_id, t.alerts.c.state != AlertState.SENT)
        with self._database.write() as connection:
            connection.execute(changed.values(taken=list(taken)))

    def claims(self) -> Sequence[Claim]:
        """Return what is being sent, or was when its process ended."""
        with self._database.read() as connection:
            return _claims(connection)

    def release(self, now: datetime, claims: Sequence[Claim] | None = None) -> int:
        """Make alerts pending again that a dead process was sending; only the holder of the instance lock may.

        All of them, or those `claims` of which nobody said meanwhile what became of them. The attempt is recorded as
        one that was cut off: whether it arrived nobody knows, and it may arrive again.
        """
        c = t.alerts.c
        with self._database.write() as connection:
            cut = [each for each in _claims(connection) if claims is None or each in claims]
            for each in cut:
                attempt = each.attempts + 1
                told = {"at": now, "outcome": Outcome.TRANSIENT, "detail": _CUT_OFF}
                connection.execute(insert(t.deliveries).values(alert_id=each.alert_id, attempt=attempt, **told))
                again = {"state": AlertState.PENDING, "attempts": attempt, "last_detail": _CUT_OFF}
                connection.execute(update(t.alerts).where(c.id == each.alert_id).values(**again))
        return len(cut)

    def next_due(self, channels: Sequence[str]) -> datetime | None:
        """Return when the next pending alert of these channels may be tried."""
        c = t.alerts.c
        pending = (c.state == AlertState.PENDING, c.channel.in_(channels), ~_IS_BLOCKED)
        paused = select(func.max(t.channel_states.c.resume_at)).where(t.channel_states.c.channel.in_(channels))
        with self._database.read() as connection:
            due: datetime | None = connection.scalar(select(func.min(c.next_attempt_at)).where(*pending))
            until: datetime | None = connection.scalar(paused) if due and len(channels) == 1 else None
            return max(due, until) if due and until else due

    def history(
        self, *, state: AlertState | None = None, since: datetime | None = None, story: str = "", limit: int = 50
    ) -> Sequence[AlertHistory]:
        """Return alerts with their deliveries, newest first."""
        query = select(t.alerts).order_by(t.alerts.c.queued_at.desc(), t.alerts.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(t.alerts.c.state == state)
        if since is not None:
            query = query.where(t.alerts.c.queued_at >= since)
        if story:
            query = query.where(t.alerts.c.story == story)
        with self._database.read() as connection:
            return [_history(connection, dict(row)) for row in connection.execute(query).mappings().all()]

    def get(self, alert_id: int) -> AlertHistory | None:
        """Return one alert with its deliveries."""
        with self._database.read() as connection:
            row = connection.execute(select(t.alerts).where(t.alerts.c.id == alert_id)).mappings().first()
            return _history(connection, dict(row)) if row else None

    def told_in(self, digest_id: int) -> Sequence[int]:
        """Return the alerts that a digest told."""
        query = select(t.alerts.c.id).where(t.alerts.c.digest_id == digest_id).order_by(t.alerts.c.id)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def escalated_to(self, alert_id: int) -> Sequence[tuple[int, str]]:
        """Return the alerts that other channels got in its place, and their channels."""
        c = t.alerts.c
        query = select(c.id, c.channel).where(c.escalated_from == alert_id).order_by(c.id)
        with self._database.read() as connection:
            return [(row.id, row.channel) for row in connection.execute(query)]

    def rulings(self, article_id: int) -> Sequence[KeptRuling]:
        """Return why an article was told or not, oldest first."""
        c = t.alert_decisions.c
        with self._database.read() as connection:
            rows = connection.execute(select(t.alert_decisions).where(c.article_id == article_id).order_by(c.id))
            return [
                KeptRuling(
                    row.article_id, row.at, Ruling(Verdict(row.verdict), row.detail, row.rule, row.channel, row.until)
                )
                for row in rows
            ]

    def channels(self) -> Sequence[ChannelState]:
        """Return how each channel does that anything was sent to."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.channel_states).order_by(t.channel_states.c.channel))
            return [ChannelState(**row._mapping) for row in rows]

    def counts(self) -> dict[AlertState, int]:
        """Return how many alerts are in each state."""
        query = select(t.alerts.c.state, func.count()).group_by(t.alerts.c.state)
        with self._database.read() as connection:
            found = {AlertState(state): number for state, number in connection.execute(query)}
        return {state: found.get(state, 0) for state in AlertState}

    def chosen(self, ids: Sequence[int], states: Sequence[AlertState], channel: str = "") -> Sequence[int]:
        """Return the alerts of these numbers that are in one of these states; without numbers, all that are."""
        c = t.alerts.c
        query = select(c.id).where(c.state.in_(states)).order_by(c.id)
        if ids:
            query = query.where(c.id.in_(ids))
        if channel:
            query = query.where(c.channel == channel)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def requeue(self, ids: Sequence[int], now: datetime, *, to_all: bool = False) -> int:
        """Make alerts due at once, with as many attempts as a new one has; their channels are tried again.

        Who has one already does not get it again, but for `to_all`.
        """
        c = t.alerts.c
        with self._database.write() as connection:
            names = select(c.channel).where(c.id.in_(ids)).distinct()
            connection.execute(
                update(t.channel_states).where(t.channel_states.c.channel.in_(names)).values(resume_at=None)
            )
            again = update(t.alerts).where(c.id.in_(ids), c.state != AlertState.SENDING)
            forget = {"taken": None} if to_all else {}
            return connection.execute(
                again.values(state=AlertState.PENDING, next_attempt_at=now, due_at=now, period="", **forget)
            ).rowcount

    def drop(self, ids: Sequence[int]) -> int:
        """Try alerts no more."""
        mine = (t.alerts.c.id.in_(ids), t.alerts.c.state != AlertState.SENDING)
        with self._database.write() as connection:
            return connection.execute(update(t.alerts).where(*mine).values(state=AlertState.DROPPED)).rowcount


def _claims(connection: Connection) -> list[Claim]:
    c = t.alerts.c
    query = select(c.id, c.attempts).where(c.state == AlertState.SENDING).order_by(c.id)
    return [Claim(row.id, row.attempts) for row in connection.execute(query)]


def _tries(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return how often each was tried since it was due first, or since a person had it tried again."""
    if not ids:
        return {}
    a, d = t.alerts.c, t.deliveries.c
    joined = t.deliveries.join(t.alerts, a.id == d.alert_id)
    since = (d.alert_id.in_(ids), d.at >= func.coalesce(a.due_at, a.queued_at, type_=t.UtcDateTime))
    query = select(d.alert_id, func.count().label("times")).select_from(joined).where(*since).group_by(d.alert_id)
    return {row.alert_id: row.times for row in connection.execute(query)}


def _note_channel(connection: Connection, channel: str, delivery: Delivery, resume_at: datetime | None) -> None:
    c = t.channel_states.c
    failed = delivery.outcome is not Outcome.ACCEPTED
    first = {
        "failing_since": delivery.at if failed else None,
        "failures": int(failed),
        "resume_at": resume_at,
        "detail": delivery.detail,
    }
    after = {
        **first,
        "failing_since": func.coalesce(c.failing_since, delivery.at) if failed else None,
        "failures": c.failures + 1 if failed else 0,
    }
    statement = insert_into(connection, t.channel_states).values(channel=channel, **first)
    connection.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=after))


def _history(connection: Connection, row: dict[str, Any]) -> AlertHistory:
    deliveries = _deliveries(connection, row["id"])
    rest = ("sent_at", "period", "digest_id", "escalated_at", "escalated_from")
    return AlertHistory(queued_of(row), deliveries=deliveries, **{each: row[each] for each in rest})


def _deliveries(connection: Connection, alert_id: int) -> tuple[Delivery, ...]:
    query = select(t.deliveries).where(t.deliveries.c.alert_id == alert_id).order_by(t.deliveries.c.attempt)
    return tuple(
        Delivery(row.alert_id, row.attempt, row.at, Outcome(row.outcome), row.detail)
        for row in connection.execute(query)
    )
