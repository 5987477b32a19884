"""The clock that the house is given."""

from __future__ import annotations

from datetime import datetime, timedelta


class Clock:
    """Shows a time that a driver moves on, and that somebody may set; `steady_s` only goes on."""

    def __init__(self, start: datetime) -> None:
        self._shown = start
        self.steady_s = 0.0
        self.set_back_s: list[tuple[float, float]] = []  #: when (steady), and by how much

    def __call__(self) -> datetime:
        """Return the time."""
        return self._shown

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
        self._shown += timedelta(seconds=seconds)
        self.steady_s += seconds

    def set_by(self, seconds: float) -> None:
        """Set the clock forward or back, as a suspended machine or a time server does."""
        self._shown += timedelta(seconds=seconds)
        if seconds < 0:
            self.set_back_s.append((self.steady_s, -seconds))
