"""What the service keeps of itself: how its jobs went, and what other processes asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, delete, insert, select, update

from storage import tables as t
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.service import Ask, AskVerb, JobRecord, JobResult, JobRun

_FORGOTTEN = timedelta(days=1)  # an ask that nobody answered is no use any more, and an answered one is read


class JobStore:
    """The ledger of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_times(self) -> dict[str, datetime]:
        """Return when each job that is known is due."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.jobs.c.name, t.jobs.c.due_at))
            return {row.name: row.due_at for row in rows}

    def plan(self, due: Mapping[str, tuple[str, datetime]]) -> None:
        """Write rule and due time of every job, and forget those that are not among them."""
        with self._database.write() as connection:
            connection.execute(delete(t.jobs).where(t.jobs.c.name.not_in(list(due))))
            for name, (rule, due_at) in due.items():
                said = {"rule": rule, "due_at": due_at}
                statement = insert_into(connection, t.jobs).values(name=name, **said)
                connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=said))

    def record(self, run: JobRun, due_at: datetime) -> None:
        """Write what became of a run, and when the job is due next."""
        failures = t.jobs.c.failures + 1 if run.result is JobResult.FAILED else 0
        said = {
            "started_at": run.started_at,
            "duration_s": run.duration_s,
            "result": run.result,
            "detail": run.detail,
            "due_at": due_at,
            "failures": failures,
        }
        with self._database.write() as connection:
            connection.execute(update(t.jobs).where(t.jobs.c.name == run.name).values(**said))

    def everything(self) -> Sequence[JobRecord]:
        """Return every job that a service planned, the next one first."""
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(select(t.jobs).order_by(t.jobs.c.due_at, t.jobs.c.name))]


class AskStore:
    """What is asked of the running service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, verb: AskVerb, argument: str, now: datetime) -> int:
        """Ask for something; returns the number under which the answer will be."""
        with self._database.write() as connection:
            connection.execute(delete(t.asks).where(t.asks.c.asked_at < now - _FORGOTTEN))
            statement = insert(t.asks).values(verb=verb, argument=argument, asked_at=now)
            return int(connection.execute(statement.returning(t.asks.c.id)).scalar_one())

    def open(self) -> Sequence[Ask]:
        """Return what is not answered yet, oldest first."""
        query = select(t.asks).where(t.asks.c.answered_at.is_(None)).order_by(t.asks.c.id)
        with self._database.read() as connection:
            return [_ask(row) for row in connection.execute(query)]

    def get(self, number: int) -> Ask | None:
        """Return one ask with its answer, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(select(t.asks).where(t.asks.c.id == number)).first()
            return _ask(row) if row else None

    def note(self, verb: AskVerb, now: datetime, text: str) -> None:
        """Keep what was done without being asked for here, for those who follow what is done."""
        said = {"asked_at": now, "answered_at": now, "good": True, "answer": text}
        with self._database.write() as connection:
            connection.execute(insert(t.asks).values(verb=verb, argument="", **said))

    def last_done(self, verb: AskVerb) -> Ask | None:
        """Return the last of its kind that was done."""
        c = t.asks.c
        query = select(t.asks).where(c.verb == verb, c.good, c.answered_at.is_not(None)).order_by(c.id.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
            return _ask(row) if row else None

    def answer(self, number: int, now: datetime, *, good: bool, text: str) -> None:
        """Answer an ask."""
        said = {"answered_at": now, "good": good, "answer": text}
        with self._database.write() as connection:
            connection.execute(update(t.asks).where(t.asks.c.id == number).values(**said))

    def withdraw(self, number: int) -> None:
        """Take back what was asked, since nobody answered."""
        with self._database.write() as connection:
            connection.execute(delete(t.asks).where(t.asks.c.id == number))


def _record(row: Row[tuple[object, ...]]) -> JobRecord:
    last = None
    if row.started_at is not None:
        last = JobRun(row.name, row.started_at, row.duration_s, JobResult(row.result), row.detail)
    return JobRecord(row.name, row.rule, row.due_at, last, row.failures)


def _ask(row: Row[tuple[object, ...]]) -> Ask:
    return Ask(row.id, AskVerb(row.verb), row.argument, row.asked_at, row.answered_at, row.good, row.answer)
