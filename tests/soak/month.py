"""A soak from its plan to its account."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.house import House
from tests.mail import PASSWORD, USER
from tests.newsroom import Outlet
from tests.soak.accounts import Account, Post, settle
from tests.soak.clock import Clock
from tests.soak.drive import Diary, Driver, Sample, Visits
from tests.soak.faults import Disk, Faults, plan
from tests.soak.names import DOMAIN, Names
from tests.soak.outside import Outside
from tests.soak.world import LATE, OUTLETS, Publisher, stories
from tripoint.app.reload import Reloader
from tripoint.app.seeds import load_seeds
from tripoint.app.settings import Settings, load_settings
from tripoint.app.wiring import build_judge

_DAY_S = 86_400.0
_CALM_S = 1.75 * _DAY_S  # without faults at the end: retries, and the digests of two days, take that long
_MORE_DESCRIPTORS = 3  # than in the third of the days before: connections that wait for their next question
_MORE_THREADS = 2  # those of asyncio's executor come one by one
_MOST_MB_A_DAY = 0.3  # by which the house may grow in the last third of the days
_MOST_OF_WORKERS = 1.15  # of the third before; each worker ends after so many pages
_HICCUPS = 0.01  # share of the steps in which the disk fills for a moment
_RULES = {"at-once": "desk", "london": "london", "sydney": "sydney", "new-york": "newyork"}
_ZONES = {"london": "Europe/London", "sydney": "Australia/Sydney", "newyork": "America/New_York"}
_POLICIES = """
[[rule]]
name = "at-once"
channels = ["desk"]
rhythm = false

[[rule]]
name = "london"
channels = ["london"]
rhythm = false
digest = { every = "daily", at = "01:30", zone = "Europe/London" }

[[rule]]
name = "sydney"
channels = ["sydney"]
rhythm = false
digest = { every = "daily", at = "02:30", zone = "Australia/Sydney" }

[[rule]]
name = "new-york"
channels = ["newyork"]
rhythm = false
digest = { every = "daily", at = "01:30", zone = "America/New_York" }
"""
_CHANNELS = ("desk", "london", "sydney", "newyork", "operator")


@dataclass(frozen=True, slots=True)
class Month:
    """What is asked of a soak."""

    start: str  #: ISO time
    days: float
    articles: int  #: relevant ones, and as many others
    faults: int  #: of each kind
    seed: int
    longest_s: float  #: between two visits to a listing
    step_s: float  #: by which time goes on


@dataclass(frozen=True, slots=True)
class Told:
    """What a soak came to."""

    seed: int
    simulated_days: float
    published: int
    relevant: int
    visits: int
    longest_wait_s: float  #: between two visits to a listing that answered, while the database did too
    faults: Mapping[str, int]
    job_runs: Mapping[str, int]
    courier_failed: int  #: rounds of delivery that the database failed
    verdicts: Mapping[str, int]
    alerts: Mapping[str, int]
    digests: Mapping[str, int]
    mails: int
    samples: tuple[Sample, ...]
    wrong: tuple[str, ...]


async def soak(month: Month, folder: Path, *, quiet: bool = False) -> Told:
    """Live through it in a folder of one's own, and account for it."""
    dice = random.Random(month.seed)  # noqa: S311 - it decides what goes wrong, and keeps no secret
    clock = Clock(datetime.fromisoformat(month.start))
    names = Names()
    names.install()
    (folder / "house").mkdir()
    with Outside(folder, OUTLETS, DOMAIN) as outside:
        house = _house(folder / "house", outside, month)
        file = folder / "house" / "tripoint.db"
        planned = stories(build_judge(load_seeds()), clock(), month.days, month.articles, dice)
        publisher, diary, post, disk = Publisher(outside, planned), Diary(), Post(), Disk(file)
        length_s = month.days * _DAY_S
        driver: Driver | None = None

        def jumped() -> None:
            if driver is not None:
                driver.jumped()

        faults = Faults(
            plan(length_s, [each.name for each in OUTLETS], month.faults, dice),
            outside,
            names,
            disk,
            clock,
            publisher,
            jumped,
        )
        visits = Visits(file, clock, month.step_s, month.longest_s, diary, faults.storage_was_away_s)

        def tidy() -> None:
            post.take(outside.letters())
            if not quiet:
                sys.stderr.write(f"day {clock.steady_s / _DAY_S:.0f}: {len(publisher.published)} published\n")

        def hiccup() -> float:
            return dice.uniform(0.1, 0.6) if dice.random() < _HICCUPS else 0.0

        def join(_reloader: Reloader) -> None:
            _read(house, outside, OUTLETS)

        driver = Driver(lambda: _settings(house), clock, month.step_s, faults, publisher, visits, diary, hiccup, tidy)
        try:
            await driver.live(length_s / 2, [(length_s / 4, join)])
            await driver.live(length_s + _CALM_S)  # after a restart
        finally:
            disk.close()
        visits.end()
        post.take(outside.letters())
        base = {each.name: outside.base(each.name) for each in OUTLETS}
        account = settle(file, base, publisher.published, _RULES, _ZONES, post)
        account.wrong += _neglect(diary) + diary.early + grown(diary.samples)
        if len(publisher.published) < len(planned):
            account.wrong.append("not everything was published")
        return _told(month, clock, publisher, diary, faults, account, post)


def _told(
    month: Month, clock: Clock, publisher: Publisher, diary: Diary, faults: Faults, account: Account, post: Post
) -> Told:
    return Told(
        month.seed,
        round(clock.steady_s / _DAY_S, 2),
        len(publisher.published),
        account.relevant,
        diary.polls,
        diary.longest_s,
        {str(kind): number for kind, number in sorted(faults.begun.items())},
        {str(result): number for result, number in diary.runs.items()},
        diary.courier_failed,
        dict(sorted(account.verdicts.items())),
        dict(sorted(account.alerts.items())),
        dict(account.digests),
        sum(post.got.values()),
        tuple(diary.samples),
        tuple(account.wrong),
    )


def _house(folder: Path, outside: Outside, month: Month) -> House:
    house = House(folder)
    shortest_s = min(600.0, month.longest_s)
    house.settings["run"] = {
        "interval_s": shortest_s,
        "min_interval_s": shortest_s,
        "max_interval_s": month.longest_s,
        "timezone": "Europe/London",
    }
    house.settings["crawl"] |= {"timeout_s": 2.0, "workers": 1, "revisit_h": [6.0]}
    house.settings["alerts"] = {"operator": ["operator"], "timeout_s": 5.0}
    house.settings["channels"] = {each: {"url_env": f"SOAK_{each.upper()}"} for each in _CHANNELS}
    os.environ["SSL_CERT_FILE"] = str(outside.authority)
    for each in _CHANNELS:
        os.environ[f"SOAK_{each.upper()}"] = (
            f"mailtos://{USER}:{PASSWORD}@127.0.0.1:{outside.mail_port}?mode=starttls&from=tripoint@example.org"
            f"&to={each}@example.org"
        )
    (folder / "seeds" / "policies.toml").write_text(_POLICIES, encoding="utf-8")
    _read(house, outside, [each for each in OUTLETS if each.name != LATE])
    return house


def _read(house: House, outside: Outside, outlets: list[Outlet] | tuple[Outlet, ...]) -> None:
    house.reads([(each, outside.base(each.name)) for each in outlets])


def _settings(house: House) -> Settings:
    return load_settings(Path(house.command("run")[-2]), {}, {})


def _neglect(diary: Diary) -> list[str]:
    return [
        f"{each.url} waited {each.waited_s:.0f} s for a visit, {each.allowed_s:.0f} s are allowed (at {each.at_s:.0f} s)"
        for each in diary.neglected
    ]


def grown(samples: Sequence[Sample]) -> list[str]:
    """Return what grew; a few days show nothing, and neither do those before the last reload and start."""
    third = len(samples) // 3
    if third < 3:
        return []
    before, last = samples[third : 2 * third], samples[-third:]
    wrong = []
    for what, most in (("descriptors", _MORE_DESCRIPTORS), ("threads", _MORE_THREADS)):
        was, came_to = (max(getattr(each, what) for each in some) for some in (before, last))
        if came_to > was + most:
            wrong.append(f"{what} grew from {was} to {came_to}")
    grew_mb = _slope([each.resident_mb for each in last])
    if grew_mb > _MOST_MB_A_DAY:
        wrong.append(f"memory grew by {grew_mb:.2f} MB a day in the last {third} days")
    first_mb, last_mb = (max(each.workers_mb for each in some) for some in (before, last))
    if last_mb > _MOST_OF_WORKERS * first_mb:
        wrong.append(f"memory of workers grew from {first_mb:.0f} to {last_mb:.0f} MB")
    return wrong


def _slope(values: Sequence[float]) -> float:
    """Return by how much values grow from one to the next, by the line that fits them best."""
    middle = (len(values) - 1) / 2
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * value for at, value in enumerate(values)) / spread
