"""The moments at which hosts may be asked, by a clock that only waiting moves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from crawler.turns import Turns


@dataclass(slots=True)
class Clock:
    """Stands still but for whoever waits."""

    now: float = 100.0
    waited: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait without moving the clock: who comes at the same time still stands in line."""
        self.waited.append(round(seconds, 3))


def test_a_host_is_asked_again_after_its_delay_whoever_asks() -> None:
    clock = Clock()
    turns = Turns(clock, clock.sleep)

    async def ask() -> None:
        await turns.take("a.example", 1.0)  # one crawl
        clock.now += 0.4
        await turns.take("a.example", 1.0)  # and another, four tenths later
        await turns.take("a.example", 2.0)  # a third at once, which has read a Crawl-delay meanwhile
        await turns.take("b.example", 1.0)
        clock.now += 60
        await turns.take("a.example", 1.0)

    asyncio.run(ask())
    assert clock.waited == [0.6, 2.6]


def test_who_leaves_a_host_to_others_waits_its_delay_out() -> None:
    clock = Clock()
    turns = Turns(clock, clock.sleep)

    async def leave() -> None:
        await turns.take("a.example", 1.0)
        await turns.take("slow.example", 10.0)
        clock.now += 0.2
        await turns.rest(["a.example", "never-asked.example"])
        await turns.rest(["a.example", "slow.example"])
        clock.now += 60
        await turns.rest(["slow.example"])

    asyncio.run(leave())
    assert clock.waited == [0.8, 9.8]


def test_hosts_that_were_asked_long_ago_are_forgotten() -> None:
    clock = Clock()
    turns = Turns(clock, clock.sleep)

    async def ask() -> None:
        for number in range(6_000):
            clock.now += 1
            await turns.take(f"h{number}.example", 1.0)

    asyncio.run(ask())
    assert turns.remembered < 5_000
