"""What publishers' archives said during a search of the past, kept until it is done, and never more than a bound."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from storage import tables as t
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.backfill import Answer

MOST_BYTES = 256 * 1024**2  # of all searches together, packed; a sitemap of a month is some ten kilobytes
_a = t.backfill_answers.c


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer as it is kept."""

    answer: Answer  #: with its body packed
    at: datetime

    @staticmethod
    def of(answer: Answer, at: datetime) -> Packed:
        """Pack an answer that came at a time."""
        return Packed(Answer(answer.url, answer.status, answer.content_type, zlib.compress(answer.body)), at)

    def unpacked(self) -> Answer:
        """Return it as it came."""
        said = self.answer
        return Answer(said.url, said.status, said.content_type, zlib.decompress(said.body))


class AnswerStore:
    """Answers by job and address; one thread writes."""

    def __init__(self, database: Database, most_bytes: int = MOST_BYTES) -> None:
        self._database = database
        self._most_bytes = most_bytes

    def recall(self, job: int, address: str) -> Packed | None:
        """Return what an address said, None where that is not kept."""
        query = select(t.backfill_answers).where(_a.job_id == job, _a.address == t.clean(address))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Packed(Answer(row.url, row.status, row.content_type, row.body), row.at) if row else None

    def keep(self, job: int, address: str, packed: Packed) -> None:
        """Keep what an address said, in the place of what it had said; the oldest go where there is too much."""
        answer = packed.answer
        said = {"url": answer.url, "status": answer.status, "content_type": answer.content_type, "at": packed.at}
        said |= {"size": len(answer.body), "body": answer.body}
        with self._database.write() as connection:
            row = insert_into(connection, t.backfill_answers).values({"job_id": job, "address": address, **said})
            connection.execute(row.on_conflict_do_update(index_elements=["job_id", "address"], set_=said))
            kept = connection.execute(select(func.sum(_a.size))).scalar_one()
            while kept > self._most_bytes:
                oldest = connection.execute(select(_a.job_id, _a.address, _a.size).order_by(_a.at).limit(1)).one()
                mine = (_a.job_id == oldest.job_id, _a.address == oldest.address)
                connection.execute(delete(t.backfill_answers).where(*mine))
                kept -= oldest.size

    def forget(self, job: int) -> None:
        """Forget what a job need not ask again."""
        with self._database.write() as connection:
            connection.execute(delete(t.backfill_answers).where(_a.job_id == job))
