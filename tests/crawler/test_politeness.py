"""What a site sees of us: never sooner than promised, over few connections, and not before it said that it changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

from aiohttp import web

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread
from tests.newsroom.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Says:
    """The usual answer with headers, and a TTL in a feed."""

    headers: dict[str, str] = field(default_factory=dict)
    ttl_min: int = 0

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer as usual, and say more."""
        usual = exchange.usual
        body = (
            usual.body.replace(b"<channel>", f"<channel><ttl>{self.ttl_min}</ttl>".encode())
            if self.ttl_min
            else usual.body
        )
        return exchange.respond(replace(usual.with_body(body), headers={**usual.headers, **self.headers}))


@dataclass(slots=True)
class Connections:
    """The usual answer; remembers over which connections it was asked."""

    ports: set[int] = field(default_factory=set)
    requests: int = 0

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer as usual."""
        assert exchange.request.transport is not None
        self.ports.add(exchange.request.transport.get_extra_info("peername")[1])
        self.requests += 1
        return exchange.respond(exchange.usual)


@dataclass(slots=True)
class Busy:
    """The usual answer, but late; remembers how many were under way at once."""

    delay_s: float
    now: int = 0
    most: int = 0

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Wait before the first byte."""
        self.now += 1
        self.most = max(self.most, self.now)
        await exchange.pause(self.delay_s)
        self.now -= 1
        return exchange.respond(exchange.usual)


def _until(ready: Callable[[], bool], deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_longest_of_what_a_publisher_says_is_waited_for(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    expires = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
    said = [
        (Says({"Cache-Control": "max-age=3600"}, ttl_min=120), 7200),
        (Says({"Cache-Control": "max-age=9000"}, ttl_min=120), 9000),
        (Says({"Expires": expires}, ttl_min=1), 3 * 3600),
    ]
    outlets = [each.outlet for each in desk[:3]]
    for outlet, (behaviour, _) in zip(outlets, said, strict=True):
        room.behave(outlet.name, "/rss.xml", behaviour)
    house.settings["crawl"]["max_pages_per_source"] = 1
    house.reads([(each, room.base(each.name)) for each in outlets])
    house.run("crawl", "--quiet")
    query = "select source, (julianday(due_at) - julianday(polled_at)) * 86400 from listings"
    waits: dict[str, float] = dict(house.rows(query))  # type: ignore[arg-type]
    for outlet, (_, wanted) in zip(outlets, said, strict=True):
        assert wanted - 60 <= waits[outlet.name] <= wanted * 1.06


def test_no_request_comes_sooner_than_the_delay(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    """Trap: Scrapy makes every other wait shorter by chance, down to half of it."""
    outlet = desk[0].outlet
    house.settings["crawl"] |= {"delay_s": 0.25, "max_pages_per_source": 8}
    house.reads([(outlet, room.base(outlet.name))])
    house.run("crawl", "--quiet")
    moments = sorted(each.at for each in room.requests)
    assert len(moments) >= 9
    mean = (moments[-1] - moments[0]) / (len(moments) - 1)
    assert mean > 0.24
    assert (
        min(later - earlier for earlier, later in pairwise(moments)) > 0.15
    )  # what arrives late makes the next seem early


def test_a_crawl_keeps_to_few_connections(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    outlet, seen = desk[0].outlet, Connections()
    room.behave(outlet.name, "*", seen)
    house.settings["crawl"] |= {"per_host": 2, "delay_s": 0.1}
    house.reads([(outlet, room.base(outlet.name))])
    house.run("crawl", "--quiet")
    assert seen.requests > 10
    assert len(seen.ports) <= seen.requests / 3


def test_a_host_that_answers_slowly_is_asked_less_often(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    """Trap: a bound on requests in flight alone would send them in pairs."""
    outlet, seen = desk[0].outlet, Busy(1.2)
    room.behave(outlet.name, "*", seen)
    house.settings["crawl"] |= {"per_host": 2, "delay_s": 0.1, "max_pages_per_source": 8}
    house.reads([(outlet, room.base(outlet.name))])
    house.run("crawl", "--quiet")
    assert seen.most == 2
    moments = sorted(each.at for each in room.requests)
    assert len(moments) >= 9
    assert min(later - earlier for earlier, later in pairwise(moments[-6:])) > 0.3


def test_the_user_agent_names_us_and_whom_to_write_to(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    house.settings["crawl"]["contact"] = "desk@example.org"
    house.reads([(outlet, room.base(outlet.name))])
    house.run("crawl", "--quiet")
    agents = {each.headers["user-agent"] for each in room.requests}
    assert len(agents) == 1
    (agent,) = agents
    assert agent.startswith("Tripoint/")
    assert agent.endswith("(desk@example.org)")


def test_the_delay_holds_from_one_crawl_to_the_next(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    """Trap: each crawl has a downloader of its own, which knows nothing of what the one before asked last."""
    outlet = desk[0].outlet
    house.settings["crawl"] |= {"delay_s": 1.6, "max_pages_per_source": 1}
    house.settings["run"] = {"interval_s": 1, "min_interval_s": 1, "max_interval_s": 1}
    house.reads([(outlet, room.base(outlet.name))])
    service = house.start("run")
    try:
        _until(lambda: room.count(outlet.name, "/rss.xml") >= 2 or service.poll() is not None)
    finally:
        service.terminate()
        service.communicate(timeout=30)
    moments = sorted(each.at for each in room.requests)
    assert len(moments) >= 4
    assert min(later - earlier for earlier, later in pairwise(moments)) > 1.4
