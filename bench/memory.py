"""Whether the main process stays as large as it is over two hundred passes, with news in each of them.

The passes are those of `tripoint run`, one after the other without a pause; between two of them every outlet publishes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread, load_desk

_WARM = 20  # passes after which everything is loaded and every cache has been filled once
_MEAN = 10


def main() -> None:
    """Measure a child's passes, and print its size along the way."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--passes", type=int, default=200)
    parser.add_argument("--child", type=Path, help="settings of the process that is measured; the bench starts it")
    arguments = parser.parse_args()
    if arguments.child:
        _be_measured(arguments.child, arguments.passes)
        return
    desk = load_desk(datetime.now(UTC))
    with NewsroomThread([each.outlet for each in desk]) as room, tempfile.TemporaryDirectory() as name:
        house = House(Path(name), settings={"crawl": {"workers": 0}})
        house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
        house.command("crawl")  # writes the settings
        command = [sys.executable, "-m", "bench.memory", "--passes", str(arguments.passes)]
        sizes = []
        with subprocess.Popen(
            [*command, "--child", str(house.folder / "tripoint.toml")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=house.environ(),
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for number in range(arguments.passes):
                child.stdin.write("go\n")
                child.stdin.flush()
                sizes.append(int(child.stdout.readline()))
                _publish(desk, room, number)
            child.stdin.close()
        stored = house.rows("select count(*) from articles")[0][0]
    _report(sizes, stored)


def _publish(desk: list[DeskOutlet], room: NewsroomThread, number: int) -> None:
    """Let every outlet publish a story that was not there before."""
    for each in desk:
        told = [page.page for page in each.pages if page.kind == "article"]
        page = told[number % len(told)]
        path = f"/2026/11/24/news-of-the-pass-number-{number:05}"
        html = page.body(room.base(each.outlet.name)).replace(page.path.encode(), path.encode())
        html = html.replace(b"</h1>", f" ({number})</h1>".encode(), 1)
        fresh = replace(page, path=path, html=html, title=f"{page.title} ({number})", published=datetime.now(UTC))
        room.publish(each.outlet.name, fresh)


def _report(sizes: list[int], stored: int) -> None:
    mb = [each / 1e6 for each in sizes]
    warm, last = statistics.mean(mb[_WARM - _MEAN : _WARM]), statistics.mean(mb[-_MEAN:])
    _say(f"{len(mb)} passes, {stored} articles stored; resident memory of the main process")
    for number in [1, _WARM, *range(50, len(mb) + 1, 50)]:
        if number <= len(mb):
            _say(f"  after pass {number:4}: {mb[number - 1]:7.1f} MB")
    grown = 100 * (last / warm - 1)
    _say(f"  from passes {_WARM - _MEAN + 1}-{_WARM} to the last {_MEAN}: {grown:+.1f} % (aim: below 10 %)")


def _be_measured(file: Path, passes: int) -> None:
    from crawler.reactor import run_on_reactor
    from tripoint.app.settings import load_settings

    settings = load_settings(file, {})

    async def work() -> None:
        from tripoint.app.wiring import opened_works

        loop = asyncio.get_running_loop()
        async with opened_works(settings, lambda _alert: None) as works:
            courier = asyncio.create_task(works.courier.run(stop := asyncio.Event()))
            sources = list(works.seeds.sources)
            for _ in range(passes):
                await loop.run_in_executor(None, sys.stdin.readline)
                due = await works.due(sources, set(), at_once=True)
                await works.crawler.crawl(sources, due=due.listings)
                await works.look_after(sources)
                _say(str(_resident_bytes()))
            stop.set()
            await courier

    run_on_reactor(work)


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
