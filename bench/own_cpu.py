"""The CPU time of a bench's own processes by the moment: what else a machine does falsifies rates, and not this."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

_STEP_S = 0.2


class OwnCpu:
    """Looks at this process and all below it several times a second, on Linux; elsewhere it counts nothing."""

    def __init__(self) -> None:
        self._spent: dict[int, float] = {}  # by process, those that ended too
        self._seen: list[tuple[datetime, float]] = []  #: moments, and the seconds spent until then
        self._own_s = 0.0  # of the looking itself
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="own-cpu", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def spent_s(self, start: datetime, end: datetime) -> float:
        """Return what was spent between two moments, to the nearest look."""
        before = [seconds for moment, seconds in self._seen if moment <= start]
        until = [seconds for moment, seconds in self._seen if moment <= end]
        return (until[-1] if until else 0.0) - (before[-1] if before else 0.0)

    def _look_on(self) -> None:
        while True:
            self._look()
            if self._over.wait(_STEP_S):
                self._look()
                return

    def _look(self) -> None:
        below: defaultdict[int, list[int]] = defaultdict(list)
        spent: dict[int, float] = {}
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                said = each.read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue  # it ended in between
            pid = int(each.parent.name)
            below[int(said[1])].append(pid)
            spent[pid] = (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")
        todo = [os.getpid()]
        while todo:
            pid = todo.pop()
            todo += below[pid]
            self._spent[pid] = spent.get(pid, self._spent.get(pid, 0.0))
        self._own_s = time.thread_time()
        self._seen.append((datetime.now(UTC), sum(self._spent.values()) - self._own_s))
