"""The outbox: alerts are queued in the article's own transaction, claimed, and settled with each attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from storage import tables as t
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.types import (
    UPDATE,
    Alert,
    AlertKey,
    AlertState,
    Delivery,
    Evidence,
    Marked,
    Outcome,
    QueuedAlert,
)


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """An alert with everything that was tried for it."""

    queued: QueuedAlert
    sent_at: datetime | None
    deliveries: tuple[Delivery, ...]


def queue_alerts(connection: Connection, alerts: Sequence[Alert]) -> int:
    """Write alerts inside the caller's transaction; one whose key is there already is left alone. Return how many.

    An update is for those who know the story: where the story's own alert is only queued now, it is left out.
    """
    queued = 0
    told_now: set[tuple[str, str, str]] = set()
    for alert in alerts:
        reader = (alert.key.story, alert.key.rule, alert.key.channel)
        is_update = alert.key.kind.startswith(UPDATE)
        if is_update and reader in told_now:
            continue
        statement = insert_into(connection, t.alerts).values(
            **asdict(alert.key),
            evidence=_evidence_to_json(alert.evidence),
            queued_at=alert.queued_at,
            state=AlertState.PENDING,
            attempts=0,
            next_attempt_at=alert.queued_at,
            last_detail="",
        )
        key = ["story", "rule", "channel", "kind"]
        inserted = connection.execute(statement.on_conflict_do_nothing(index_elements=key).returning(t.alerts.c.id))
        if inserted.first() is not None:
            queued += 1
            told_now.add(reader)
    return queued


class AlertStore:
    """The queue of alerts, and what became of each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take pending alerts that are due and mark them as being sent, oldest first."""
        due = (
            select(t.alerts)
            .where(
                t.alerts.c.state == AlertState.PENDING,
                t.alerts.c.next_attempt_at <= now,
                t.alerts.c.channel.in_(channels),
            )
            .order_by(t.alerts.c.queued_at, t.alerts.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            rows = connection.execute(due).mappings().all()
            ids = [row["id"] for row in rows]
            connection.execute(update(t.alerts).where(t.alerts.c.id.in_(ids)).values(state=AlertState.SENDING))
        return [_queued({**row, "state": AlertState.SENDING}) for row in rows]

    def settle(self, delivery: Delivery, state: AlertState, next_attempt_at: datetime) -> None:
        """Record an attempt and the state that follows, in one transaction."""
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
            connection.execute(
                update(t.alerts)
                .where(t.alerts.c.id == delivery.alert_id)
                .values(
                    state=state,
                    attempts=delivery.attempt,
                    next_attempt_at=next_attempt_at,
                    last_detail=delivery.detail,
                    sent_at=delivery.at if state is AlertState.SENT else None,
                )
            )

    def release(self) -> int:
        """Make alerts that a dead process was sending pending again; only the holder of the instance lock may."""
        sending = t.alerts.c.state == AlertState.SENDING
        with self._database.write() as connection:
            return connection.execute(update(t.alerts).where(sending).values(state=AlertState.PENDING)).rowcount

    def next_due(self, channels: Sequence[str]) -> datetime | None:
        """Return when the next pending alert of these channels is due."""
        pending = (t.alerts.c.state == AlertState.PENDING, t.alerts.c.channel.in_(channels))
        with self._database.read() as connection:
            due: datetime | None = connection.scalar(select(func.min(t.alerts.c.next_attempt_at)).where(*pending))
            return due

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
            rows = connection.execute(query).mappings().all()
            return [
                AlertHistory(_queued(dict(row)), row["sent_at"], _deliveries(connection, row["id"])) for row in rows
            ]

    def counts(self) -> dict[AlertState, int]:
        """Return how many alerts are in each state."""
        query = select(t.alerts.c.state, func.count()).group_by(t.alerts.c.state)
        with self._database.read() as connection:
            found = {AlertState(state): number for state, number in connection.execute(query)}
        return {state: found.get(state, 0) for state in AlertState}


def _deliveries(connection: Connection, alert_id: int) -> tuple[Delivery, ...]:
    query = select(t.deliveries).where(t.deliveries.c.alert_id == alert_id).order_by(t.deliveries.c.attempt)
    return tuple(
        Delivery(row.alert_id, row.attempt, row.at, Outcome(row.outcome), row.detail)
        for row in connection.execute(query)
    )


def _queued(row: dict[str, Any]) -> QueuedAlert:
    key = AlertKey(row["story"], row["rule"], row["channel"], row["kind"])
    alert = Alert(key, _evidence_from_json(row["evidence"]), row["queued_at"])
    state = AlertState(row["state"])
    return QueuedAlert(row["id"], alert, state, row["attempts"], row["next_attempt_at"], row["last_detail"])


def _evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    values = {key: t.clean(value) if isinstance(value, str) else value for key, value in asdict(evidence).items()}
    values["published"] = evidence.published.isoformat() if evidence.published else None
    values["fetched_at"] = evidence.fetched_at.isoformat()
    values["sentences"] = [[t.clean(each.text), [list(span) for span in each.spans]] for each in evidence.sentences]
    return values


def _evidence_from_json(values: dict[str, Any]) -> Evidence:
    published = values["published"]
    sentences = tuple(Marked(text, tuple((start, end) for start, end in spans)) for text, spans in values["sentences"])
    return Evidence(
        **{
            **values,
            "published": datetime.fromisoformat(published) if published else None,
            "fetched_at": datetime.fromisoformat(values["fetched_at"]),
            "sentences": sentences,
        }
    )
