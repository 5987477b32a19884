"""Records a second through a WARC file, beside fastwarc and trafilatura alone; with --records the process' size too.

The pages are those of `bench.throughput`, each archived many times with a number in its title. The rival unpacks them
with fastwarc in one process, extracts them with trafilatura in as many warm ones as there are cores, and does no more.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from bench.own_cpu import OwnCpu
from bench.throughput import Run, _extract, _list, pages_at_hand, say
from tests.backfill.warc_files import base_of, knows, record, records_of
from tests.house import House
from tests.newsroom.past import PastOutlet, past_outlets

_ASKED = ("backfill", "--since", "2018-01-01", "--until", "2018-12-31", "--quiet", "--alert", "none")
_SAMPLE_S = 0.5
_CAPTURED = "2026-11-24T01:02:03Z"  # after the pages were published: no page believes a date after its own capture


def main() -> None:
    """Measure, and print medians, ratios and sizes."""
    parser = argparse.ArgumentParser(prog="python -m bench.warc", description=__doc__)
    parser.add_argument("--pages", type=int, default=360, help="records of real pages")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, taking turns")
    parser.add_argument(
        "--records", type=int, default=0, help="records of a file by which memory is measured, not at all if not given"
    )
    arguments = parser.parse_args()
    if arguments.rounds:
        _measure_rate(arguments.pages, arguments.rounds)
    if arguments.records:
        _measure_memory(arguments.records)


def _measure_rate(pages: int, rounds: int) -> None:
    outlets = past_outlets(4, date(2018, 1, 1), date(2019, 1, 1), 0)
    runs: dict[str, list[Run]] = {"prematch off": [], "fastwarc and trafilatura": [], "prematch on": []}
    with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name:
        file = Path(name) / "a.warc.gz"
        _write(file, _real(outlets, pages))
        for number in range(rounds):
            runs["prematch off"].append(_tripoint(file, outlets, pages, prematch=False))
            runs["fastwarc and trafilatura"].append(_rival(file))
            runs["prematch on"].append(_tripoint(file, outlets, pages, prematch=True))
            said = ", ".join(f"{key} {each[-1].rate:.1f}" for key, each in runs.items())
            say(f"round {number + 1}, records/s: {said}")
    say(f"\n{pages} records of real pages, {multiprocessing.cpu_count()} cores, medians of {rounds} rounds in turns")
    for key, each in runs.items():
        rate = statistics.median(run.rate for run in each)
        cpu_ms = statistics.median(1000 * run.cpu_s / run.pages for run in each)
        say(f"  {key:24} {rate:8.1f} records/s   {cpu_ms:6.1f} ms CPU of its own processes a record")
    for key, other, aim in (
        ("prematch off", "fastwarc and trafilatura", "aim 0.85"),
        ("prematch on", "prematch off", "a third of the pages holds a name of the topic somewhere"),
    ):
        ratios = [ours.rate / theirs.rate for ours, theirs in zip(runs[key], runs[other], strict=True)]
        say(f"  {key} / {other}: {statistics.median(ratios):.2f} ({aim}; rounds {_list(ratios)})")
        cpu = [theirs.cpu_s / ours.cpu_s for ours, theirs in zip(runs[key], runs[other], strict=True)]
        say(f"    by CPU time, whatever else the machine did: {statistics.median(cpu):.2f} (rounds {_list(cpu)})")


def _real(outlets: list[PastOutlet], pages: int) -> Iterator[bytes]:
    originals = pages_at_hand()
    for number in range(pages):
        title, body = originals[number % len(originals)]
        html = body.replace(title.encode(), f"{title} ({number})".encode())
        # Its own address would make one article of all copies of a page.
        html = html.replace(b'rel="canonical"', b'rel="bench"').replace(b"og:url", b"og:bench")
        yield record(f"{base_of(outlets[number % 4])}/a-story-for-the-bench-{number:06d}", html, _CAPTURED)


def _write(file: Path, records: Iterator[bytes]) -> None:
    with file.open("wb") as out:
        for each in records:
            out.write(gzip.compress(each, 6))


def _tripoint(file: Path, outlets: list[PastOutlet], pages: int, *, prematch: bool) -> Run:
    """Search the file with an empty database; the time is the job's own, from its first window to its last commit."""
    with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name:
        house = House(Path(name), settings={"crawl": {"workers": 0}, "backfill": {"prematch": prematch}})
        knows(house, outlets)
        with OwnCpu() as cpu:
            house.run(*_ASKED, "--via", f"warc:{file}")
        query = "select began_at, finished_at, new, reason from backfill_jobs, backfill_windows"
        ((began, finished, new, reason),) = house.rows(query)
        if not prematch and new != pages:
            say(f"  only {new} of {pages} are articles: {reason}")
    first, last = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (began, finished))
    return Run((last - first).total_seconds(), cpu.spent_s(first, last), pages)


def _bodies(file: Path) -> Iterator[bytes]:
    for each in ArchiveIterator(file.open("rb"), record_types=WarcRecordType.response):
        yield each.reader.read()


def _rival(file: Path) -> Run:
    with OwnCpu() as cpu, multiprocessing.get_context("spawn").Pool() as pool:
        pool.map(_extract, list(islice(_bodies(file), 8)), chunksize=1)
        first = datetime.now(UTC)
        number = sum(1 for _ in pool.imap_unordered(_extract, _bodies(file), chunksize=4))
        last = datetime.now(UTC)
        pool.close()
        pool.join()
    return Run((last - first).total_seconds(), cpu.spent_s(first, last), number)


def _measure_memory(records: int) -> None:
    """Let a file of many short pages be searched, one of ten about the topic, and look at the main process."""
    outlets = past_outlets(records, date(2018, 1, 1), date(2019, 1, 1), 60)
    with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name:
        file = Path(name) / "a.warc.gz"
        _write(file, (each for each in records_of(outlets) if b"WARC-Type: request" not in each))
        house = House(Path(name), settings={"crawl": {"workers": 0}, "backfill": {"prematch": False}})
        knows(house, outlets)
        sizes: list[float] = []
        with subprocess.Popen(house.command(*_ASKED, "--via", f"warc:{file}"), env=house.environ()) as process:
            while process.poll() is None:
                sizes.append(_resident_mb(process.pid))
                time.sleep(_SAMPLE_S)
        ((reason,),) = house.rows("select reason from backfill_windows")
    sizes = [each for each in sizes if each]
    tenths = [statistics.mean(sizes[at * len(sizes) // 10 : (at + 1) * len(sizes) // 10]) for at in range(10)]
    say(f"\n{file.name}: {reason}; all of them read; resident memory of the main process by tenths of the time, MB")
    say("  " + " ".join(f"{each:.0f}" for each in tenths))
    say(f"  from the second tenth to the last: {100 * (tenths[-1] / tenths[1] - 1):+.1f} % (aim: below 10 %)")


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
