"""How fast alerts leave: how many a second to a fast server, and how long from the commit to the server's acceptance.

The house is the product's own (outbox in SQLite, writer thread, courier, Apprise); the server is a process of its own
that takes a webhook's JSON at once. Mail is measured beside it, to a server with STARTTLS and a login.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from storage.alerts import AlertStore
from storage.database import open_database
from tests.house import House
from tests.mail import MailServer
from tripoint.app.settings import load_settings
from tripoint.app.wiring import Works, opened_works
from tripoint.domain.types import Alert, AlertKey, AlertState, Evidence, Marked

_SEED = 20261124
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Burst:
    """Alerts that were all there at once."""

    alerts: int
    took_s: float
    cpu_s: float


class FastServer:
    """A webhook in a process of its own, which keeps when it took what."""

    def __init__(self) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        self.url = f"json://127.0.0.1:{self._pipe.recv()}/hook"

    def taken(self) -> dict[str, float]:
        """Return when each alert was taken first, by its title and the machine's clock."""
        self._pipe.send("taken")
        found: dict[str, float] = self._pipe.recv()
        return found

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


def _serve(pipe: Connection) -> None:
    taken: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.setdefault(told["message"].split("\n", 1)[0].strip("*"), time.time())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_address[1])
    while True:
        pipe.recv()
        pipe.send(dict(taken))


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    parser.add_argument("--alerts", type=int, default=400, help="in each burst, and one after another")
    number = parser.parse_args().alerts
    server = FastServer()
    try:
        with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name:
            asyncio.run(_measure(Path(name), server, number))
            _say_waits("committed by another process beside `tripoint run`", _beside(Path(name), server, number // 10))
    finally:
        server.close()


async def _measure(folder: Path, server: FastServer, number: int) -> None:
    for channels in (1, 4):
        async with _house(folder / f"{channels}", {f"hook{each}": server.url for each in range(channels)}) as works:
            burst = await _burst(works, number)
        _say_burst(f"{channels} {'channel' if channels == 1 else 'channels'}, a fast webhook", burst)
    (folder / "mail").mkdir()
    with MailServer(folder / "mail") as mail:
        os.environ["SSL_CERT_FILE"] = str(mail.authority)
        async with _house(folder / "mail", {"desk": mail.url()}) as works:
            _say_burst("mail, STARTTLS and login for each", await _burst(works, number // 2))
    async with _house(folder / "one", {"hook": server.url}) as works:
        _say_waits("committed by the process that delivers", await _one_by_one(works, server, number))


@asynccontextmanager
async def _house(folder: Path, channels: dict[str, str]) -> AsyncIterator[Works]:
    """Open a house with these channels."""
    options = {
        "database": {"url": f"sqlite:///{folder / 'house.db'}"},
        "crawl": {"workers": 0},
        "alerts": {"allowed_hosts": ["127.0.0.0/8"]},
        "channels": {name: {"url": url} for name, url in channels.items()},
    }
    async with opened_works(load_settings(None, options, {}), print) as works:
        yield works


async def _burst(works: Works, number: int) -> Burst:
    """Deliver what is all there at once; the stories are all different."""
    told = [_alert(f"Burst {each}", channel) for each in range(number) for channel in works.courier.channels]
    works.stores.alerts.queue(told)
    begun, cpu = time.perf_counter(), time.process_time()
    await works.courier.deliver_due()
    burst = Burst(len(told), time.perf_counter() - begun, time.process_time() - cpu)
    sent = works.stores.alerts.counts()[AlertState.SENT]
    if sent != len(told):
        raise SystemExit(f"{sent} of {len(told)} alerts were sent")
    return burst


async def _one_by_one(works: Works, server: FastServer, number: int) -> list[float]:
    """Commit alerts at random moments while the courier runs, as a crawl does; return the waits in seconds."""
    dice, stop, committed = _dice(), asyncio.Event(), {}
    courier = asyncio.create_task(works.courier.run(stop))
    for each in range(number):
        await asyncio.sleep(dice.expovariate(10.0))
        title = f"Alone {each}"
        await works.writer.do(partial(works.stores.alerts.queue, [_alert(title, "hook")]))
        committed[title] = time.time()
        works.courier.wake()
    await asyncio.to_thread(_wait_for, server, committed)
    stop.set()
    await courier
    taken = server.taken()
    return [taken[title] - at for title, at in committed.items()]


def _beside(folder: Path, server: FastServer, number: int) -> list[float]:
    """Commit alerts past a running service, which has to look for them; return the waits in seconds."""
    (folder / "beside").mkdir()
    house = House(folder / "beside", settings={"crawl": {"workers": 0}, "web": {"enabled": False}})
    house.settings["channels"] = {"hook": {"url_env": "HOOK"}}
    house.environment["HOOK"] = server.url
    dice, committed = _dice(), {}
    with closing(open_database(house.database)) as database:
        store = AlertStore(database)
        store.queue([_alert("It runs", "hook")])
        service = house.start("run")
        try:
            _wait_for(server, ["It runs"])
            for each in range(number):
                time.sleep(dice.expovariate(1.0))
                title = f"Beside {each}"
                store.queue([_alert(title, "hook")])
                committed[title] = time.time()
            _wait_for(server, committed)
        finally:
            service.terminate()
            service.communicate(timeout=30)
    taken = server.taken()
    return [taken[title] - at for title, at in committed.items()]


def _wait_for(server: FastServer, titles: Any) -> None:
    end = time.monotonic() + _PATIENCE_S
    while missing := set(titles) - set(server.taken()):
        if time.monotonic() > end:
            raise SystemExit(f"{len(missing)} alerts were never accepted")
        time.sleep(0.05)


def _alert(title: str, channel: str) -> Alert:
    now = datetime.now(UTC)
    sentence = Marked(
        "Pakistan and Russia on Monday agreed to train officers at military academies.", ((0, 8), (13, 19))
    )
    told = Evidence(
        title, "The Indus Courier", "https://a.example/1", now, now, "en", "topic", 0.93, 0.47, (sentence,) * 3
    )
    return Alert(AlertKey(title, "relevant", channel, "new"), told, now)


def _dice() -> random.Random:
    return random.Random(_SEED)  # noqa: S311 - moments of a bench are no secret


def _say_burst(what: str, burst: Burst) -> None:
    rate, cpu_ms = burst.alerts / burst.took_s, 1000 * burst.cpu_s / burst.alerts
    _say(f"{what}: {rate:.0f} alerts a second ({burst.alerts} in {burst.took_s:.1f} s, {cpu_ms:.1f} ms of CPU each)")


def _say_waits(what: str, waits: list[float]) -> None:
    ordered = sorted(1000 * each for each in waits)
    median, late = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
    _say(f"{what}, to its acceptance: median {median:.0f} ms, 95th percentile {late:.0f} ms ({len(ordered)} alerts)")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
