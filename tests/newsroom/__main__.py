"""The newsroom as a program: says where it listens as one JSON line, and serves until SIGTERM."""

import argparse
import asyncio
import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.newsroom.desk import load_desk
from tests.newsroom.page import Outlet
from tests.newsroom.saved_pages import outlet_from_saved_pages
from tests.newsroom.server import Newsroom


def _outlets(arguments: argparse.Namespace) -> list[Outlet]:
    outlets = []
    if arguments.desk:
        now = datetime.fromisoformat(arguments.now) if arguments.now else datetime.now(UTC)
        outlets += [each.outlet for each in load_desk(now)]
    if arguments.folder:
        expected = arguments.expected or arguments.folder / "expected.jsonl"
        outlets.append(outlet_from_saved_pages(arguments.folder, expected, arguments.outlet, with_dates=True))
    return outlets


async def _serve(outlets: list[Outlet], port_base: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Newsroom(outlets, port_base=port_base) as room:
        facts = ("name", "language", "country", "timezone", "title")
        listed = [{"base": room.base(each.name)} | {key: getattr(each, key) for key in facts} for each in outlets]
        sys.stdout.write(json.dumps({"outlets": listed}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.newsroom", description=__doc__)
    parser.add_argument("--desk", action="store_true", help="serve the written outlets")
    parser.add_argument("--now", help="date the written pages back from this ISO time")
    parser.add_argument("--folder", type=Path, help="serve a folder of saved pages")
    parser.add_argument("--expected", type=Path, help="JSON lines that name the pages of the folder")
    parser.add_argument("--outlet", default="saved", help="name of the outlet of saved pages")
    parser.add_argument("--port-base", type=int, help="port of the first outlet, the next ones follow")
    arguments = parser.parse_args()
    outlets = _outlets(arguments)
    if not outlets:
        parser.error("nothing to serve: give --desk or --folder")
    asyncio.run(_serve(outlets, arguments.port_base))


if __name__ == "__main__":
    main()
