"""What the rooms count while they work; who adds it up and shows it is none of their business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tripoint.domain.types import Kept, Outcome, Step


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt to tell somebody something."""

    channel: str
    outcome: Outcome
    queued_s: float  #: since it was queued
    lag_s: float | None = None  #: since the article was published; None for a digest, and where only a day is known


class Meter(Protocol):
    """Takes note of what happens. Every call is quick, comes from the loop's thread, and never raises."""

    def answered(self, status: int, size: int) -> None:
        """Note an answer to a fetch, with its size in bytes on the wire; status 0 is no answer."""
        ...

    def read(self, step: Step, seconds: float, *, is_failed: bool) -> None:
        """Note how long a worker read a page or a listing."""
        ...

    def reading(self, number: int) -> None:
        """Note how many pages and listings workers have or wait for."""
        ...

    def kept(self, kept: Kept) -> None:
        """Note an article that was stored or was known."""
        ...

    def told(self, told: Told) -> None:
        """Note an attempt to deliver an alert."""
        ...


class SilentMeter:
    """Counts nothing."""

    def answered(self, status: int, size: int) -> None:
        """Forget it."""

    def read(self, step: Step, seconds: float, *, is_failed: bool) -> None:
        """Forget it."""

    def reading(self, number: int) -> None:
        """Forget it."""

    def kept(self, kept: Kept) -> None:
        """Forget it."""

    def told(self, told: Told) -> None:
        """Forget it."""
