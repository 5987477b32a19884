"""The pages of relevant articles as they were fetched, compressed, to prove later what was published."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, select

from storage import tables as t
from storage.database import Database
from tripoint.domain.types import Page, Share


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page as it was fetched for one revision of an article."""

    revision: int
    url: str  #: that answered
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sha256: str  #: of the body, taken when it was fetched
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention takes away."""

    pages: int
    bytes: int  #: compressed


_LEVEL = 6  # the highest takes twice as long for a hundredth of the size
_NEW = insert(t.evidence)


def write_evidence(connection: Connection, article_id: int, revision: int, page: Page) -> None:
    """Keep the page of a revision, in the transaction that writes it."""
    row = {
        "article_id": article_id,
        "revision": revision,
        "url": page.final_url,
        "status": page.status,
        "headers": [[t.clean(name), t.clean(value)] for name, value in page.headers],
        "body": gzip.compress(page.body, _LEVEL, mtime=0),
        "sha256": hashlib.sha256(page.body).hexdigest(),
        "size": len(page.body),
        "fetched_at": page.fetched_at,
    }
    connection.execute(_NEW, row)


class EvidenceStore:
    """Reads what was kept, and forgets what is too old."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, article_id: int) -> Sequence[KeptPage]:
        """Return the pages of an article, oldest first."""
        query = select(t.evidence).where(t.evidence.c.article_id == article_id).order_by(t.evidence.c.revision)
        with self._database.read() as connection:
            return [
                KeptPage(
                    row.revision,
                    row.url,
                    row.status,
                    tuple((name, value) for name, value in row.headers),
                    gzip.decompress(row.body),
                    row.sha256,
                    row.fetched_at,
                )
                for row in connection.execute(query)
            ]

    def shares(self, article_id: int) -> Mapping[str, tuple[Share, ...]]:
        """Return what each feature added to the newest score of an article, by topic."""
        newest = and_(t.assessments.c.article_id == t.articles.c.id, t.assessments.c.revision == t.articles.c.revision)
        query = select(t.assessments.c.topic, t.assessments.c.shares).join(t.articles, newest)
        with self._database.read() as connection:
            rows = connection.execute(query.where(t.articles.c.id == article_id))
            return {row.topic: tuple(Share(*each) for each in row.shares) for row in rows}

    def prune(self, before: datetime, *, is_tried: bool = False) -> Pruned:
        """Forget the pages that were fetched before then; with `is_tried` only say how many. Articles stay."""
        old = t.evidence.c.fetched_at < before
        counted = select(func.count(), func.coalesce(func.sum(func.length(t.evidence.c.body)), 0)).where(old)
        with self._database.write() as connection:
            pages, size = connection.execute(counted).one()
            if not is_tried:
                connection.execute(delete(t.evidence).where(old))
        return Pruned(int(pages), int(size))
