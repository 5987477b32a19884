"""How long the service takes from its start to its first poll, on an empty database and on a big one.

The big one holds 200,000 articles with their revisions and judgements, and as many rows of the frontier. Both are timed
several times in turn, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from storage import tables as t
from storage.database import Database, open_database
from tests.house import House
from tests.newsroom import NewsroomThread, load_desk

_BATCH = 5_000
_SOURCES = 114
_STATES = ("done",) * 17 + ("again", "not_article", "failed")
_TEXT = "The two sides agreed to meet again in spring, a spokesman said, without naming a place. " * 12
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Start:
    """What a start took."""

    wall_s: float
    cpu_s: float


def main() -> None:
    """Build both, time both, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="articles, and rows of the frontier")
    parser.add_argument("--starts", type=int, default=3, help="starts of each that are timed")
    given = parser.parse_args()
    desk = load_desk(datetime.now(UTC))[:1]
    with tempfile.TemporaryDirectory() as name, NewsroomThread([each.outlet for each in desk]) as room:
        houses = {}
        for rows in (0, given.rows):
            (folder := Path(name) / str(rows)).mkdir()
            houses[rows] = house = House(folder)
            house.settings["run"] = {"interval_s": 1.0, "min_interval_s": 1.0, "max_interval_s": 1.0}
            house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
            fill(house.database, rows)
        took: dict[int, list[Start]] = {rows: [] for rows in houses}
        for _ in range(given.starts + 1):
            for rows, house in houses.items():
                took[rows].append(_start(house, room))
        for rows, house in houses.items():
            size = (house.folder / "tripoint.db").stat().st_size / 1e6
            warm = took[rows][1:]  # the first start compiles and reads from the disk
            wall, cpu = ([getattr(each, what) for each in warm] for what in ("wall_s", "cpu_s"))
            _say(
                f"{rows:7} articles and rows of the frontier ({size:.0f} MB): first poll after "
                f"{statistics.median(wall):.1f} s ({min(wall):.1f} to {max(wall):.1f}, {len(wall)} starts), "
                f"{statistics.median(cpu):.1f} s of CPU in the service's own process"
            )


def fill(url: str, rows: int) -> None:
    """Write so many articles and rows of the frontier into a database, of sources that nobody reads any more."""
    database = open_database(url)
    try:
        for start in range(0, rows, _BATCH):
            _fill(database, range(start + 1, min(start + _BATCH, rows) + 1), rows)
    finally:
        database.close()


def _fill(database: Database, numbers: range, of: int) -> None:
    with database.write() as connection:
        connection.execute(insert(t.articles), list(_articles(numbers, of)))
        kept = ("title", "text", "content_hash", "fetched_at")
        connection.execute(
            insert(t.revisions),
            [
                {"article_id": row["id"], "number": 1} | {key: row[key] for key in kept}
                for row in _articles(numbers, of)
            ],
        )
        connection.execute(insert(t.assessments), list(_assessments(numbers)))
        connection.execute(insert(t.frontier), list(_frontier(numbers, of)))


def _at(number: int, of: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2 * (of - number))


def _articles(numbers: range, of: int) -> Iterator[dict[str, object]]:
    for number in numbers:
        at = _at(number, of)
        url = f"https://archive-{number % _SOURCES}.example/{number}.html"
        yield {
            "id": number,
            "story": f"{number:016x}",
            "canonical_url": url,
            "url": url,
            "source": f"archive-{number % _SOURCES}",
            "outlet": "Archive",
            "language": "en",
            "title": f"Talks number {number}",
            "text": f"{number} {_TEXT}",
            "published": at,
            "date_only": False,
            "authors": [],
            "content_hash": f"{number:064x}",
            "fetched_at": at,
            "first_seen_at": at,
            "revision": 1,
        }


def _assessments(numbers: range) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "article_id": number,
            "revision": 1,
            "topic": "russia-pakistan-us",
            "topic_version": "1",
            "score": 0.1,
            "threshold": 0.5,
            "relevant": number % 50 == 0,
            "facets": [],
            "shares": [],
            "note": "",
        }


def _frontier(numbers: range, of: int) -> Iterator[dict[str, object]]:
    for number in numbers:
        at, state = _at(number, of), _STATES[number % len(_STATES)]
        yield {
            "url": f"https://archive-{number % _SOURCES}.example/{number}.html",
            "source": f"archive-{number % _SOURCES}",
            "found_by": "feed",
            "found_at": at,
            "title": f"Talks number {number}",
            "summary": "",
            "state": state,
            "attempts": 1,
            "due_at": at + timedelta(days=4 if state == "again" else 0),
            "finished_at": at,
        }


def _start(house: House, room: NewsroomThread) -> Start:
    """Start the service, and return what passed until the newsroom was asked for something."""
    room.forget()
    began = time.monotonic()
    service = house.start("run")
    try:
        while not room.requests:
            if service.poll() is not None or time.monotonic() > began + _PATIENCE_S:
                raise RuntimeError("the service ended, or asked for nothing")
            time.sleep(0.005)
        return Start(room.requests[0].at - began, _cpu_s(service.pid))
    finally:
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=_PATIENCE_S)


def _cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
