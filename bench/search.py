"""What a search costs, and adding an article, as the archive grows; `--sizes 10000 100000 1000000` for a million.

Texts are made of real words: those of the seeds' examples in both languages, drawn as often as they stand there, so
that common words are common; a hundredth of the articles is relevant. Questions are single words (common and rare),
phrases, prefixes, filters and concepts. Articles are added turn about with an archive of the smallest size, so that the
ratio of the two holds beside other work; searches are told as they were, and without the waiting for a core.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from sqlalchemy import func, insert, select, text

from storage import tables as t
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.search import Order, SearchQuery, SearchStore
from storage.search_index import write_words
from tests.postgres import new_database, postgres_tools, running_postgres
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
_BEYOND = 1.05
_WORDS = 300
_SOURCES = 114
_CONCEPTS = ("actor.russia", "actor.pakistan", "act.exercise", "platform.mi35")


def main() -> None:
    """Grow one archive and time it at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own instead of SQLite")
    parser.add_argument("--folder", type=Path, help="keep the SQLite archives here, and go on from what is there")
    given = parser.parse_args()
    sizes = sorted(given.sizes)
    print(_HEAD)
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = _postgresql(stack, folder) if given.postgresql else _sqlite(folder)
        archive, smallest = (stack.enter_context(closing(open_database(url))) for url in urls)
        _grow(smallest, sizes[0])
        for size in sizes:
            if _held(archive) > size * _BEYOND:
                continue  # it was kept, and is larger
            _grow(archive, size)
            _report(size, _searching(archive), *_adding(archive, smallest))


def _sqlite(folder: Path) -> tuple[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'archive.sqlite'}", f"sqlite:///{folder / 'smallest.sqlite'}"


def _postgresql(stack: contextlib.ExitStack, folder: Path) -> tuple[str, str]:
    tools = postgres_tools()
    if tools is None:
        sys.exit("PostgreSQL is not installed; on Debian: apt install postgresql")
    (folder / "postgresql").mkdir(parents=True)
    server = stack.enter_context(running_postgres(tools, folder / "postgresql"))
    return new_database(server, "archive"), new_database(server, "smallest")


_HEAD = (
    f"{'articles':>10}  {'search: median':>14} {'95 %':>8} {'slowest':>8}  {'95 % alone':>11}"
    f"  {'added: median':>13} {'ratio':>5}  {'mean':>8} {'ratio':>5}   the slowest"
)


def _report(size: int, took: list[_Took], added: list[float], added_to_smallest: list[float]) -> None:
    walls, alone = sorted(each.wall_s for each in took), sorted(each.alone_s for each in took)
    at = int(len(took) * 0.95)
    cells = [f"{size:10,} "]
    cells.append(f"{1e3 * statistics.median(walls):11.1f} ms {1e3 * walls[at]:5.1f} ms {1e3 * walls[-1]:5.1f} ms")
    cells.append(f"{1e3 * alone[at]:8.1f} ms ")
    cells += [
        f"{1e3 * middle(added):7.2f} ms {middle(added) / middle(added_to_smallest):5.2f} "
        for middle in (statistics.median, statistics.mean)
    ]
    print(" ".join(cells), max(took).question, flush=True)


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


def _grow(database: Database, stop: int) -> None:
    """Store articles with their index in large transactions; a hundredth of them are relevant, with concepts."""
    start = _held(database)
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


def _adding(archive: Database, smallest: Database) -> tuple[list[float], list[float]]:
    """Time the whole transaction that stores a new article, turn about in both, so that other work slows both alike."""
    took: tuple[list[float], list[float]] = ([], [])
    nexts = [_held(each) for each in (archive, smallest)]
    for number in range(_ADDED):
        for which, database in enumerate((archive, smallest)):
            took[which].append(_add(database, nexts[which] + number))
    return took


def _held(database: Database) -> int:
    with database.read() as connection:
        highest: int | None = connection.scalar(select(func.max(t.articles.c.id)))
    return highest or 0


def _add(database: Database, number: int) -> float:
    article = _article(number)
    hits = tuple(Hit(each, "actor", Zone.TEXT, "x", 0, 1, 0) for each in _CONCEPTS[:2])
    decision = Decision(Placement(f"s{number}", PlacementKind.NEW), (Assessment("t", "v", 0.1, 0.5, False, (), hits),))
    candidate = Candidate(article.url, article.source, Found.FEED, _END)
    store = ArticleStore(database)
    begun = time.perf_counter()
    store.keep(candidate, article, Clues(), lambda _known: decision)
    return time.perf_counter() - begun


@dataclass(frozen=True, slots=True, order=True)
class _Took:
    wall_s: float
    alone_s: float  #: without the time that a core was kept by other work, where Linux tells it
    question: str


def _searching(database: Database) -> list[_Took]:
    """Time each question once, nothing of it asked before."""
    store, took = SearchStore(database), []
    server = None if database.is_sqlite else _server_process(database)
    for query in _questions():
        begun, kept = time.perf_counter(), _kept_waiting_s(server)
        store.find(query)
        wall = time.perf_counter() - begun
        took.append(_Took(wall, wall - (_kept_waiting_s(server) - kept), _said(query)))
    return took


def _server_process(database: Database) -> int:
    """Return the process of the only connection that there is."""
    with database.read() as connection:
        return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


def _kept_waiting_s(server: int | None) -> float:
    """Return how long this thread and the server's process could have run and had no core."""
    files = [Path("/proc/thread-self/schedstat"), *([Path(f"/proc/{server}/schedstat")] if server else [])]
    return sum(int(each.read_text().split()[1]) / 1e9 for each in files if each.exists())


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
