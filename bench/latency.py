"""From publication on a feed to an alert that a mail server accepted, as the service runs.

Each event of the newsroom is published once, at a random moment; the mail server is a real one, with STARTTLS and a
login.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from tests.house import House
from tests.mail import MailServer
from tests.newsroom import DeskOutlet, NewsPage, NewsroomThread, load_desk

_SEED = 20261124
_BEYOND_S = 2.0  # what may come on top of half the polling interval


@dataclass(slots=True)
class Published:
    """A page, and when it was published and accepted as mail."""

    outlet: str
    page: NewsPage
    at: float = 0.0
    mailed_at: float = 0.0


def main() -> None:
    """Publish, wait for the mails, and print how long they took."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--interval", type=float, default=20.0, help="seconds between two visits to a feed")
    parser.add_argument("--rounds", type=int, default=2, help="each with a new service and an empty archive")
    arguments = parser.parse_args()
    dice = random.Random(_SEED)  # noqa: S311 - moments of publication are no secret
    waits, gaps = [], []
    for _ in range(arguments.rounds):
        desk = load_desk(datetime.now(UTC))
        waiting = _held_back(desk)
        with NewsroomThread([each.outlet for each in desk]) as room:
            waits += _round(desk, room, waiting, arguments.interval, dice)
            gaps += _visits(desk, room)
    _report(waits, gaps, arguments.interval)


def _held_back(desk: list[DeskOutlet]) -> list[Published]:
    """Take from the outlets one page of each event that an alert is due for, and all others of these events."""
    chosen: dict[str, Published] = {}
    for each in desk:
        for page in each.pages:
            if page.is_told:
                chosen.setdefault(page.event, Published(each.outlet.name, page.page))
    for each in desk:
        told = {page.page.path for page in each.pages if page.event in chosen}
        each.outlet.pages = [page for page in each.outlet.pages if page.path not in told]
    return list(chosen.values())


def _round(
    desk: list[DeskOutlet], room: NewsroomThread, waiting: list[Published], interval_s: float, dice: random.Random
) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name, MailServer(Path(name)) as mail:
        (Path(name) / "house").mkdir()
        house = House(Path(name) / "house", settings={"crawl": {"delay_s": 1.0, "workers": 0}})
        house.settings["channels"] = {"desk": {"url_env": "MAIL"}}
        house.environment |= {"MAIL": mail.url(), "SSL_CERT_FILE": str(mail.authority)}
        house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
        service = house.start("run", "--interval", f"{interval_s:g}")
        try:
            while any(not room.count(each.outlet.name, "/rss.xml") for each in desk):
                if service.poll() is not None:
                    raise SystemExit(f"the service ended with {service.returncode}")
                time.sleep(0.1)
            time.sleep(interval_s)  # the first pages are read, and each feed has its own phase
            _publish(room, mail, waiting, interval_s, dice)
        finally:
            service.terminate()
            service.communicate(timeout=30)
    return [each.mailed_at - each.at for each in waiting if each.mailed_at]


def _publish(
    room: NewsroomThread, mail: MailServer, waiting: list[Published], interval_s: float, dice: random.Random
) -> None:
    due = time.monotonic()
    left = list(waiting)
    end = time.monotonic() + interval_s * (len(waiting) + 6)
    while any(not each.mailed_at for each in waiting) and time.monotonic() < end:
        if left and time.monotonic() >= due:
            one = left.pop(0)
            room.publish(one.outlet, replace(one.page, published=datetime.now(UTC)))
            one.at = time.monotonic()
            due = one.at + dice.uniform(0.2, 0.8) * interval_s
        subjects = [each.subject for each in mail.received]
        for each in waiting:
            if not each.mailed_at and any(each.page.title in subject for subject in subjects):
                each.mailed_at = time.monotonic()
        time.sleep(0.02)


def _visits(desk: list[DeskOutlet], room: NewsroomThread) -> list[float]:
    """Return the times between two visits to a feed, as the sites saw them."""
    gaps = []
    for outlet in desk:
        moments = sorted(r.at for r in room.requests if r.outlet == outlet.outlet.name and r.path == "/rss.xml")
        gaps += [later - earlier for earlier, later in pairwise(moments)]
    return gaps


def _report(waits: list[float], gaps: list[float], interval_s: float) -> None:
    aim = interval_s / 2 + _BEYOND_S
    median = statistics.median(waits)
    kept = "kept" if median < aim else "NOT KEPT"
    _say(f"{len(waits)} alerts; feeds visited every {interval_s:g} s (seen: {statistics.median(gaps):.1f} s)")
    _say(f"  publication to accepted mail: median {median:.1f} s, from {min(waits):.1f} to {max(waits):.1f} s")
    _say(f"  aim: median below {aim:g} s, half the interval and {_BEYOND_S:g} s: {kept}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
