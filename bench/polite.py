"""Eighty hosts with a second between requests, and one that hangs: each host at its own rate, and none slowed.

Every host has an address of its own on loopback (127.0.0.2 and on); the service reads them as it would read the world.
What is measured is what the hosts saw.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.house import House
from tests.newsroom import Hang, NewsPage, NewsroomThread, Outlet

_WITHIN = 0.1
_TEXT = "The ministry said on Tuesday that the river had risen by a hand's breadth since the last count of the gauges. "


def main() -> None:
    """Crawl, and print rates, a histogram, and what the hanging host changed."""
    parser = argparse.ArgumentParser(prog="python -m bench.polite", description=__doc__)
    parser.add_argument("--hosts", type=int, default=80)
    parser.add_argument("--pages", type=int, default=20, help="of each host")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds between two requests to a host")
    arguments = parser.parse_args()
    outlets = [_outlet(number, arguments.pages) for number in range(arguments.hosts)]
    hanging = outlets[arguments.hosts // 2].name
    with NewsroomThread(outlets) as room:
        room.behave(hanging, "*", Hang())
        seen = _crawl(outlets, room, hanging, arguments.delay)
    _report(seen, arguments.delay, hanging)


def _outlet(number: int, pages: int) -> Outlet:
    now = datetime.now(UTC)
    return Outlet(
        f"host-{number:02}", f"Host {number}", "en", "GB", "UTC", [_page(number, n, now) for n in range(pages)]
    )


def _page(host: int, number: int, now: datetime) -> NewsPage:
    title = f"Gauge {host} of the river was read for the {number}th time"
    body = f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>"
    body += (
        "".join(f"<p>{_TEXT * 3}Count {host}, {number}, {line}.</p>" for line in range(6)) + "</article></body></html>"
    )
    path = f"/2026/11/24/gauge-{host}-was-read-for-the-time-{number:04}"
    return NewsPage(path, body.encode(), title, now - timedelta(minutes=number), "news")


def _crawl(outlets: Sequence[Outlet], room: NewsroomThread, hanging: str, delay_s: float) -> dict[str, list[float]]:
    """Run the service until every host but the hanging one was read whole; return when each was asked."""
    wanted = (len(outlets) - 1) * (len(outlets[0].pages) + 1)
    with tempfile.TemporaryDirectory(prefix="tripoint-bench-") as name:
        house = House(Path(name), settings={"crawl": {"delay_s": delay_s, "workers": 0}})
        house.reads([(each, room.base(each.name)) for each in outlets])
        service = house.start("run", "--interval", "3600")
        end = time.monotonic() + 60 + 6 * delay_s * len(outlets[0].pages)
        while sum(each.status > 0 and each.path != "/robots.txt" for each in room.requests) < wanted:
            if service.poll() is not None or time.monotonic() > end:
                break
            time.sleep(0.5)
        service.terminate()
        service.communicate(timeout=30)
    seen: dict[str, list[float]] = {each.name: [] for each in outlets}
    for each in room.requests:
        seen[each.outlet].append(each.at)
    return {name: sorted(moments) for name, moments in seen.items()}


def _report(seen: dict[str, list[float]], delay_s: float, hanging: str) -> None:
    others = {name: moments for name, moments in seen.items() if name != hanging}
    rates = {name: (len(each) - 1) / (each[-1] - each[0]) for name, each in others.items() if len(each) > 1}
    gaps = [later - earlier for each in others.values() for earlier, later in pairwise(each)]
    begun = min(each[0] for each in others.values())
    allowed = 1 / delay_s
    _say(
        f"{len(others)} hosts and one that hangs, {sum(map(len, others.values()))} requests, {delay_s:g} s between two"
    )
    _say(f"  all done {max(each[-1] for each in others.values()) - begun:.1f} s after the first request")
    _say(f"  first asked: the last host {max(each[0] for each in others.values()) - begun:.1f} s after the first")
    low, high, middle = min(rates.values()), max(rates.values()), statistics.median(rates.values())
    _say(f"  rate of a host, allowed {allowed:.3f}/s: {low:.3f} to {high:.3f}, median {middle:.3f}")
    off = [name for name, rate in rates.items() if abs(rate / allowed - 1) > _WITHIN]
    _say(f"  hosts off by more than {_WITHIN:.0%}: {len(off)} of {len(rates)} {' '.join(off[:8])}")
    _say(f"  shortest wait {min(gaps):.3f} s, median {statistics.median(gaps):.3f} s, longest {max(gaps):.3f} s")
    _say(f"  the hanging host was asked {len(seen[hanging])} times")
    _say("\n  hosts by their rate in percent of what is allowed")
    _bars(Counter(int(100 * rate / allowed // 2 * 2) for rate in rates.values()), "%")
    _say("\n  waits between two requests to one host, in tenths of the delay")
    _bars(Counter(int(10 * gap / delay_s) for gap in gaps), "")


def _bars(counts: Counter[int], unit: str) -> None:
    most = max(counts.values())
    for value in sorted(counts):
        _say(f"  {value:4}{unit} {'█' * max(1, round(50 * counts[value] / most))} {counts[value]}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
