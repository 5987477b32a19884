"""Search: which articles hold what was asked for, on SQLite and PostgreSQL alike.

Newest first, every match is found in the order of the index. Best first, the newest matches of the title and of the
whole are ranked by us, from their text, so that both databases agree and a search costs the same in a large archive;
what lies beyond those follows, newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select, text

from storage import tables as t
from storage.database import Database
from storage.relevant import IS_RELEVANT
from storage.search_plan import Dialect, Fts5, TsQuery, common, written
from storage.search_prefix import spelled_out
from tripoint.domain.errors import MendError
from tripoint.domain.highlight import snippet, spans
from tripoint.domain.searchrank import Scored, rank
from tripoint.domain.searchtext import Every, Question, Words, leaves, parse
from tripoint.domain.searchwords import RELEVANT, long_span_tags_between, place_of, score_tags, span_tags_between, tag
from tripoint.domain.types import Marked

_POOL = 60  # of the newest matches, and as many in titles, are ranked
_REACH = 50  # times as far back as the newest matches, ones in titles are looked for
_BATCH = 200
_SAMPLE = 200  # newest articles with a word, which tell how common it is
_FIRST = 1_000  # newest articles that PostgreSQL looks through before older ones
_LONGER = 40  # times as far as before, it looks on at most
_AMPLE = 2  # times as far as it should have to
# PostgreSQL goes through the rarest words of which one must be there: many short stretches, where there are such.
_FEW_SPANS = 8
_MOST_SPANS = 60  # tags of a stretch of time; a longer one is not worth it


class Order(StrEnum):
    """In which order hits come."""

    BEST = "best"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for. Several outlets, or languages, mean any of them; empty means all."""

    text: str = ""  #: see `tripoint.domain.searchtext`; empty finds everything that the filters leave
    since: datetime | None = None  #: published, or first seen where that is not known, then or later
    until: datetime | None = None  #: before then
    outlets: tuple[str, ...] = ()  #: names of sources
    languages: tuple[str, ...] = ()  #: ISO 639-1
    min_score: float | None = None  #: of the topic, else the highest of any
    relevant_only: bool = False
    topic: str = ""  #: what this one calls relevant, or with `min_score`, what it scores so high
    order: Order = Order.BEST
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One article that was found."""

    article_id: int
    story: str
    source: str
    outlet: str
    language: str
    url: str
    title: Marked  #: with the words that were looked for
    snippet: Marked  #: plain text with the spans to mark; never markup
    published: datetime | None
    date_only: bool
    first_seen_at: datetime
    score: float  #: the highest of the newest judgements, 0 without one
    is_relevant: bool
    rank: float  #: higher is better; 0 where it was not ranked


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A stretch of the hits."""

    hits: tuple[SearchHit, ...]
    is_more: bool  #: whether there are hits after these
    all_ranked: bool = True  #: whether the best of all come first; else of the newest, and the others newest first


class SearchStore:
    """Finds articles; reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, query: SearchQuery) -> SearchPage:
        """Return the hits of a query from its offset on; raises `SearchTextError` where it cannot be understood."""
        question = parse(query.text)
        asked = [each for each in leaves(question) if isinstance(each, Words)]
        with self._database.read() as connection:
            plan = _Plan(connection, query, question)
            ranked = self._ranked(connection, plan, asked) if query.order is Order.BEST and asked else []
            wanted = query.offset + query.limit + 1
            places = [each.place for each in ranked]
            is_all = bool(asked) and query.order is Order.BEST and len(ranked) < _POOL
            if wanted > len(places) and not is_all:
                known = set(places)
                places.extend(each for each in plan.newest(wanted) if each not in known)
            chosen = places[query.offset : wanted]
            ranks = {each.place: each.rank for each in ranked}
            hits = _hits(connection, chosen[: query.limit], asked, ranks)
        all_ranked = not ranked or len(ranked) < _POOL
        return SearchPage(tuple(hits), len(chosen) > query.limit, all_ranked)

    def walk(self, query: SearchQuery) -> Iterator[SearchHit]:
        """Yield every hit, newest first, whatever limit and order say; each batch is read by itself."""
        question = parse(query.text)
        asked = [each for each in leaves(question) if isinstance(each, Words)]
        before: int | None = None
        while True:
            with self._database.read() as connection:
                places = _Plan(connection, query, question, before).newest(_BATCH)
                hits = _hits(connection, places, asked, {})
            yield from hits
            if len(places) < _BATCH:
                return
            before = places[-1]

    def _ranked(self, connection: Connection, plan: _Plan, asked: Sequence[Words]) -> list[Scored]:
        places = plan.newest(_POOL)
        if len(places) == _POOL:  # else these are all there are
            lowest = places[0] - _REACH * (places[0] - places[-1])
            places = list(dict.fromkeys([*plan.newest(_POOL, in_title=True, lowest=lowest), *places]))
        texts = _texts(connection, places)
        return rank([(place, *texts[place]) for place in places if place in texts], asked)


class _Plan:
    """A query as statements of one connection's database."""

    def __init__(
        self, connection: Connection, query: SearchQuery, question: Question | None, before: int | None = None
    ) -> None:
        if query.since and query.until and query.since >= query.until:
            raise MendError("since is not before until", "turn them round")
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._dialect: Dialect = Fts5() if self._is_sqlite else TsQuery()
        self._query = query
        self._filters = _filters(query)
        self._parts, self._without = _conjuncts(spelled_out(connection, question) if self._is_sqlite else question)
        self._known: dict[str, int] = {}  # how common words are
        self._bounds: dict[str, int] = {}
        self._last: int | None = None  # place that there is
        if query.since:
            self._bounds["lowest"] = place_of(query.since)
        if query.until:
            self._bounds["above"] = place_of(query.until)
        if before is not None:
            self._bounds["above"] = min(before, self._bounds.get("above", before))

    def newest(self, limit: int, *, in_title: bool = False, lowest: int | None = None) -> list[int]:
        """Return the places of the newest matches, none of them before the lowest place."""
        bounds = dict(self._bounds)
        if lowest is not None:
            bounds["lowest"] = max(lowest, bounds.get("lowest", lowest))
        if self._is_sqlite or not (self._parts or self._filters):
            return self._newest_of(bounds, limit, in_title=in_title)
        return self._by_stretches(bounds, limit, in_title=in_title)

    def _by_stretches(self, bounds: dict[str, int], limit: int, *, in_title: bool) -> list[int]:
        """Return the newest matches from stretches of time, each as long as the matches before it let expect.

        SQLite's index gives its matches one after the other, PostgreSQL's all at once.
        """
        newest, first, oldest = self._ends(bounds)
        if newest is None or oldest is None:
            return []
        found: list[int] = []
        above, lowest = newest + 1, oldest if first is None else max(first, oldest)
        while True:
            stretch = {**bounds, "lowest": lowest, "above": above}
            found += self._newest_of(stretch, limit - len(found), in_title=in_title)
            if lowest <= oldest or len(found) >= limit:
                return found
            through = newest + 1 - lowest
            expected = _AMPLE * through * (limit - len(found)) // len(found) if found else _LONGER * through
            above, lowest = lowest, max(oldest, lowest - min(expected, _LONGER * through))

    def _ends(self, bounds: Mapping[str, int]) -> tuple[int | None, int | None, int | None]:
        """Return the newest place within bounds, where the first stretch begins unless it is all, and the oldest."""
        place = t.search_docs.c.place
        within = [place >= bounds["lowest"]] if "lowest" in bounds else []
        within += [place < bounds["above"]] if "above" in bounds else []
        first = select(place).where(*within).order_by(place.desc()).offset(_FIRST).limit(1)
        ends = select(func.max(place), first.scalar_subquery(), func.min(place)).where(*within)
        newest, first_, oldest = self._connection.execute(ends).one()
        return newest, first_, oldest

    def _newest_of(self, bounds: Mapping[str, int], limit: int, *, in_title: bool) -> list[int]:
        wanted = self._wanted(bounds, in_title=in_title)
        statement = self._statement(bounds, is_indexed=bool(wanted))
        values: dict[str, Any] = {**bounds, "limit": limit}
        if wanted:
            values["wanted"] = wanted
        if self._query.min_score is not None:
            values |= {"least": self._query.min_score, "topic": self._query.topic}
        return [int(each) for each in self._connection.scalars(text(statement), values)]

    def _wanted(self, bounds: Mapping[str, int], *, in_title: bool) -> str:
        """Return what the index is asked, the rarest first; empty if it is not asked."""
        dialect = self._dialect
        parts = [written(dialect, each, in_title=in_title) for each in self._parts]
        groups = [[dialect.tag(each) for each in group] for group in self._filters]
        wanted = [*parts, *map(dialect.either, groups)]
        if not wanted:
            return ""
        if self._is_sqlite and len(wanted) > 1:
            worth = [common(dialect, each, self._commonness) for each in self._parts]
            worth += [max(map(self._commonness, group)) for group in groups]
            wanted = [wanted[at] for at in sorted(range(len(wanted)), key=worth.__getitem__)]
        if spans := self._spans(bounds):
            wanted.insert(1, dialect.either([dialect.tag(each) for each in spans]))
        whole = dialect.narrowed(wanted)
        left_out = [written(dialect, each) for each in self._without]
        return dialect.every([whole], left_out) if left_out else whole

    def _spans(self, bounds: Mapping[str, int]) -> list[str]:
        """Return the tags of a stretch of time: FTS5 alone would look for a match beyond it, all the way back."""
        if "lowest" not in bounds:
            return []
        if self._last is None:
            self._last = self._connection.scalar(select(func.max(t.search_docs.c.place))) or 0
        last = self._last
        ends = bounds["lowest"], min(last, bounds.get("above", last))
        tags = span_tags_between(*ends)
        if not self._is_sqlite and len(tags) > _FEW_SPANS:
            tags = long_span_tags_between(*ends)
        return tags if len(tags) <= _MOST_SPANS else []

    def _commonness(self, written: str) -> int:
        """Return the place of the last of the newest articles that hold a word: the higher, the more do."""
        if written not in self._known:
            above = {name: value for name, value in self._bounds.items() if name == "above"}
            statement = self._statement(above, is_indexed=True, is_scored=False) + " OFFSET :sample"
            values = {**above, "wanted": written, "limit": 1, "sample": _SAMPLE}
            self._known[written] = self._connection.scalar(text(statement), values) or 0
        return self._known[written]

    def _statement(self, bounds: Mapping[str, int], *, is_indexed: bool, is_scored: bool = True) -> str:
        key = "w.rowid" if self._is_sqlite and is_indexed else "w.place" if is_indexed else "d.place"
        tables = "search_words w" if is_indexed else "search_docs d"
        conditions = []
        if is_indexed:
            conditions.append(
                "search_words MATCH :wanted" if self._is_sqlite else "w.words @@ CAST(:wanted AS tsquery)"
            )
        if self._query.min_score is not None and is_scored:
            if is_indexed:
                tables += (
                    f" CROSS JOIN search_docs d ON d.place = {key}"
                    if self._is_sqlite
                    else (f" JOIN search_docs d ON d.place = {key}")
                )
            conditions.append(_OF_TOPIC if self._query.topic else "d.score >= :least")
        conditions.extend(f"{key} {sign} :{name}" for name, sign in _BOUNDS.items() if name in bounds)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        # Everything put in here is one of the words above; what a person wrote is bound.
        last = f"ORDER BY {key} DESC LIMIT :limit"
        if self._is_sqlite or not is_indexed:
            return f"SELECT {key} FROM {tables}{where} {last}"  # noqa: S608
        # PostgreSQL would rather read article after article, back from the newest, than ask its index and sort.
        found = f"WITH w AS MATERIALIZED (SELECT {key} FROM {tables}{where})"  # noqa: S608
        return f"{found} SELECT {key} FROM w {last}"  # noqa: S608


_BOUNDS = {"lowest": ">=", "above": "<"}
_OF_TOPIC = (
    "EXISTS (SELECT 1 FROM assessments s JOIN articles a ON a.id = s.article_id AND a.revision = s.revision"
    " WHERE s.article_id = d.article_id AND s.topic = :topic AND s.score >= :least)"
)


def _conjuncts(question: Question | None) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return what must all be there, and what must not."""
    if isinstance(question, Every):
        return question.parts, question.without
    return ((question,) if question else ()), ()


def _filters(query: SearchQuery) -> list[list[str]]:
    """Return the filters that the index knows by a tag; an article has one of each list."""
    groups = [
        [tag("source", each) for each in query.outlets],
        [tag("language", each) for each in query.languages],
        [RELEVANT] if query.relevant_only else [],
        [tag("topic", query.topic)] if query.topic and query.min_score is None else [],
        score_tags(query.min_score) if query.min_score else [],
    ]
    return [group for group in groups if group]


def _texts(connection: Connection, places: Sequence[int]) -> dict[int, tuple[str, str]]:
    columns = (t.search_docs.c.place, t.articles.c.title, t.articles.c.text)
    query = select(*columns).join(t.articles, t.articles.c.id == t.search_docs.c.article_id)
    return {
        row.place: (row.title, row.text) for row in connection.execute(query.where(t.search_docs.c.place.in_(places)))
    }


def _hits(
    connection: Connection, places: Sequence[int], asked: Sequence[Words], ranks: dict[int, float]
) -> list[SearchHit]:
    query = (
        select(t.articles, t.search_docs.c.place, t.search_docs.c.score, IS_RELEVANT.label("is_relevant"))
        .join(t.search_docs, t.articles.c.id == t.search_docs.c.article_id)
        .where(t.search_docs.c.place.in_(places))
    )
    found = {row["place"]: row for row in connection.execute(query).mappings()}
    return [_hit(found[place], asked, ranks.get(place, 0.0)) for place in places if place in found]


def _hit(row: Any, asked: Sequence[Words], rank_: float) -> SearchHit:
    same = ("story", "source", "outlet", "language", "url", "published", "date_only", "first_seen_at", "score")
    return SearchHit(
        article_id=row["id"],
        title=Marked(row["title"], tuple(spans(row["title"], asked))),
        snippet=snippet(row["text"], asked),
        is_relevant=bool(row["is_relevant"]),
        rank=rank_,
        **{name: row[name] for name in same},
    )
