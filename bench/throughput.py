"""Pages a second from fetch to stored and assessed, beside trafilatura alone and news-please on the same site.

The pages are the twelve real ones of ../shared/data/pages where they are at hand, else the newsroom's written ones,
each served many times with a number in its title so that no two are the same article.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.house import House
from tests.newsroom import NewsPage, NewsroomThread, Outlet, load_desk

PAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "pages"
RIVAL = """
import json, socket, sys, time
looked_up = socket.getaddrinfo
def local(host, *args, **kwargs):  # it asks the internet for pictures and lists: let it hear "no" at once, not time out
    if not str(host).startswith("127."):
        raise socket.gaierror("offline")
    return looked_up(host, *args, **kwargs)
socket.getaddrinfo = local
import tldextract.tldextract as suffixes
made = suffixes.TLDExtract.__init__
def offline(self, *args, **kwargs):
    made(self, *args, **{**kwargs, "suffix_list_urls": ()})  # else each page waits for a list that is on the internet
suffixes.TLDExtract.__init__ = offline
suffixes.TLD_EXTRACTOR = suffixes.TLDExtract()
from newsplease import NewsPlease
urls = json.load(sys.stdin)
begun = time.perf_counter()
found = NewsPlease.from_urls(urls, request_args={"timeout": 20})
good = sum(1 for each in found.values() if getattr(each, "maintext", None))
print(json.dumps([time.perf_counter() - begun, good]))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run over all pages."""

    wall_s: float
    cpu_s: float
    pages: int

    @property
    def rate(self) -> float:
        """Return pages a second."""
        return self.pages / self.wall_s


def main() -> None:
    """Measure, and print medians and ratios."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rival", help="python of an environment with news-please")
    parser.add_argument("--pages", type=int, default=360, help="how many pages to serve")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, taking turns")
    arguments = parser.parse_args()
    pages = numbered_pages(arguments.pages)
    runs: dict[str, list[Run]] = {}
    outlets = [Outlet(f"bench-{n}", f"Bench {n}", "en", "GB", "UTC", pages[n::4]) for n in range(4)]
    with NewsroomThread(outlets) as room:
        urls = [room.base(outlet.name) + page.path for outlet in outlets for page in outlet.pages]
        measured: dict[str, Callable[[], Run]] = {
            "tripoint": lambda: _tripoint(outlets, room),
            "trafilatura": lambda: _trafilatura(pages),
        }
        if arguments.rival:
            measured["news-please"] = lambda: _rival(arguments.rival, urls)
        for number in range(arguments.rounds):
            for name, measure in measured.items():
                runs.setdefault(name, []).append(measure())
                say(f"round {number + 1}: {name:12} {runs[name][-1].rate:6.1f} pages/s")
    _report(runs, len(pages))


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def _report(runs: dict[str, list[Run]], pages: int) -> None:
    cores = multiprocessing.cpu_count()
    say(f"\n{pages} pages, {cores} cores, medians of {len(runs['tripoint'])} rounds that took turns")
    for name, each in runs.items():
        rate = statistics.median(run.rate for run in each)
        cpu_ms = statistics.median(1000 * run.cpu_s / run.pages for run in each)
        say(f"  {name:12} {rate:7.1f} pages/s   {cpu_ms:6.1f} ms CPU a page   {each[0].pages} pages done")
    say("  CPU is that of the whole machine: start-up, all processes, and the site that serves the pages")
    for name, aim in (("trafilatura", 0.85), ("news-please", 3.0)):
        if name in runs:
            ratios = [ours.rate / other.rate for ours, other in zip(runs["tripoint"], runs[name], strict=True)]
            say(f"  tripoint / {name}: {statistics.median(ratios):.2f} (aim {aim:g}; rounds {_list(ratios)})")


def _list(values: list[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in values)


def numbered_pages(count: int) -> list[NewsPage]:
    """Return so many pages, the ones at hand over and over with a number in the title."""
    originals = pages_at_hand()
    pages = []
    for number in range(count):
        title, body = originals[number % len(originals)]
        mark = f"{title} ({number})"
        html = body.replace(title.encode(), mark.encode())
        pages.append(NewsPage(f"/2026/11/24/a-story-for-the-bench-{number:06d}", html, mark, datetime.now(UTC), "news"))
    return pages


def pages_at_hand() -> list[tuple[str, bytes]]:
    """Return title and HTML of the real pages where they are at hand, else of the newsroom's."""
    return _real() if PAGES.is_dir() else _written()


def _real() -> list[tuple[str, bytes]]:
    rows = [json.loads(line) for line in (PAGES / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row["title"], gzip.decompress((PAGES / row["file"]).read_bytes())) for row in rows]


def _written() -> list[tuple[str, bytes]]:
    desk = load_desk(datetime.now(UTC))
    pages = [
        page for outlet in desk for page in outlet.pages if page.kind == "article" and outlet.outlet.language == "en"
    ]
    return [(page.page.title, page.page.body("http://127.0.0.1")) for page in pages]


def busy_s() -> float:
    """Return the CPU time that all processes together have used: workers of workers count, and so does the site."""
    stat = Path("/proc/stat")
    if not stat.exists():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    fields = [int(each) for each in stat.read_text().splitlines()[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _tripoint(outlets: list[Outlet], room: NewsroomThread) -> Run:
    """Crawl the site with an empty database; the time is the crawl's own, from its first request to its last commit."""
    with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name:
        house = House(Path(name), settings={"crawl": {"workers": 0, "per_host": 4, "max_pages_per_source": 10_000}})
        house.reads([(outlet, room.base(outlet.name)) for outlet in outlets])
        before = busy_s()
        report = json.loads(house.run("crawl", "--quiet", "--json").stdout.splitlines()[-1])
        cpu_s = busy_s() - before
    begun, done = (datetime.fromisoformat(report[key]) for key in ("started_at", "finished_at"))
    return Run(
        (done - begun).total_seconds(), cpu_s, report["results"]["articles"] + report["results"].get("already known", 0)
    )


def _extract(body: bytes) -> bool:
    import trafilatura

    found = trafilatura.bare_extraction(body, with_metadata=True, include_comments=False)
    return found is not None


def _trafilatura(pages: list[NewsPage]) -> Run:
    """Extract the same pages, already in memory, with as many warm processes as cores and nothing else to do."""
    bodies = [page.body("") for page in pages]
    before = busy_s()
    with multiprocessing.get_context("spawn").Pool() as pool:
        pool.map(_extract, bodies[:8], chunksize=1)
        begun = time.perf_counter()
        good = sum(pool.map(_extract, bodies, chunksize=4))
        wall_s = time.perf_counter() - begun
        pool.close()
        pool.join()
    return Run(wall_s, busy_s() - before, good)


def _rival(python: str, urls: list[str]) -> Run:
    before = busy_s()
    done = subprocess.run(
        [python, "-W", "ignore", "-c", RIVAL], input=json.dumps(urls), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"news-please ended with {done.returncode}:\n{done.stderr[-2000:]}")
    wall_s, good = json.loads(done.stdout.splitlines()[-1])
    return Run(wall_s, busy_s() - before, good)


if __name__ == "__main__":
    main()
