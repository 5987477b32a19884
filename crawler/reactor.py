"""Twisted's reactor on an asyncio loop, so that Scrapy, the scheduler and the courier share one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def reactor_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of the reactor; installs and starts one for this process at the first call."""
    if "twisted.internet.reactor" not in sys.modules:
        from twisted.internet import asyncioreactor

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
        from twisted.internet import reactor

        # Started without being run: whoever runs the loop runs the reactor with it. Signals stay asyncio's.
        reactor.startRunning(installSignalHandlers=False)
    from twisted.internet import reactor

    found: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    return found


def run_on_reactor(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on the reactor's loop, once in a process, and let go of the reactor's threads."""
    loop = reactor_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        close_reactor()


def close_reactor() -> None:
    """End the reactor's threads and connections; nothing can run on it afterwards."""
    from twisted.internet import reactor

    loop = reactor_loop()
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    reactor.fireSystemEvent("shutdown")  # type: ignore[call-arg]  # the stub lacks `self`; stops the loop for good
