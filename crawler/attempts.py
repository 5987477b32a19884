"""Asking again what was refused for now: later each time, as late as the server asks, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tripoint.domain.backfill import Answer
from tripoint.domain.types import Failure

LONGEST_WAIT_S = 60.0  # between two attempts, where the server names no time
PATIENCE_S = 120.0  # a server that wants to be left alone for longer is asked in another run


async def insist(
    once: Callable[[], Awaitable[Answer | Failure]], *, attempts: int, first_wait_s: float
) -> Answer | Failure:
    """Ask up to so many times and return the last answer, or the first that another attempt would not better."""
    wait_s = first_wait_s
    for left in range(attempts - 1, -1, -1):
        found = await once()
        if not isinstance(found, Failure) or not found.retryable or not left:
            return found
        asked_s = found.retry_after_s or 0.0
        if asked_s > PATIENCE_S:
            return found
        await asyncio.sleep(max(wait_s, asked_s))
        wait_s = min(2 * wait_s, max(LONGEST_WAIT_S, wait_s))
    raise ValueError(f"{attempts} attempts")
