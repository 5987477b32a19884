"""A search of the past that is killed again and again at random moments, and what was under way each time."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.house import House
from tests.killing import kill
from tests.newsroom.past_world import PastWorld

_PATIENCE_S = 300.0
_EARLY = 0.15  # the share of kills that do not wait for a request
_EARLY_S = 2.0


@dataclass(slots=True)
class Killed:
    """What happened to a search."""

    kills: int = 0
    early: int = 0  #: kills before anything was asked
    pages: Counter[str] = field(default_factory=Counter)  #: asked for and not stored, each as often as at a kill
    most: int = 0  #: of them at one kill
    windows: Counter[str] = field(default_factory=Counter)  #: addresses of open windows, each as often as at a kill


def search_and_kill(
    house: House, world: PastWorld, arguments: Sequence[str], kills: int, usual: int, dice: random.Random
) -> Killed:
    """Start a search so many times and kill it each time, spread over the `usual` number of different requests."""
    done = Killed()
    while done.kills < kills:
        left = usual - len(set(world.addresses()))
        before = len(world.requests)
        process = house.start("backfill", *arguments, "--quiet")
        if dice.random() < _EARLY:
            threading.Event().wait(dice.random() * _EARLY_S)
        else:
            gap = dice.randint(1, max(1, 2 * left // (kills - done.kills + 1)))
            assert world.wait_for(before + gap, _PATIENCE_S), f"it asks for nothing more, with {left} left"
            threading.Event().wait(dice.random() * 0.05)
        assert process.poll() is None, f"it ended by itself: {process.communicate(timeout=5)}"
        kill(process)
        done.kills += 1
        done.early += len(world.requests) == before
        _look(house, world, done)
    return done


def asked_too_often(world: PastWorld, killed: Killed) -> list[str]:
    """Return the pages that were fetched again without having been under way when the search was killed."""
    return [page for page, times in Counter(world.fetched()).items() if times - 1 > killed.pages[page]]


def windows_asked_too_often(world: PastWorld, killed: Killed) -> list[str]:
    """Return the archive addresses that were asked again without their window having been open at a kill."""
    sites = {name: site.base for name, site in world.sites.items()}
    asked = Counter(f"{sites[each.outlet]}{each.path}" for each in list(world.requests) if each.outlet in sites)
    archives = {url: times for url, times in asked.items() if "/archive/" in url or "/sitemap" in url}
    return [url for url, times in archives.items() if times - 1 > killed.windows[url]]


def _look(house: House, world: PastWorld, done: Killed) -> None:
    """Note which pages were asked for and are not stored, and which windows are open."""
    if not house.rows("select 1 from sqlite_master where name = 'backfill_windows'"):
        return
    settled = {url for (url,) in house.rows("select url from frontier where state != 'pending'")}
    sites = {name: site.base for name, site in world.sites.items()}
    urls = {
        f"{outlet.name}{page.path}": sites[outlet.name] + page.path for outlet in world.outlets for page in outlet.pages
    }
    under_way = {each for each in world.fetched() if urls[each] not in settled}
    done.pages.update(under_way)
    done.most = max(done.most, len(under_way))
    windows = house.rows("select address from backfill_windows where state in ('pending', 'running')")
    done.windows.update({address for (address,) in windows})
