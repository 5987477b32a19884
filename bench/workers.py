"""Pages a second of one, two and four `tripoint worker` processes on one PostgreSQL, and what limits them.

Two runs of each: a polite one, where hosts are asked once a second and workers wait most of the time, and one without
any delay, where the processors are what there is too little of.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from bench.throughput import busy_s, numbered_pages, say
from tests.house import House
from tests.newsroom import NewsroomThread, Outlet
from tests.postgres import new_database, postgres_tools, running_postgres

DEADLINE_S = 900.0


def main() -> None:
    """Measure, and print pages a second and ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--hosts", type=int, default=24, help="sources, each on a host of its own")
    parser.add_argument("--pages", type=int, default=15, help="pages of each")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="how many workers, in turns")
    arguments = parser.parse_args()
    tools = postgres_tools()
    if tools is None:
        sys.exit("PostgreSQL is not installed; on Debian: apt install postgresql")
    pages = numbered_pages(arguments.hosts * arguments.pages)
    outlets = [
        Outlet(f"bench-{n}", f"Bench {n}", "en", "GB", "UTC", pages[n :: arguments.hosts])
        for n in range(arguments.hosts)
    ]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tripoint-bench-"))
        (Path(folder) / "postgres").mkdir()
        server = stack.enter_context(running_postgres(tools, Path(folder) / "postgres"))
        room = stack.enter_context(NewsroomThread(outlets))
        for name, delay_s in (("polite, 1 s between two requests to a host", 1.0), ("without any delay", 0.0)):
            say(f"{name}: {len(pages)} pages on {len(outlets)} hosts, four hosts at once a worker")
            first = 0.0
            for workers in arguments.workers:
                house = House(Path(tempfile.mkdtemp(dir=folder)))
                house.settings["database"] = {"url": new_database(server, f"{house.folder.name}")}
                house.settings["run"] = {"fetchers": "workers", "worker_at_once": 4}
                house.settings["crawl"] |= {"delay_s": delay_s, "workers": 1, "max_pages_per_source": 10_000}
                house.settings["channels"] = {"desk": {"url": "console://"}}
                house.reads([(outlet, room.base(outlet.name)) for outlet in outlets])
                wall_s, cpu_s, deciding = _measure(house, workers, len(pages))
                rate = len(pages) / wall_s
                first = first or rate
                say(
                    f"  {workers} workers  {rate:6.1f} pages/s   {rate / first:4.2f} of one   "
                    f"{1000 * cpu_s / len(pages):6.1f} ms CPU a page   {100 * cpu_s / wall_s:4.0f} % of a core busy   "
                    f"{100 * deciding:3.0f} % of looks found a worker waiting to decide"
                )
    say("CPU is that of the whole machine, with the site and the database")


def _measure(house: House, workers: int, expected: int) -> tuple[float, float, float]:
    """Return wall and CPU time until every page is stored, and how often a worker waited for another's decision."""
    url = house.settings["database"]["url"]
    looks = waited = 0
    with ExitStack() as stack, (house.folder / "log").open("w", encoding="utf-8") as log:
        for _ in range(workers):
            _start(stack, house, log.fileno(), "worker")
        _wait(house, workers)
        before, begun = busy_s(), time.perf_counter()
        _start(stack, house, log.fileno(), "run", "--interval", "3600")
        with psycopg.connect(url, autocommit=True) as connection:
            while time.perf_counter() - begun < DEADLINE_S:
                row = connection.execute("SELECT count(*) FROM articles").fetchone()
                blocked = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
                ).fetchone()
                looks += 1
                waited += bool(blocked and blocked[0])
                if row and row[0] >= expected:
                    return time.perf_counter() - begun, busy_s() - before, waited / looks
                time.sleep(0.1)
    raise SystemExit(f"not done in {DEADLINE_S:g} s; see {house.folder / 'log'}")


def _start(stack: ExitStack, house: House, log: int, *verb: str) -> None:
    process = subprocess.Popen(house.command(*verb), stdout=log, stderr=log, env=house.environ(), cwd=house.folder)
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _wait(house: House, workers: int) -> None:
    """Wait until all workers have told the queue that they are there."""
    for _ in range(600):
        if len(house.json("workers")["workers"]) >= workers:
            return
        time.sleep(0.1)
    raise SystemExit(f"the workers did not start; see {house.folder / 'log'}")


if __name__ == "__main__":
    main()
