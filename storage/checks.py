"""What the self-check found last, written with the alerts that a change causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from storage import tables as t
from storage.database import Database
from storage.queue import queue_alerts
from storage.upsert import insert_into
from tripoint.domain.checks import Check, KeptCheck, is_news
from tripoint.domain.types import Alert

Tell = Callable[[Check, datetime], Sequence[Alert]]
"""The alerts that a change causes, by what was found and since when; pure."""


class CheckStore:
    """The last findings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(self, found: Sequence[Check], now: datetime, tell: Tell) -> int:
        """Keep what was found, and queue what is worth telling in the same transaction; return how many alerts."""
        queued = 0
        with self._database.write() as connection:
            known = {each.check.name: each for each in _everything(connection)}
            for check in found:
                before = known.get(check.name)
                since = before.since if before and before.check.good == check.good else now
                if is_news(before, check):
                    queued += queue_alerts(connection, tell(check, since)).number
                values = {"is_good": check.good, "found": check.found, "mend": check.mend, "since": since, "at": now}
                statement = insert_into(connection, t.checks).values(name=check.name, **values)
                connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
            connection.execute(delete(t.checks).where(t.checks.c.name.not_in([each.name for each in found])))
        return queued

    def everything(self) -> Sequence[KeptCheck]:
        """Return what was found last, what is wrong first."""
        with self._database.read() as connection:
            return sorted(_everything(connection), key=lambda each: (each.check.good, each.check.name))


def _everything(connection: Connection) -> Sequence[KeptCheck]:
    return [
        KeptCheck(Check(row.name, row.is_good, row.found, row.mend), row.since, row.at)
        for row in connection.execute(select(t.checks))
    ]
