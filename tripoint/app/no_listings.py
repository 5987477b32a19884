"""What a frontier answers where no listing is polled and no link followed: nothing is asked for, nothing taken in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tripoint.domain.coverage import Span
from tripoint.domain.types import Candidate, Entered, Poll, Repair, Validators


class NoListings:
    """The half of a frontier that is about listings; whoever crawls given pages builds on it."""

    async def validators(self, listing_url: str) -> Validators:
        """Return nothing."""
        return Validators()

    async def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int) -> Entered:
        """Take nothing in."""
        return Entered()

    async def enter(self, candidates: Sequence[Candidate], room: int) -> Entered:
        """Take nothing in."""
        return Entered()

    async def to_repair(self, listing_url: str, now: datetime, *, is_try: bool = True) -> Sequence[Span]:
        """Return nothing."""
        return ()

    async def repair(self, repair: Repair, candidates: Sequence[Candidate], room: int) -> Entered:
        """Take nothing in."""
        return Entered()
