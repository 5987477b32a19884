"""The daily self-check: looks at what goes wrong unseen, keeps what it found, and tells the operator of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from alerts.operator import check_alerts
from storage.health import overdue_listings
from storage.upkeep import check_whole, server_time
from tripoint.app import calibrated
from tripoint.app.disk import room_of
from tripoint.app.fitting import examples_of
from tripoint.app.seeds import Seeds, changed_parts, load_seeds, packaged_seeds
from tripoint.app.settings import Settings
from tripoint.domain.checks import Check, summary
from tripoint.domain.errors import TripointError
from tripoint.domain.text import one_line
from tripoint.domain.types import AlertState
from tripoint.domain.urls import host
from tripoint.relevance.calibration import inputs_hash

if TYPE_CHECKING:
    from tripoint.app.wiring import Stores, Works

_RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # a clock that shows an earlier time was never set
_CLOCKS_DIFFER = timedelta(minutes=2)
_LATE = timedelta(hours=1)  # beyond its due time; a host with many sources takes its time
_FAILING = timedelta(hours=1)
_NAMED = 3


async def self_check(works: Works, begun: datetime, read: Callable[[], Settings]) -> str:
    """Look at everything, keep it, tell what changed; returns a line. `read` reads the settings again."""
    now = works.clock()
    looked = partial(examine, works.settings, works.seeds, works.stores, now, begun, works.courier.channels, read)
    found = await asyncio.to_thread(lambda: list(looked()))  # to look through a big file takes minutes
    queued = await works.writer.do(
        lambda: works.stores.checks.update(found, now, lambda check, at: check_alerts(check, at, works.operator))
    )
    if queued:
        works.courier.wake()
    return summary(found)


def examine(
    settings: Settings,
    seeds: Seeds,
    stores: Stores,
    now: datetime,
    begun: datetime,
    channels: tuple[str, ...],
    read: Callable[[], Settings],
) -> Iterator[Check]:
    """Make every check; one that cannot be made is bad, and does not keep the next from being made.

    What the time before the service had `begun` left undone is being made up for, and is no fault.
    """
    checks: dict[str, Callable[[], Found]] = {
        "database": lambda: _database(stores),
        "disk": lambda: _disk(settings),
        "clock": lambda: _clock(stores, now),
        "channels": lambda: _channels(stores, now, channels),
        "alerts": lambda: _alerts(stores),
        "sources": lambda: _sources(seeds, stores, now, begun),
        "jobs": lambda: _jobs(stores),
        "settings": lambda: _settings(settings, read),
        "seeds": lambda: _seeds(settings, seeds),
        "calibration": lambda: _calibration(settings),
    }
    for name, look in checks.items():
        try:
            found, mend = look()
        except TripointError as error:
            found, mend = error.problem, error.mend or "see the log"
        yield Check(name, not mend, one_line(found), one_line(mend))


Found = tuple[str, str]
"""What was found, and how to mend it; no mend where all is well."""


def _database(stores: Stores) -> Found:
    return check_whole(stores.database), ""


def _disk(settings: Settings) -> Found:
    room = room_of(settings)
    return str(room), room.mend


def _clock(stores: Stores, now: datetime) -> Found:
    mend = "set the clock (timedatectl set-ntp true)"
    if now < _RELEASED:
        return f"it shows {now:%Y-%m-%d}, before this version was made", mend
    last = max((each.polled_at for each in stores.frontier.listings()), default=now)
    if last - now > _CLOCKS_DIFFER:
        return f"a visit lies {(last - now).total_seconds():.0f} s ahead", mend
    theirs = server_time(stores.database)
    if theirs is not None and abs(theirs - now) > _CLOCKS_DIFFER:
        return f"the database server's differs by {(theirs - now).total_seconds():+.0f} s", mend
    return f"it shows {now:%Y-%m-%d %H:%M} UTC", ""


def _channels(stores: Stores, now: datetime, channels: tuple[str, ...]) -> Found:
    if not channels:
        return "none is open: nobody hears of anything", "add one under [channels.NAME]"
    since = {each.channel: each.failing_since for each in stores.alerts.channels()}
    down = {name: at for name in channels if (at := since.get(name)) is not None and now - at > _FAILING}
    if down:
        said = ", ".join(f"{name} has accepted nothing since {at:%Y-%m-%d %H:%M} UTC" for name, at in down.items())
        return said, f"tripoint alerts test {next(iter(down))}"
    return f"{len(channels)} open", ""


def _alerts(stores: Stores) -> Found:
    dead = stores.alerts.counts()[AlertState.DEAD]
    return f"{dead} given up", "tripoint alerts failed, then retry or drop" if dead else ""


def _sources(seeds: Seeds, stores: Stores, now: datetime, begun: datetime) -> Found:
    if now - begun < _LATE:
        return "not judged in the first hour of a service", ""
    read = {url: each.name for each in seeds.sources if each.enabled for _, url in each.listings}
    held = stores.frontier.held(now)
    late = overdue_listings(stores.database, now - _LATE)
    names = sorted({read[url] for url in late if url in read and host(url) not in held})
    if not names:
        return f"{len(set(read.values()))} read in time", ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"not read in time: {', '.join(names[:_NAMED])}{more}", "tripoint jobs, tripoint sources health"


def _jobs(stores: Stores) -> Found:
    failing = [each for each in stores.jobs.everything() if each.failures > 1]
    if not failing:
        return "none fails", ""
    return ", ".join(f"{each.name} failed {each.failures} times in a row" for each in failing), "tripoint jobs"


def _settings(settings: Settings, read: Callable[[], Settings]) -> Found:
    """Read them as the next start would, with the secrets that they name; raises what would keep it from starting."""
    from tripoint.app.reload import differences
    from tripoint.app.wiring import build_channels

    there = read()
    build_channels(there, lambda _text: None)
    if edited := list(differences(settings, there)):
        return f"edited and not in use: {', '.join(edited)}", "tripoint reload; it names what needs a restart"
    return "in use as they lie there", ""


def _seeds(settings: Settings, seeds: Seeds) -> Found:
    there = load_seeds(settings.seeds.folder)
    if edited := changed_parts(seeds, there):
        return f"edited and not in use: {', '.join(edited)}", "tripoint reload"
    return f"{len(there.lexicon.concepts)} concepts in use as they lie there", ""


def _calibration(settings: Settings) -> Found:
    """Compare what the weights were fitted on with the examples and the lexicon as they are."""
    root: Any = settings.seeds.folder or packaged_seeds()
    fitted = calibrated.fitted_on(root, str(root))
    if fitted is None:
        return "none: every topic has weights of its own", ""
    seeds, examples = load_seeds(settings.seeds.folder, with_fit=False), calibrated.load_examples(root)
    topics = [each for each in seeds.all_topics if each.is_fitted]
    names = [each.name for each in topics]
    old = []
    for topic in topics:
        anchors = calibrated.load_anchors(root, topic)
        if fitted.get(topic.name, "") != inputs_hash(topic, examples_of(topic.name, examples, names), anchors):
            old.append(topic.name)
    if old:
        return f"{', '.join(old)}: lexicon, topic or examples changed since it was fitted", "tripoint calibrate"
    return f"fitted on what is there: {', '.join(names)}", ""
