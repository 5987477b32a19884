"""Articles with their revisions and assessments: `keep` writes all that one article causes, at once or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from storage import tables as t
from storage.backfill import note_find
from storage.database import Database
from storage.evidence import write_evidence
from storage.frontier import QUARANTINED
from storage.lock import decide_alone
from storage.queue import queue_alerts, write_rulings
from storage.relevant import IS_RELEVANT
from storage.search_index import index_article, reindex_article
from storage.stories import reports_near, write_signature
from storage.twins import find_twins, write_keys
from storage.upsert import insert_for, insert_into
from tripoint.domain.ports import Decide
from tripoint.domain.types import (
    Alert,
    Article,
    Assessment,
    Candidate,
    Clues,
    Decision,
    Failure,
    Hit,
    Kept,
    Known,
    NotArticle,
    Page,
    PlacementKind,
    Ruling,
    Zone,
)

MAX_ATTEMPTS = 8  # over 18 hours: an outlet that is away for a night loses nothing by it
_MOST_POISONED = 2  # times that a page may kill or hang its reader
_BATCH = 200
_FIRST_RETRY_S = 60.0
_LONGEST_RETRY_S = 6 * 3600.0

# What `keep` runs for every article is built once: building a statement takes longer than SQLite takes to run it.
_PLACE = (
    t.articles.c.id,
    t.articles.c.story,
    t.articles.c.content_hash,
    t.articles.c.revision,
    t.articles.c.first_seen_at,
    t.articles.c.title,
    t.articles.c.text,
)
_SAME_PAGE = select(*_PLACE).where(t.articles.c.canonical_url == bindparam("page"))
_NEW_ARTICLE = insert(t.articles).returning(t.articles.c.id)
_CHANGED_ARTICLE = update(t.articles).where(t.articles.c.id == bindparam("article"))
_NEW_REVISION = insert(t.revisions)
_NEW_ASSESSMENT = insert(t.assessments).returning(t.assessments.c.id)
_NEW_HITS = insert(t.hits)


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as the archive has it, with the newest judgement of each topic."""

    id: int
    story: str
    article: Article
    first_seen_at: datetime
    revision: int  #: counted from 1
    assessments: tuple[Assessment, ...]  #: without shares and evidence sentences


@dataclass(frozen=True, slots=True)
class Rejudged:
    """New verdicts on an article as it was read, and whom to tell of them."""

    article_id: int
    revision: int
    assessments: tuple[Assessment, ...]
    alerts: tuple[Alert, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    at: datetime | None = None  #: of the rulings; None keeps none


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the archive holds."""

    articles: int
    revisions: int
    relevant: int
    not_articles: int
    failures: int


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """How much of one source is stored."""

    articles: int
    relevant: int
    last_at: datetime | None  #: when its newest article was first seen


class ArticleStore:
    """The archive of articles; one thread writes, any may read."""

    def __init__(self, database: Database, revisit_h: Sequence[float] = ()) -> None:
        """Use a database; a fresh relevant page is due again so many hours after it was first seen."""
        self._database = database
        self._revisit = sorted(timedelta(hours=each) for each in revisit_h)

    def renew(self, revisit_h: Sequence[float]) -> None:
        """Look at relevant pages again after so many hours from now on."""
        self._revisit = sorted(timedelta(hours=each) for each in revisit_h)

    def keep(
        self, candidate: Candidate, article: Article, clues: Clues, decide: Decide, page: Page | None = None
    ) -> Kept:
        """Write article, revision, assessments, hits, alerts and the finished candidate in one transaction.

        Of a relevant article the page is kept too, if it is given.
        """
        with self._database.write() as connection:
            decide_alone(connection)
            row, known = _known(connection, article, clues)
            decision = decide(known)
            article_id, revision = _write_article(connection, article, clues, decision, row)
            first_seen_at = row["first_seen_at"] if row else article.fetched_at
            if revision:
                write_keys(connection, article_id, clues.keys, is_changed=revision > 1)
                if decision.placement.copy_of is None:
                    write_signature(connection, article_id, clues)
                for assessment in decision.assessments:
                    _write_assessment(connection, article_id, revision, assessment)
                judged = decision.assessments
                if page is not None and any(each.relevant for each in judged):
                    write_evidence(connection, article_id, revision, page)
                index_article(connection, article_id, article, first_seen_at, judged, is_changed=revision > 1)
            note_find(connection, candidate.url, article_id)
            queued = queue_alerts(connection, decision.alerts)
            if revision or decision.alerts:
                rulings = (*decision.rulings, *queued.rulings)
                write_rulings(connection, article_id, article.fetched_at, rulings)
            again_at = self._again_at(article, decision, first_seen_at)
            state = "again" if again_at else "done"
            finish_candidate(connection, candidate, state, article.fetched_at, "", again_at)
        return Kept(article_id, decision.placement, queued.number, any(each.relevant for each in decision.assessments))

    def _again_at(self, article: Article, decision: Decision, first_seen_at: datetime) -> datetime | None:
        """Return when a relevant young page is worth another look: at the next hour of the schedule."""
        now = article.fetched_at
        is_relevant = any(each.relevant for each in decision.assessments)
        if not self._revisit or not is_relevant or now - (article.published or now) > self._revisit[-1]:
            return None
        return next((first_seen_at + each for each in self._revisit if first_seen_at + each > now), None)

    def keep_not_article(self, candidate: Candidate, page: NotArticle, at: datetime) -> None:
        """Finish a candidate whose page holds no article."""
        row = {"url": page.url, "source": candidate.source, "kind": page.kind, "reason": page.reason, "at": at}
        with self._database.write() as connection:
            statement = insert_into(connection, t.not_articles).values(row)
            changed = {key: row[key] for key in ("kind", "reason", "at")}
            connection.execute(statement.on_conflict_do_update(index_elements=["url"], set_=changed))
            finish_candidate(connection, candidate, "not_article", at, page.reason)

    def keep_failure(self, candidate: Candidate, failure: Failure, at: datetime) -> None:
        """Store a failure, and set when the candidate is due again; one without hope is finished as failed.

        A page that killed or hung its reader twice is put under quarantine: only a person lets it out.
        """
        with self._database.write() as connection:
            connection.execute(
                insert(t.failures).values(
                    step=failure.step,
                    subject=failure.subject,
                    source=candidate.source,
                    reason=failure.reason,
                    retryable=failure.retryable,
                    at=at,
                )
            )
            known = connection.execute(
                select(t.frontier.c.attempts, t.frontier.c.state, t.frontier.c.poisoned).where(
                    t.frontier.c.url == candidate.url
                )
            ).first()
            if known and known.state == "again":  # the article is stored: another look that fails costs nothing
                finish_candidate(connection, candidate, "done", at, failure.reason)
                return
            attempts = 1 + (known.attempts if known else 0)
            poisoned = (known.poisoned if known else 0) + int(failure.is_poison)
            if poisoned >= _MOST_POISONED:
                finish_candidate(connection, candidate, QUARANTINED, at, failure.reason)
                return
            if not failure.retryable or attempts >= MAX_ATTEMPTS:
                finish_candidate(connection, candidate, "failed", at, failure.reason)
                return
            wait_s = failure.retry_after_s or min(_FIRST_RETRY_S * 4 ** (attempts - 1), _LONGEST_RETRY_S)
            connection.execute(
                update(t.frontier)
                .where(t.frontier.c.url == candidate.url)
                .values(
                    attempts=attempts, poisoned=poisoned, due_at=at + timedelta(seconds=wait_s), reason=failure.reason
                )
            )

    def get(self, article_id: int) -> StoredArticle | None:
        """Return one article with its newest assessments and their hits."""
        with self._database.read() as connection:
            row = connection.execute(select(t.articles).where(t.articles.c.id == article_id)).mappings().first()
            return _stored(connection, dict(row)) if row else None

    def recent(self, limit: int = 50, *, relevant_only: bool = False) -> Sequence[StoredArticle]:
        """Return the articles seen last, newest first."""
        query = select(t.articles).order_by(t.articles.c.first_seen_at.desc(), t.articles.c.id.desc()).limit(limit)
        if relevant_only:
            query = query.where(IS_RELEVANT)
        with self._database.read() as connection:
            return [_stored(connection, dict(row)) for row in connection.execute(query).mappings().all()]

    def find(self, canonical_url: str) -> int | None:
        """Return the id of the article at an address, None if it is not stored."""
        query = select(t.articles.c.id).where(t.articles.c.canonical_url == canonical_url)
        with self._database.read() as connection:
            found: int | None = connection.scalar(query)
            return found

    def walk(self, since: datetime | None = None) -> Iterator[StoredArticle]:
        """Yield every article first seen since then, oldest first, its assessments without hits.

        Each batch is read by itself: a walk through a large archive holds no lock while its reader thinks.
        """
        last = 0
        while batch := self._batch(last, since):
            yield from batch
            last = batch[-1].id

    def _batch(self, after: int, since: datetime | None) -> list[StoredArticle]:
        query = select(t.articles).where(t.articles.c.id > after).order_by(t.articles.c.id).limit(_BATCH)
        if since is not None:
            query = query.where(t.articles.c.first_seen_at >= since)
        with self._database.read() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            of_them = select(t.assessments).where(t.assessments.c.article_id.in_([row["id"] for row in rows]))
            verdicts: dict[tuple[int, int], list[Assessment]] = {}
            for row in connection.execute(of_them.order_by(t.assessments.c.topic)).mappings():
                verdicts.setdefault((row["article_id"], row["revision"]), []).append(_assessment(dict(row), ()))
        return [_stored_with(row, tuple(verdicts.get((row["id"], row["revision"]), ()))) for row in rows]

    def rejudge(self, rejudged: Sequence[Rejudged]) -> tuple[int, int]:
        """Put new assessments in the place of old ones, and queue alerts, in one transaction.

        An article that changed since it was read is left alone: it was judged anew when it changed. Returns how many
        articles were written, and how many alerts queued.
        """
        written = queued = 0
        with self._database.write() as connection:
            for each in rejudged:
                row = select(t.articles.c.revision).where(t.articles.c.id == each.article_id)
                if connection.scalar(row) != each.revision:
                    continue
                mine = and_(t.assessments.c.article_id == each.article_id, t.assessments.c.revision == each.revision)
                topics = [assessment.topic for assessment in each.assessments]
                connection.execute(delete(t.assessments).where(mine, t.assessments.c.topic.in_(topics)))
                for assessment in each.assessments:
                    _write_assessment(connection, each.article_id, each.revision, assessment)
                reindex_article(
                    connection, each.article_id, _read_assessments(connection, each.article_id, each.revision)
                )
                told = queue_alerts(connection, each.alerts)
                if each.at is not None:
                    write_rulings(connection, each.article_id, each.at, (*each.rulings, *told.rulings))
                queued += told.number
                written += 1
        return written, queued

    def revisions(self, article_id: int) -> Sequence[tuple[int, str, str]]:
        """Return number, title and text of every revision, oldest first."""
        columns = (t.revisions.c.number, t.revisions.c.title, t.revisions.c.text)
        query = select(*columns).where(t.revisions.c.article_id == article_id).order_by(t.revisions.c.number)
        with self._database.read() as connection:
            return [(row.number, row.title, row.text) for row in connection.execute(query)]

    def of_source(self, source: str) -> SourceCounts:
        """Count what is stored of one source."""
        mine = t.articles.c.source == source
        counted = select(func.count(), func.max(t.articles.c.first_seen_at)).where(mine)
        relevant = select(func.count()).where(mine, IS_RELEVANT)
        with self._database.read() as connection:
            articles, last_at = connection.execute(counted).one()
            return SourceCounts(articles, connection.scalar(relevant) or 0, last_at)

    def counts(self) -> Counts:
        """Count what is stored."""
        with self._database.read() as connection:
            number = [
                connection.scalar(query) or 0
                for query in (
                    select(func.count()).select_from(t.articles),
                    select(func.count()).select_from(t.revisions),
                    select(func.count(func.distinct(t.assessments.c.article_id))).where(t.assessments.c.relevant),
                    select(func.count()).select_from(t.not_articles),
                    select(func.count()).select_from(t.failures),
                )
            ]
        return Counts(*number)


def _known(connection: Connection, article: Article, clues: Clues) -> tuple[dict[str, Any] | None, Known]:
    row = connection.execute(_SAME_PAGE, {"page": t.clean(article.canonical_url)}).mappings().first()
    if row:
        unchanged = row["content_hash"] == article.content_hash
        near = () if unchanged or clues.signature is None else reports_near(connection, clues.signature, row["story"])
        return dict(row), Known(row["story"], row["content_hash"], row["title"], row["text"], reports=near)
    twins = find_twins(connection, article, clues.keys)
    near = () if clues.signature is None else reports_near(connection, clues.signature)
    return None, Known(twins=twins, reports=near)


def _write_article(
    connection: Connection, article: Article, clues: Clues, decision: Decision, row: dict[str, Any] | None
) -> tuple[int, int]:
    """Insert or update the article; return its id, and the number of the revision written or 0 for none."""
    if row and decision.placement.kind is PlacementKind.DUPLICATE:
        return row["id"], 0
    values = {
        "url": article.url,
        "source": article.source,
        "outlet": article.outlet,
        "language": article.language,
        "title": article.title,
        "text": article.text,
        "published": article.published,
        "date_only": article.date_only,
        "authors": list(article.authors),
        "content_hash": article.content_hash,
        "fetched_at": article.fetched_at,
        **_origin(clues),
    }
    number = row["revision"] + 1 if row else 1
    if row:
        article_id = int(row["id"])
        connection.execute(_CHANGED_ARTICLE, {**values, "revision": number, "article": article_id})
    else:
        first = {
            "story": decision.placement.story,
            "placement": decision.placement.kind,
            "what_is_new": decision.placement.what_is_new,
            "copy_of": decision.placement.copy_of,
            "is_material": decision.placement.is_material,
            "because": decision.placement.because,
            "canonical_url": article.canonical_url,
            "first_seen_at": article.fetched_at,
        }
        article_id = connection.execute(_NEW_ARTICLE, {**values, **first, "revision": 1}).scalar_one()
    kept = {key: values[key] for key in ("title", "text", "content_hash", "fetched_at")}
    connection.execute(_NEW_REVISION, {"article_id": article_id, "number": number, **kept})
    return article_id, number


def _origin(clues: Clues) -> dict[str, str]:
    origin = clues.origin
    if origin is None:
        return {"wire": "", "wire_country": "", "wire_how": ""}
    return {"wire": origin.wire, "wire_country": origin.country, "wire_how": origin.how.value}


def _write_assessment(connection: Connection, article_id: int, revision: int, assessment: Assessment) -> None:
    row = {
        "article_id": article_id,
        "revision": revision,
        "topic": assessment.topic,
        "topic_version": assessment.topic_version,
        "score": assessment.score,
        "threshold": assessment.threshold,
        "relevant": assessment.relevant,
        "facets": [list(each) for each in assessment.facets],
        "shares": [[each.feature, each.value, each.share] for each in assessment.shares],
        "note": assessment.note,
    }
    assessment_id = connection.execute(_NEW_ASSESSMENT, row).scalar_one()
    rows = [
        {
            "assessment_id": assessment_id,
            "position": position,
            "concept": hit.concept,
            "facet": hit.facet,
            "zone": hit.zone,
            "surface": hit.surface,
            "start": hit.start,
            "end": hit.end,
            "sentence": hit.sentence,
        }
        for position, hit in enumerate(assessment.hits)
    ]
    if rows:
        connection.execute(_NEW_HITS, rows)


def finish_candidate(
    connection: Connection,
    candidate: Candidate,
    state: str,
    at: datetime,
    reason: str,
    again_at: datetime | None = None,
) -> None:
    """Mark a candidate as finished; one that never stood in the frontier is entered, lest it be fetched again.

    With a time to look `again_at`, it is due once more then.
    """
    row = {
        "url": candidate.url,
        "source": candidate.source,
        "found_by": candidate.found_by,
        "found_at": candidate.found_at,
        "title": candidate.title,
        "published": candidate.published,
        "summary": candidate.summary,
        "state": state,
        "attempts": 1,
        "due_at": again_at or candidate.found_at,
        "finished_at": at,
        "reason": reason,
    }
    connection.execute(_finish(connection.dialect.name), row)


@cache
def _finish(dialect: str) -> Any:
    statement = insert_for(dialect, t.frontier)
    changed = {key: statement.excluded[key] for key in ("state", "due_at", "finished_at", "reason")}
    changed["attempts"] = t.frontier.c.attempts + 1
    return statement.on_conflict_do_update(index_elements=["url"], set_=changed)


def _stored(connection: Connection, row: dict[str, Any]) -> StoredArticle:
    return _stored_with(row, _read_assessments(connection, row["id"], row["revision"]))


def _stored_with(row: dict[str, Any], assessments: tuple[Assessment, ...]) -> StoredArticle:
    article = Article(
        url=row["url"],
        canonical_url=row["canonical_url"],
        title=row["title"],
        text=row["text"],
        published=row["published"],
        language=row["language"],
        authors=tuple(row["authors"]),
        outlet=row["outlet"],
        source=row["source"],
        content_hash=row["content_hash"],
        fetched_at=row["fetched_at"],
        date_only=row["date_only"],
    )
    return StoredArticle(row["id"], row["story"], article, row["first_seen_at"], row["revision"], assessments)


def _read_assessments(connection: Connection, article_id: int, revision: int) -> tuple[Assessment, ...]:
    query = select(t.assessments).where(t.assessments.c.article_id == article_id, t.assessments.c.revision == revision)
    found = []
    for row in connection.execute(query.order_by(t.assessments.c.topic)).mappings().all():
        of_it = select(t.hits).where(t.hits.c.assessment_id == row["id"]).order_by(t.hits.c.position)
        hits = tuple(
            Hit(each.concept, each.facet, Zone(each.zone), each.surface, each.start, each.end, each.sentence)
            for each in connection.execute(of_it)
        )
        found.append(_assessment(dict(row), hits))
    return tuple(found)


def _assessment(row: dict[str, Any], hits: tuple[Hit, ...]) -> Assessment:
    return Assessment(
        topic=row["topic"],
        topic_version=row["topic_version"],
        score=row["score"],
        threshold=row["threshold"],
        relevant=row["relevant"],
        facets=tuple((name, count) for name, count in row["facets"]),
        hits=hits,
        note=row["note"],
    )
