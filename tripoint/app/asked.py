"""What other processes ask of the running service: asked through the database, answered at its next pulse."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from tripoint.app.writer import Writer
from tripoint.domain.errors import StorageError, TripointError, UnavailableError
from tripoint.domain.service import Ask, AskVerb
from tripoint.domain.text import one_line

if TYPE_CHECKING:
    from storage.service import AskStore

log = logging.getLogger(__name__)

Serve = Callable[[str], Awaitable[str]]
"""Does what was asked, and returns a line about it; what it raises is the answer too."""

_LOOK_AGAIN_S = 0.2
_LONGEST = 20_000  # characters of an answer


class AskDesk:
    """Answers what is asked of the service, without keeping its pulse waiting."""

    def __init__(self, writer: Writer, asks: AskStore, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._asks = asks
        self._clock = clock
        self._serve: dict[AskVerb, Serve] = {}
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def serve(self, verb: AskVerb, work: Serve) -> None:
        """Answer this verb by that work."""
        self._serve[verb] = work

    async def look(self) -> None:
        """Begin what was asked since the last look."""
        try:
            asked = await self._writer.do(self._asks.open)
        except StorageError as error:
            log.error("cannot look for what is asked: %s", error)
            return
        for each in asked:
            if each.id not in self._under_way:
                task = asyncio.create_task(self._answer(each), name=f"asked: {each.verb} {each.argument}")
                self._under_way[each.id] = task
                task.add_done_callback(partial(self._done, each.id))

    def _done(self, number: int, _task: asyncio.Task[None]) -> None:
        del self._under_way[number]

    async def _answer(self, asked: Ask) -> None:
        try:
            text, good = await self._serve[asked.verb](asked.argument), True
        except TripointError as error:
            text, good = str(error), False
        except Exception as error:
            log.error("what was asked failed", exc_info=error)
            text, good = f"{type(error).__name__}: {error}", False
        settle = partial(self._asks.answer, asked.id, self._clock(), good=good, text=one_line(text)[:_LONGEST])
        try:
            await self._writer.do(settle)
        except StorageError as error:
            log.error("an answer could not be written down: %s", error)


def ask_service(asks: AskStore, verb: AskVerb, argument: str, now: datetime, wait_s: float) -> Ask:
    """Ask the running service and wait for the answer; raises `UnavailableError` where none comes."""
    number = asks.ask(verb, argument, now)
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        found = asks.get(number)
        if found is not None and found.answered_at is not None:
            return found
        time.sleep(_LOOK_AGAIN_S)
    asks.withdraw(number)
    raise UnavailableError(f"the service did not answer within {wait_s:g} s", "`tripoint jobs` shows what it does")
