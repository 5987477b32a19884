"""When a job is due, over daylight-saving changes and downtime, and how the roster runs what it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.jobs import AtLocalTime, Every, Importance, Job, Missed, Trigger, after_failure, first_run, next_run
from scheduler.roster import Roster
from tripoint.domain.errors import SettingsError, StorageError
from tripoint.domain.service import JobResult, JobRun

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
ZONES = (
    "Asia/Ho_Chi_Minh Europe/London America/New_York Australia/Lord_Howe Africa/Casablanca Asia/Tehran"
    " America/Sao_Paulo Pacific/Apia Asia/Karachi Europe/Moscow"
).split()


async def nothing(_stop: asyncio.Event) -> str:
    return ""


def job(name: str, trigger: Trigger, **rest: object) -> Job:
    return Job(name, name, trigger, **{"work": nothing, **rest})  # type: ignore[arg-type]


def at(hour: int, minute: int, zone: str, **rest: frozenset[int]) -> Job:
    return job("digest", AtLocalTime((time(hour, minute),), zone, **rest))


@pytest.mark.parametrize(
    ("zone", "clock", "after", "wanted"),
    [
        ("Asia/Ho_Chi_Minh", (7, 0), "2026-11-24T00:00+00:00", "2026-11-25T07:00+07:00"),
        ("Asia/Ho_Chi_Minh", (7, 0), "2026-11-23T23:59+00:00", "2026-11-24T07:00+07:00"),
        # Spring: the clock goes from 02:00 to 03:00 on 29 March 2026 in Paris.
        ("Europe/Paris", (2, 30), "2026-03-28T12:00+01:00", "2026-03-29T03:30+02:00"),
        ("Europe/Paris", (2, 30), "2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"),
        ("Europe/Paris", (7, 0), "2026-03-28T12:00+01:00", "2026-03-29T07:00+02:00"),
        # Autumn: 02:00 to 03:00 comes twice on 25 October 2026; only the first counts.
        ("Europe/Paris", (2, 30), "2026-10-24T12:00+02:00", "2026-10-25T02:30+02:00"),
        ("Europe/Paris", (2, 30), "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        ("Europe/Paris", (2, 30), "2026-10-25T02:45+02:00", "2026-10-26T02:30+01:00"),
        # Where the change falls on midnight, and where a whole day was left out.
        ("America/Sao_Paulo", (0, 0), "2018-11-03T12:00-03:00", "2018-11-04T01:00-02:00"),
        ("Pacific/Apia", (9, 0), "2011-12-29T10:00-10:00", "2011-12-31T09:00+14:00"),
        ("Australia/Lord_Howe", (2, 15), "2026-10-03T12:00+10:30", "2026-10-04T02:45+11:00"),
    ],
)
def test_a_local_time_over_a_change_of_the_clock(zone: str, clock: tuple[int, int], after: str, wanted: str) -> None:
    found = next_run(at(*clock, zone), datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(wanted), found.astimezone(ZoneInfo(zone))


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 24 * 60 - 1),
    start=st.dates(date(2015, 1, 1), date(2027, 1, 1)),
)
def test_every_day_has_exactly_one_run(zone: str, minute: int, start: date) -> None:
    """Property: over forty days, the runs' local dates are each day once, whatever the clocks did."""
    daily = at(minute // 60, minute % 60, zone)
    moment = datetime.combine(start, time(12), ZoneInfo(zone)).astimezone(UTC)
    runs = []
    for _ in range(40):
        moment = next_run(daily, moment)
        runs.append(moment)
    gaps = [later - earlier for earlier, later in pairwise(runs)]
    assert all(timedelta(hours=22) < gap < timedelta(hours=26) for gap in gaps)
    days = [each.astimezone(ZoneInfo(zone)).date() for each in runs]
    if 240 <= minute < 1380:  # no zone changes its clock then (Samoa did at three), so it is met to the minute
        assert days == [days[0] + timedelta(days=number) for number in range(40)]
        assert {each.astimezone(ZoneInfo(zone)).strftime("%H:%M") for each in runs} == {
            f"{minute // 60:02}:{minute % 60:02}"
        }


def test_weekdays_are_those_of_the_zone() -> None:
    monday = at(6, 0, "Asia/Ho_Chi_Minh", weekdays=frozenset({0}))
    found = next_run(monday, datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert found == datetime(2026, 11, 29, 23, 0, tzinfo=UTC)  # Sunday in UTC, Monday in Hanoi


@pytest.mark.parametrize(
    ("rule", "stored", "wanted"),
    [
        (job("poll", Every(60)), None, NOW),  # never ran
        (job("poll", Every(60)), NOW - timedelta(days=3), NOW - timedelta(days=3)),  # overdue: once, at once
        (job("poll", Every(60)), NOW + timedelta(seconds=10), NOW + timedelta(seconds=10)),
        (job("poll", Every(60)), NOW + timedelta(days=1), NOW + timedelta(seconds=60)),  # the clock was ahead
        (at(9, 0, "UTC"), None, NOW + timedelta(hours=1)),
        (at(7, 0, "UTC"), NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        (
            job("x", AtLocalTime((time(7),), "UTC"), missed=Missed.SKIP),
            NOW - timedelta(hours=1),
            NOW + timedelta(hours=23),
        ),
        (
            job("x", AtLocalTime((time(7, 58),), "UTC"), missed=Missed.SKIP),
            NOW - timedelta(minutes=2),
            NOW - timedelta(minutes=2),
        ),
    ],
)
def test_when_a_job_is_due_after_a_start(rule: Job, stored: datetime | None, wanted: datetime) -> None:
    assert first_run(rule, stored, NOW) == wanted


@pytest.mark.parametrize(
    ("rule", "failures", "wanted_s"),
    [
        (job("poll", Every(1)), 1, 1),
        (job("poll", Every(1)), 4, 8),
        (job("poll", Every(1)), 5000, 300),
        (job("slow", Every(900)), 3, 900),  # never sooner than its own rhythm
        (at(4, 0, "UTC"), 1, 300),
        (at(4, 0, "UTC"), 3, 1200),
        (at(4, 0, "UTC"), 50, 6 * 3600),
        (at(9, 0, "UTC"), 5, 3600),  # its next time comes first
    ],
)
def test_what_failed_is_tried_again_ever_later(rule: Job, failures: int, wanted_s: float) -> None:
    assert after_failure(rule, failures, NOW) == NOW + timedelta(seconds=wanted_s)


@dataclass
class Ledger:
    """A ledger in memory, which can fail as a full disk does."""

    due: dict[str, datetime] = field(default_factory=dict)
    runs: list[JobRun] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)
    is_full: bool = False

    async def due_times(self) -> dict[str, datetime]:
        """Return when each job is due."""
        return dict(self.due)

    async def plan(self, due: dict[str, tuple[str, datetime]]) -> None:
        """Take a plan."""
        self.due = {name: at for name, (_, at) in due.items()}
        self.rules = {name: rule for name, (rule, _) in due.items()}

    async def record(self, run: JobRun, due_at: datetime) -> None:
        """Take a run."""
        if self.is_full:
            raise StorageError("database or disk is full")
        self.runs.append(run)
        self.due[run.name] = due_at


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def noting(order: list[str], name: str) -> Callable[[asyncio.Event], object]:
    async def work(_stop: asyncio.Event) -> str:
        order.append(name)
        return "did it"

    return work


async def caught_up(ledger: Ledger, jobs: list[Job]) -> Roster:
    roster = Roster(jobs, ledger, Clock())
    await roster.derive()
    await roster.catch_up(asyncio.Event())
    return roster


def test_what_was_missed_is_done_once_and_in_order_of_importance() -> None:
    order: list[str] = []
    week = NOW - timedelta(days=7)
    ledger = Ledger(
        {"prune": week, "poll": week, "digest": week, "spikes": week, "deliver": NOW - timedelta(seconds=9)}
    )
    jobs = [
        job("prune", AtLocalTime((time(4),), "UTC"), work=noting(order, "prune")),
        job("digest", AtLocalTime((time(7),), "UTC"), work=noting(order, "digest"), importance=Importance.DIGESTS),
        job("spikes", AtLocalTime((time(6),), "UTC"), work=noting(order, "spikes"), missed=Missed.SKIP),
        job("poll", Every(15), work=noting(order, "poll"), importance=Importance.NEWS),
        job("deliver", Every(60), work=noting(order, "deliver"), importance=Importance.ALERTS),
    ]
    roster = asyncio.run(caught_up(ledger, jobs))
    assert order == ["deliver", "poll", "digest", "prune"]
    assert roster.overdue() == []
    assert ledger.due["poll"] == NOW + timedelta(seconds=15)
    assert ledger.due["spikes"] == NOW + timedelta(hours=22)
    assert ledger.rules["digest"] == "daily 07:00 UTC"


def test_the_next_missed_job_does_not_wait_for_one_that_was_stopped() -> None:
    async def run() -> None:
        stop, begun = asyncio.Event(), asyncio.Event()

        async def slow(stop: asyncio.Event) -> str:
            begun.set()
            await stop.wait()
            return "handed back"

        never: list[str] = []
        jobs = [job("slow", Every(1), work=slow), job("zz", Every(1), work=noting(never, "zz"))]
        ledger = Ledger()
        roster = Roster(jobs, ledger, Clock())
        await roster.derive()
        catching = asyncio.create_task(roster.catch_up(stop))
        await begun.wait()
        stop.set()
        await catching
        assert never == []
        assert [each.detail for each in ledger.runs] == ["handed back"]

    asyncio.run(asyncio.wait_for(run(), 30))


def test_what_is_in_line_is_not_begun_before_its_turn_though_it_is_due_again() -> None:
    """Trap: the clock of each job goes on while more important ones are made up for."""

    async def run() -> None:
        order: list[str] = []
        told, begun, read, stop = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def poll(_stop: asyncio.Event) -> str:
            order.append("poll")
            begun.set()
            await read.wait()
            return ""

        async def alerts_first() -> None:
            await told.wait()
            order.append("alerts")

        jobs = [
            job("poll", Every(1), work=poll, importance=Importance.NEWS),
            job("repair", Every(1), work=noting(order, "repair"), importance=Importance.REPAIR),
            job("prune", Every(1), work=noting(order, "prune")),
        ]
        roster = Roster(jobs, Ledger(), Clock())
        await roster.derive()
        catching = asyncio.create_task(roster.catch_up(stop, alerts_first))
        await asyncio.sleep(0)
        assert [await roster.run(each.name, stop) for each in jobs] == [None] * 3
        assert order == []
        told.set()
        await begun.wait()
        assert await roster.run("repair", stop) is None
        assert await roster.run("prune", stop, asked=True) is not None  # a person waits for it
        read.set()
        await catching
        assert order == ["alerts", "poll", "prune", "repair"]
        assert await roster.run("repair", stop) is not None

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_job_that_fails_is_told_and_keeps_its_rhythm() -> None:
    async def fail(_stop: asyncio.Event) -> str:
        raise RuntimeError("no\nline break")

    async def run() -> None:
        ledger, clock = Ledger(), Clock()
        roster = Roster([job("a", Every(60), work=fail)], ledger, clock)
        await roster.derive()
        for _ in range(2):
            await roster.run("a", asyncio.Event())
        assert [each.result for each in ledger.runs] == [JobResult.FAILED] * 2
        assert ledger.runs[0].detail == "RuntimeError: no line break"
        (standing,) = roster.standings()
        assert (standing.failures, standing.due_at) == (2, NOW + timedelta(seconds=120))

    asyncio.run(run())


def test_as_many_runs_as_are_allowed_are_under_way() -> None:
    async def run() -> None:
        gate = asyncio.Event()

        async def wait(_stop: asyncio.Event) -> str:
            await gate.wait()
            return ""

        roster = Roster(
            [job("one", Every(60), work=wait), job("two", Every(60), work=wait, at_once=2)], Ledger(), Clock()
        )
        await roster.derive()
        stop = asyncio.Event()
        under_way = [asyncio.create_task(roster.run(name, stop)) for name in ("one", "two", "two")]
        await asyncio.sleep(0)
        assert await roster.run("one", stop) is None
        assert await roster.run("two", stop, asked=True) is None
        assert {each.job.name: each.running for each in roster.standings()} == {"one": 1, "two": 2}
        gate.set()
        assert all(await asyncio.gather(*under_way))

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_ledger_that_cannot_be_written_ends_no_job() -> None:
    async def run() -> None:
        ledger = Ledger()
        roster = Roster([job("a", Every(60), work=noting([], "a"))], ledger, Clock())
        await roster.derive()
        ledger.is_full = True
        run = await roster.run("a", asyncio.Event())
        assert run is not None
        assert run.result is JobResult.DONE

    asyncio.run(run())


def test_nothing_to_do_is_written_down_now_and_then() -> None:
    async def run() -> None:
        ledger, clock = Ledger(), Clock()
        roster = Roster([job("poll", Every(15))], ledger, clock)
        await roster.derive()
        for _ in range(100):
            await roster.run("poll", asyncio.Event())
            clock.now += timedelta(seconds=15)
        assert len(ledger.runs) == 3  # in 25 minutes

    asyncio.run(run())


def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    async def run() -> None:
        clock = Clock()
        roster = Roster([job("poll", Every(15))], Ledger(), clock)
        await roster.derive()
        await roster.run("poll", asyncio.Event())
        clock.now -= timedelta(hours=5)
        roster.rewind()
        assert roster.due_at("poll") == clock.now + timedelta(seconds=15)

    asyncio.run(run())


def test_a_name_that_is_none_is_said_with_those_that_are() -> None:
    roster = Roster([job("poll", Every(15)), job("prune", Every(15))], Ledger(), Clock())
    with pytest.raises(SettingsError, match="known are poll, prune"):
        roster.job("pol")
    with pytest.raises(ValueError, match="poll"):
        Roster([job("poll", Every(15)), job("poll", Every(15))], Ledger(), Clock())
