"""What a search costs, and adding an article, as the archive grows to a million.

Texts are made of real words: those of the seeds' examples in both languages, drawn as often as they stand there, so
that common words are common. Questions are single words (common and rare), phrases, prefixes, filters and concepts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from sqlalchemy import insert, text

from storage import tables as t
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.search import Order, SearchQuery, SearchStore
from storage.search_index import write_words
from tripoint.domain.searchwords import Verdict, place_of, tags_of
from tripoint.domain.types import (
    Article,
    Assessment,
    Candidate,
    Clues,
    Decision,
    Found,
    Hit,
    Placement,
    PlacementKind,
    Zone,
)

_END = datetime(2026, 11, 24, 8, tzinfo=UTC)
_YEARS_S = 5 * 365 * 86_400
_BATCH = 2_000
_ADDED = 200
_WORDS = 300
_SOURCES = 114
_CONCEPTS = ("actor.russia", "actor.pakistan", "act.exercise", "platform.mi35")


def main() -> None:
    """Grow one archive and time searches at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--database", default="", help="URL of an empty database; SQLite in a temporary folder if empty"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{Path(folder) / 'bench.sqlite'}"
        print(
            f"{'articles':>10}  {'search: median':>15} {'95 %':>9} {'slowest':>9}  {'article added: median':>22}  ratio"
        )
        with closing(open_database(url)) as database:
            held, first = 0, 0.0
            for size in sorted(given.sizes):
                _grow(database, held, size)
                held = size + _ADDED
                added = _adding(database, size)
                first = first or added
                took = _searching(database)
                ordered = sorted(each for each, _ in took)
                p95 = ordered[int(len(ordered) * 0.95)]
                slowest = max(took)
                print(
                    f"{size:10,}  {1e3 * statistics.median(ordered):12.1f} ms {1e3 * p95:6.1f} ms"
                    f" {1e3 * slowest[0]:6.1f} ms  {1e6 * added:19.0f} µs  {added / first:.2f}   slowest: {slowest[1]}",
                    flush=True,
                )


def _paragraphs() -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {"vi": [], "en": []}
    for file in (resources.files("seeds") / "examples").iterdir():
        if file.name.endswith(".jsonl"):
            for line in file.read_text(encoding="utf-8").splitlines():
                example = json.loads(line)
                if example["lang"] in found:
                    found[example["lang"]].append(example["text"].split())
    return found


_TEXTS = _paragraphs()
_VOCABULARY = {language: [word for each in texts for word in each] for language, texts in _TEXTS.items()}


def _document(number: int) -> tuple[str, str, str, str, datetime]:
    """Return source, language, title, text and time: runs of real words, and one word of its own, as names are."""
    chance = random.Random(number)  # noqa: S311 - made-up articles, no secret
    language = "vi" if number % 3 == 0 else "en"
    words: list[str] = []
    while len(words) < _WORDS:
        at = chance.randrange(len(_VOCABULARY[language]))
        words.extend(_VOCABULARY[language][at : at + chance.randrange(1, 8)])
    words[chance.randrange(_WORDS)] = f"tên{chance.randrange(200_000)}"
    at = _END - timedelta(seconds=_YEARS_S * (1 - number / 1_000_500))
    return f"source-{number % _SOURCES}", language, " ".join(words[:11]), " ".join(words), at


def _article(number: int) -> Article:
    source, language, title, body, at = _document(number)
    url = f"https://{source}.example/{number}"
    return Article(url, url, title, body, at, language, (), source, source, f"{number:064d}", at)


def _grow(database: Database, start: int, stop: int) -> None:
    """Store articles with their index in large transactions; a hundredth of them are relevant, with concepts."""
    for first in range(start, stop, _BATCH):
        with database.write() as connection:
            articles = [_article(number) for number in range(first, min(first + _BATCH, stop))]
            rows = [_row(each, number) for number, each in enumerate(articles, first)]
            connection.execute(insert(t.articles), rows)
            places = [place_of(each["published"], each["id"]) for each in rows]
            scores = [0.9 if each["id"] % 100 == 0 else 0.0 for each in rows]
            docs = zip(places, rows, scores, strict=True)
            connection.execute(
                insert(t.search_docs), [{"place": a, "article_id": b["id"], "score": c} for a, b, c in docs]
            )
            for place, each, score in zip(places, articles, scores, strict=True):
                verdicts = [Verdict("t", score, score > 0)]
                tags = tags_of(each.source, each.language, verdicts, _CONCEPTS if score else ())
                write_words(connection, place, each.title, each.text, tags)
    with database.write() as connection:
        connection.execute(text("ANALYZE"))
        if not database.is_sqlite:
            top = connection.scalar(text("SELECT max(id) FROM articles"))
            connection.execute(text("SELECT setval('articles_id_seq', :top)"), {"top": top})


def _row(article: Article, number: int) -> dict[str, object]:
    same = ("url", "canonical_url", "title", "text", "published", "language", "outlet", "source", "content_hash")
    more = {"id": number + 1, "story": f"s{number}", "date_only": False, "authors": [], "revision": 1}
    seen = {"fetched_at": article.published, "first_seen_at": article.published}
    return {**{name: getattr(article, name) for name in same}, **more, **seen}


def _adding(database: Database, size: int) -> float:
    """Return the median of the whole transaction that stores a new article."""
    store, took = ArticleStore(database), []
    for number in range(size, size + _ADDED):
        article = _article(number)
        hits = tuple(Hit(each, "actor", Zone.TEXT, "x", 0, 1, 0) for each in _CONCEPTS[:2])
        decision = Decision(
            Placement(f"s{number}", PlacementKind.NEW), (Assessment("t", "v", 0.1, 0.5, False, (), hits),)
        )
        candidate = Candidate(article.url, article.source, Found.FEED, _END)
        begun = time.perf_counter()
        store.keep(candidate, article, Clues(), lambda _known, decision=decision: decision)  # type: ignore[misc]
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def _searching(database: Database) -> list[tuple[float, str]]:
    store, took = SearchStore(database), []
    for query in _questions():
        begun = time.perf_counter()
        store.find(query)
        took.append((time.perf_counter() - begun, _said(query)))
    return took


def _questions() -> Iterator[SearchQuery]:
    chance = random.Random(1)  # noqa: S311 - as above
    for language, words in itertools.product(("vi", "en"), range(100)):
        vocabulary = _VOCABULARY[language]
        at = chance.randrange(len(vocabulary) - 4)
        run = [_plain(each) for each in vocabulary[at : at + 4]]
        kind = words % 10
        yield _question(kind, run, chance)


def _question(kind: int, run: Sequence[str], chance: random.Random) -> SearchQuery:
    month = _END - timedelta(days=chance.randrange(30, 1500))
    match kind:
        case 0:
            return SearchQuery(run[0])
        case 1:
            return SearchQuery(f'"{run[0]} {run[1]}"')
        case 2:
            return SearchQuery(f"tên{chance.randrange(200_000)}")
        case 3:
            return SearchQuery(f"{run[0]} {run[2]}", since=month, until=month + timedelta(days=30))
        case 4:
            return SearchQuery(run[1], outlets=(f"source-{chance.randrange(_SOURCES)}",))
        case 5:
            return SearchQuery(run[0], min_score=0.5)
        case 6:
            return SearchQuery(f"concept:platform.mi35 {run[0]}")
        case 7:
            return SearchQuery(f"{run[0][:3]}*" if len(run[0]) > 3 else run[0], order=Order.NEWEST)
        case 8:
            return SearchQuery(f"{run[0]} -{run[3]} OR {run[2]}")
    return SearchQuery(" ".join(run), languages=("vi",))


def _plain(word: str) -> str:
    return "".join(each for each in word if each.isalnum()) or "nga"


def _said(query: SearchQuery) -> str:
    return f"{query.text} {query.outlets or ''}{query.min_score or ''}{query.since or ''}"


if __name__ == "__main__":
    main()
