"""What a look-up for copies, and adding an article, cost as the archive grows to a million, on SQLite.

Articles are made up of words drawn at random; a tenth are of an outlet whose footer gives all its articles two keys,
which is the worst that the index meets. Printed beside: how many fingerprints a second are taken of texts of 4 kB.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from storage import tables as t
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.twins import find_twins
from tripoint.app.seeds import load_seeds
from tripoint.domain.types import Article, Candidate, Decision, Found
from tripoint.stories.fingerprint import KEYS, fingerprint, is_copy
from tripoint.stories.placement import Placer

_NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
_SEED = 5
_BATCH = 20_000
_LOOKS = 300
_TOP = 1 << 32
_FOOTER = (11, 12)  # keys that every article of one outlet has


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds a look-up, the median of three runs, and the slowest hundredth."""

    name: str
    median_us: float
    cpu_us: float
    p99_us: float


def main() -> None:
    """Grow one archive and time look-ups at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    sizes = sorted(parser.parse_args().sizes)
    _fingerprints()
    print(f"\n{'articles':>10}  {'look-up':24} {'median':>9} {'CPU':>9} {'99 %':>9}  ratio to the smallest")
    first: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        held = 0
        for size in sizes:
            _grow(database, held, size)
            held = size + _LOOKS  # those that were added
            for cost in [*_measure(database, size), _adding(database, size)]:
                ratio = cost.median_us / first.setdefault(cost.name, cost.median_us)
                print(
                    f"{size:10,}  {cost.name:24} {cost.median_us:6.0f} µs {cost.cpu_us:6.0f} µs {cost.p99_us:6.0f} µs"
                    f"  {ratio:.2f}"
                )
        database.close()


def _keys(number: int) -> list[int]:
    chance = random.Random(_SEED * 1_000_003 + number)  # noqa: S311 - made-up articles, no secret
    own = [chance.randrange(1000, _TOP) for _ in range(KEYS)]
    return sorted([*_FOOTER, *own[2:]]) if number % 10 == 0 else sorted(own)


def _text(number: int) -> str:
    chance = random.Random(number)  # noqa: S311 - as above
    return " ".join(f"w{chance.randrange(9999)}" for _ in range(150))


def _article(number: int) -> Article:
    url = f"https://outlet.example/{number}"
    return Article(url, url, f"T{number}", _text(number), _NOW, "en", (), "Outlet", "outlet", f"h{number}", _NOW)


def _grow(database: Database, start: int, stop: int) -> None:
    for at in range(start, stop, _BATCH):
        numbers = range(at, min(at + _BATCH, stop))
        rows = [_row(number) for number in numbers]
        keys = [{"key": key, "article_id": number + 1} for number in numbers for key in _keys(number)]
        with database.write() as connection:
            connection.execute(insert(t.articles), rows)
            connection.execute(insert(t.fingerprints), sorted(keys, key=lambda each: each["key"]))


def _row(number: int) -> dict[str, object]:
    article = _article(number)
    same = ("url", "canonical_url", "title", "text", "published", "language", "outlet", "source", "content_hash")
    more = {"id": number + 1, "story": f"s{number}", "date_only": False, "authors": [], "revision": 1}
    return {**{name: getattr(article, name) for name in same}, **more, "fetched_at": _NOW, "first_seen_at": _NOW}


def _measure(database: Database, size: int) -> list[Cost]:
    chance = random.Random(size)  # noqa: S311 - as above
    fresh = [size + 1 + 10 * n for n in range(_LOOKS)]  # none of the outlet with the footer
    plain = [10 * chance.randrange(size // 10) + 3 for _ in range(_LOOKS)]
    footer = [size + 10 * n + (-size % 10) for n in range(_LOOKS)]
    kinds = {"of a new text": fresh, "of a copy": plain, "with a footer's keys": footer}
    return [_time(database, name, numbers) for name, numbers in kinds.items()]


def _adding(database: Database, size: int) -> Cost:
    """Time the whole transaction that stores an article about something else, as nearly all are."""
    seeds = load_seeds()
    placer, store = Placer(seeds.glossary, seeds.grouping, seeds.wires, {}), ArticleStore(database)
    took, cpu_s = [], 0.0
    for number in range(_LOOKS):
        article = _article(10**7 + size + number)
        clues, place = placer.recognise(article, frozenset(), _NOW, is_grouped=False)
        candidate = Candidate(article.url, "outlet", Found.FEED, _NOW, article.title)
        cpu, begun = time.process_time(), time.perf_counter()
        store.keep(candidate, article, clues, lambda known, place=place: Decision(place(known), ()))  # type: ignore[misc]
        took.append(time.perf_counter() - begun)
        cpu_s += time.process_time() - cpu
    ninety_nine = sorted(took)[int(len(took) * 0.99)]
    return Cost("an article added", *(1e6 * each for each in (statistics.median(took), cpu_s / _LOOKS, ninety_nine)))


def _time(database: Database, name: str, numbers: list[int]) -> Cost:
    asked = [(_article(-1 - number), _keys(number)) for number in numbers]
    medians, cpus, slowest = [], [], []
    for _ in range(3):
        took = []
        cpu = time.process_time()
        with database.read() as connection:
            for article, keys in asked:
                begun = time.perf_counter()
                find_twins(connection, article, keys)
                took.append(time.perf_counter() - begun)
        cpus.append((time.process_time() - cpu) / len(asked))
        medians.append(statistics.median(took))
        slowest.append(sorted(took)[int(len(took) * 0.99)])
    return Cost(name, *(1e6 * statistics.median(each) for each in (medians, cpus, slowest)))


def _fingerprints() -> None:
    texts = [" ".join(_text(n * 5 + part) for part in range(5))[:4096] for n in range(200)]
    rates, compared = [], []
    for _ in range(3):
        begun = time.process_time()
        prints = [fingerprint("A title", text) for text in texts]
        rates.append(len(texts) / (time.process_time() - begun))
        begun = time.process_time()
        for one, other in itertools.pairwise(prints):
            is_copy(one, other)
        compared.append(len(texts) / (time.process_time() - begun))
    print(f"fingerprints of 4 kB: {statistics.median(rates):,.0f} a second of CPU")
    print(f"comparisons of two of them: {statistics.median(compared):,.0f} a second of CPU")


if __name__ == "__main__":
    main()
