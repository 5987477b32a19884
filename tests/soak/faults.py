"""What goes wrong: each fault holds for a while, at moments that a seed decides."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.newsroom import Behaviour, Hang, Status, Truncated
from tests.soak.clock import Clock
from tests.soak.names import Names
from tests.soak.outside import Outside
from tests.soak.world import Publisher

_HOUR_S = 3600.0


class Kind(StrEnum):
    """What goes wrong."""

    OUTLET = "an outlet is away"
    PAGE = "a page is away that its listing names"
    DNS = "a name does not resolve"
    DISK = "the disk is full"
    LOCK = "the database is locked"
    MAIL = "the mail server is out"
    AHEAD = "the clock jumps ahead"
    BACK = "the clock is set back"


LONGEST_H = {Kind.OUTLET: 14.0, Kind.PAGE: 5.0, Kind.DNS: 5.0, Kind.DISK: 2.0, Kind.LOCK: 1.0, Kind.MAIL: 3.0}
JUMP_H = {Kind.AHEAD: 7.0, Kind.BACK: 2.0}
_BEHAVIOURS: dict[str, Behaviour] = {"503": Status(503), "404": Status(404), "cut": Truncated(40), "hang": Hang()}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, in steady seconds."""

    kind: Kind
    start_s: float
    end_s: float
    what: str = ""  #: an outlet, or how


def plan(length_s: float, outlets: Sequence[str], each: int, dice: random.Random) -> list[Fault]:
    """Return so many faults of each kind, none beyond `length_s`."""
    found = []
    for kind in Kind:
        for number in range(each):
            lasts_s = _HOUR_S * LONGEST_H.get(kind, 0.0) * dice.uniform(0.4, 1.0)
            start_s = dice.uniform(0.05, 0.95) * (length_s - lasts_s)
            ways = {Kind.OUTLET: ("503", "404", "cut", "hang"), Kind.MAIL: ("refuses", "drops")}.get(kind, ("",))
            way = ways[number % len(ways)]
            what = f"{dice.choice(outlets)} {way}" if kind in {Kind.OUTLET, Kind.DNS} else way
            found.append(Fault(kind, start_s, start_s + lasts_s, what.strip()))
    return sorted(found, key=lambda fault: fault.start_s)


class Disk:
    """What stands between the house and its disk: SQLite finds it full, or locked by another, while that is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.is_full = False
        self._other: sqlite3.Connection | None = None
        event.listen(Pool, "checkout", self._limit)

    def _limit(self, connection: Any, _record: Any, _proxy: Any) -> None:
        pages = 1 if self.is_full else 1_000_000_000  # fewer than there are means: no more than there are
        connection.execute(f"PRAGMA max_page_count = {pages}")
        connection.execute(f"PRAGMA busy_timeout = {50 if self._other else 30_000}")

    @property
    def is_locked(self) -> bool:
        """Whether another holds the database."""
        return self._other is not None

    def lock(self) -> None:
        """Hold the database as another program does, such as a careless backup."""
        self._other = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, timeout=60)
        self._other.execute("BEGIN IMMEDIATE")

    def unlock(self) -> None:
        """Let go of it."""
        if self._other is not None:
            with closing(self._other):
                self._other.rollback()
            self._other = None

    def close(self) -> None:
        """Stand aside."""
        self.unlock()
        event.remove(Pool, "checkout", self._limit)


@dataclass(slots=True)
class Faults:
    """Begins and ends faults as time passes."""

    planned: list[Fault]
    outside: Outside
    names: Names
    disk: Disk
    clock: Clock
    publisher: Publisher
    on_jump: Callable[[], None]
    begun: Counter[Kind] = field(default_factory=Counter)
    now: list[Fault] = field(default_factory=list)
    over: list[Fault] = field(default_factory=list)
    _pages: dict[Fault, tuple[str, str]] = field(default_factory=dict)

    def apply(self) -> None:
        """End what is over, and begin what is due."""
        at = self.clock.steady_s
        for fault in [each for each in self.now if each.end_s <= at]:
            self.now.remove(fault)
            self.over.append(fault)
            self._end(fault)
        while self.planned and self.planned[0].start_s <= at:
            fault = self.planned.pop(0)
            self.begun[fault.kind] += 1
            self._begin(fault)
            self.now.append(fault)

    def _begin(self, fault: Fault) -> None:
        outlet, _, way = fault.what.partition(" ")
        match fault.kind:
            case Kind.OUTLET:
                self.outside.behave(outlet, "*", _BEHAVIOURS[way])
            case Kind.PAGE if (story := self.publisher.next_relevant()) is not None:
                self._pages[fault] = (story.outlet, story.path)
                self.outside.behave(story.outlet, story.path, Status(503))
            case Kind.DNS:
                self.names.failing.add(outlet)
            case Kind.DISK:
                self.disk.is_full = True
            case Kind.LOCK if not self.disk.is_locked:
                self.disk.lock()
            case Kind.MAIL:
                self.outside.refuse_mail("451 4.3.0 later", "drop" if fault.what == "drops" else "")
            case Kind.AHEAD | Kind.BACK:
                self.clock.set_by(JUMP_H[fault.kind] * _HOUR_S * (1 if fault.kind is Kind.AHEAD else -1))
                self.on_jump()

    def _end(self, fault: Fault) -> None:
        """End a fault, but for what another of its kind keeps up."""
        outlet = fault.what.partition(" ")[0]
        others = [each for each in self.now if each.kind is fault.kind]
        match fault.kind:
            case Kind.OUTLET if not any(each.what.startswith(f"{outlet} ") for each in others):
                self.outside.behave(outlet, "*", None)
            case Kind.PAGE if fault in self._pages:
                self.outside.behave(*self._pages.pop(fault), None)
            case Kind.DNS if not any(each.what == outlet for each in others):
                self.names.failing.discard(outlet)
            case Kind.DISK if not others:
                self.disk.is_full = False
            case Kind.LOCK if not others:
                self.disk.unlock()
            case Kind.MAIL if not others:
                self.outside.refuse_mail("")

    def storage_was_away_s(self, start_s: float, end_s: float) -> float:
        """Return for how long of a stretch nothing could be written down."""
        away = [each for each in (*self.now, *self.over) if each.kind in {Kind.DISK, Kind.LOCK}]
        return sum(max(0.0, min(each.end_s, end_s) - max(each.start_s, start_s)) for each in away)
