"""Stories: what was told of each, and corrections of what belongs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select, update

from storage import tables as t
from storage.database import Database
from storage.relevant import HAS_RELEVANT, IS_RELEVANT
from storage.upsert import insert_for
from tripoint.domain.errors import MendError
from tripoint.domain.types import Carried, Clues, Origin, PlacementKind, Report, Signature
from tripoint.stories.grouping import WINDOW
from tripoint.stories.placement import split_key

_AT_ONCE = 1_000  # reports that are read

_COLUMNS = (
    t.articles.c.id,
    t.articles.c.story,
    t.articles.c.source,
    t.articles.c.outlet,
    t.articles.c.language,
    t.articles.c.title,
    t.articles.c.url,
    t.articles.c.published,
    t.articles.c.first_seen_at,
    t.articles.c.placement,
    t.articles.c.what_is_new,
    t.articles.c.is_material,
    t.articles.c.because,
    t.articles.c.copy_of,
    t.articles.c.wire,
    t.articles.c.wire_country,
    t.articles.c.wire_how,
    t.signatures.c.at,
    t.signatures.c.bags,
    IS_RELEVANT.label("is_relevant"),
)


@dataclass(frozen=True, slots=True)
class Correction:
    """What one command moved."""

    batch: int
    action: str
    articles: tuple[int, ...]
    becomes: str


class StoryStore:
    """What belongs together, and what somebody said of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, moment: datetime, *, relevant_only: bool = True, limit: int = 500) -> Sequence[Sequence[Report]]:
        """Return the stories that had a report since then, each with all its reports; the newest report first."""
        seen_at = t.articles.c.first_seen_at
        # Grouped by story, SQLite would walk through all stories that there ever were.
        stories = select(t.articles.c.story).where(seen_at >= moment).order_by(seen_at.desc(), t.articles.c.story)
        if relevant_only:
            stories = stories.where(HAS_RELEVANT)
        with self._database.read() as connection:
            keys: dict[str, None] = {}
            for key in connection.scalars(stories, execution_options={"yield_per": _AT_ONCE}):
                keys[key] = None
                if len(keys) == limit:
                    break
            found = _reports(connection, t.articles.c.story.in_(keys))
        by_story: dict[str, list[Report]] = {key: [] for key in keys}
        for each in found:
            by_story[each.story].append(each)
        return list(by_story.values())

    def reports(self, story: str) -> Sequence[Report]:
        """Return the reports of a story, oldest first; none for a key that is not there."""
        with self._database.read() as connection:
            return _reports(connection, t.articles.c.story == story)

    def concepts(self, stories: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return the concepts of the lexicon that the relevant reports of each story name."""
        query = (
            select(t.articles.c.story, t.hits.c.concept)
            .join(t.assessments, t.assessments.c.article_id == t.articles.c.id)
            .join(t.hits, t.hits.c.assessment_id == t.assessments.c.id)
            .where(t.articles.c.story.in_(stories), t.assessments.c.relevant)
            .distinct()
        )
        found: dict[str, set[str]] = {each: set() for each in stories}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found[row.story].add(row.concept)
        return {story: frozenset(concepts) for story, concepts in found.items()}

    def find(self, prefix: str) -> str:
        """Return the key of the story that begins so, or of the article with this number; raises `MendError` else."""
        with self._database.read() as connection:
            begins = t.articles.c.story.startswith(prefix, autoescape=True)
            keys = list(connection.scalars(select(t.articles.c.story).where(begins).distinct().limit(2)))
            if not keys and prefix.isascii() and prefix.isdigit() and len(prefix) < 10:
                by_article = select(t.articles.c.story).where(t.articles.c.id == int(prefix))
                keys = list(connection.scalars(by_article))
        if len(keys) != 1:
            problem = f"several stories begin with {prefix}" if keys else f"no story is called {prefix}"
            raise MendError(problem, "tripoint stories lists them; an article's number is understood too")
        return str(keys[0])

    def merge(self, story: str, others: Sequence[str], at: datetime) -> Correction:
        """Put all reports of other stories into one; raises `MendError` where there is nothing to move."""
        with self._database.write() as connection:
            moved = select(t.articles.c.id, t.articles.c.story).where(
                t.articles.c.story.in_(others), t.articles.c.story != story
            )
            return _move(connection, "merge", connection.execute(moved).all(), story, at)

    def split(self, story: str, articles: Sequence[int], at: datetime) -> Correction:
        """Put some reports of a story, and copies of them, into one of their own."""
        with self._database.write() as connection:
            wanted = or_(t.articles.c.id.in_(articles), t.articles.c.copy_of.in_(articles))
            moved = connection.execute(
                select(t.articles.c.id, t.articles.c.story).where(t.articles.c.story == story, wanted)
            ).all()
            missing = set(articles) - {row.id for row in moved}
            if missing:
                problem = f"article {min(missing)} is not of the story {story}"
                raise MendError(problem, f"tripoint story {story} lists its articles")
            total = connection.scalar(select(func.count()).where(t.articles.c.story == story))
            if total == len(moved):
                raise MendError("nothing would be left of the story", "name some of its articles, not all")
            return _move(connection, "split", moved, split_key(story, articles), at)

    def undo(self, at: datetime) -> Correction:
        """Take back the last correction that stands; raises `MendError` if there is none."""
        c = t.story_corrections.c
        with self._database.write() as connection:
            batch = connection.scalar(select(func.max(c.batch)).where(c.undone_at.is_(None)))
            if batch is None:
                raise MendError("there is no correction to take back", "tripoint stories merge | split makes one")
            rows = connection.execute(select(t.story_corrections).where(c.batch == batch)).all()
            for row in rows:
                still = and_(t.articles.c.id == row.article_id, t.articles.c.story == row.becomes)
                connection.execute(update(t.articles).where(still).values(story=row.was))
            connection.execute(update(t.story_corrections).where(c.batch == batch).values(undone_at=at))
        return Correction(batch, f"undo {rows[0].action}", tuple(row.article_id for row in rows), rows[0].was)


def _move(connection: Connection, action: str, rows: Sequence[Any], becomes: str, at: datetime) -> Correction:
    if not rows:
        raise MendError("there is nothing to move", "tripoint stories lists the stories")
    batch = 1 + (connection.scalar(select(func.max(t.story_corrections.c.batch))) or 0)
    moved = tuple(row.id for row in rows)
    kept = [
        {"batch": batch, "at": at, "action": action, "article_id": row.id, "was": row.story, "becomes": becomes}
        for row in rows
    ]
    connection.execute(insert(t.story_corrections), kept)
    connection.execute(update(t.articles).where(t.articles.c.id.in_(moved)).values(story=becomes))
    return Correction(batch, action, moved, becomes)


def reports_near(connection: Connection, signature: Signature, own_story: str = "") -> tuple[Report, ...]:
    """Return all reports of the stories that were told around a time, and of one more story."""
    near = (
        select(t.articles.c.story)
        .join(t.signatures, t.signatures.c.article_id == t.articles.c.id)
        .where(t.signatures.c.at.between(signature.at - WINDOW, signature.at + WINDOW))
    )
    # A story of months is read by its last weeks: what is grouped is near, and what was told before is there as well.
    recent = t.articles.c.first_seen_at >= _a_month_before(signature.at)
    return tuple(_reports(connection, and_(or_(t.articles.c.story.in_(near), t.articles.c.story == own_story), recent)))


def _a_month_before(moment: datetime) -> datetime:
    return moment - timedelta(days=30)


def write_signature(connection: Connection, article_id: int, clues: Clues) -> None:
    """Store what an article is grouped by, in the place of that of its earlier text."""
    if clues.signature is None:
        return
    row = {"at": clues.signature.at, "bags": clues.signature.bags}
    statement = insert_for(connection.dialect.name, t.signatures)
    changed = statement.on_conflict_do_update(index_elements=["article_id"], set_=row)
    connection.execute(changed, {"article_id": article_id, **row})


def _reports(connection: Connection, which: Any) -> list[Report]:
    query: Select[Any] = (
        select(*_COLUMNS)
        .join(t.signatures, t.signatures.c.article_id == t.articles.c.id, isouter=True)
        .where(which)
        .order_by(t.articles.c.first_seen_at, t.articles.c.id)
    )
    return [_report(row) for row in connection.execute(query)]


def _report(row: Any) -> Report:
    return Report(
        article_id=row.id,
        story=row.story,
        source=row.source,
        outlet=row.outlet,
        language=row.language,
        title=row.title,
        url=row.url,
        published=row.published,
        seen_at=row.first_seen_at,
        placement=PlacementKind(row.placement),
        what_is_new=row.what_is_new,
        is_material=row.is_material,
        because=row.because,
        copy_of=row.copy_of,
        origin=Origin(row.wire, row.wire_country, Carried(row.wire_how)) if row.wire else None,
        is_relevant=bool(row.is_relevant),
        signature=Signature(row.language, row.at, row.bags) if row.at else None,
    )
