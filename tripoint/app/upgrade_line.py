"""How far the upgrade of a large archive is: a line that goes on changing on a terminal, elsewhere one each minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TextIO

from tripoint.app.logs import SERVICE, installed

_FIRST_S = 3.0  # a small archive is ready before anything is said
_EACH_S = 60.0


class UpgradeLine:
    """Hears how many articles of all are done, and tells a person."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to this stream where it is a terminal that no JSON goes to, else to the service's log."""
        self._stream = stream
        self._clock = clock
        self._began: float | None = None
        self._said_at: float | None = None

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is, if it is time to."""
        now = self._clock()
        if self._began is None or not done:
            self._began = now
        took = now - self._began
        if took < _FIRST_S and self._said_at is None:
            return
        logs = installed()
        if self._stream.isatty() and not (logs and logs.is_json):
            self._stream.write(f"\r\x1b[2K{_line(done, total, took)}" + ("\n" if done == total else ""))
            self._stream.flush()
        elif self._said_at is None or now - self._said_at >= _EACH_S or done == total:
            logging.getLogger(SERVICE).info("%s", _line(done, total, took))
        else:
            return
        self._said_at = now if done < total else None


def _line(done: int, total: int, took_s: float) -> str:
    said = f"upgrading the archive: {done:,} of {total:,} articles"
    if done == total:
        return f"{said}, {_span(took_s)}; finishing"
    return f"{said}, about {_span(took_s / done * (total - done))} left" if done else said


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
