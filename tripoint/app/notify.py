"""What systemd is told of the service (`Type=notify`): plain datagrams, as sd_notify(3) has them.

The watchdog is fed from the loop, and only after the pulse was felt: a loop that hangs, a writer that hangs and passes
that neither begin nor end all leave it hungry.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tripoint.domain.text import one_line

log = logging.getLogger(__name__)

_FEEDS_A_PERIOD = 3  # systemd advises half of the period; a third leaves room for a slow look
_LONGEST_STATUS = 200


@dataclass(frozen=True, slots=True)
class Systemd:
    """Where to send notifications, and how often the watchdog wants to be fed; silent where nobody listens."""

    address: str = ""  #: a path, or a name in the abstract namespace after an `@`
    watchdog_s: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Systemd:
        """Read what systemd says in the environment; a watchdog that is meant for another process is none of ours."""
        address = environ.get("NOTIFY_SOCKET", "")
        if address[:1] not in {"/", "@"} or not hasattr(socket, "AF_UNIX"):
            return cls()
        is_ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        period = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(period) / 1e6 if is_ours and period.isdecimal() and int(period) > 0 else None
        return cls(address, watchdog_s)

    def ready(self, status: str = "") -> None:
        """Say that the service does its work now."""
        self._send("READY=1", status)

    def reloading(self) -> None:
        """Say that files are being read again; `ready` says that this is over."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", "reloading")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._send("STOPPING=1", "stopping")

    def status(self, text: str) -> None:
        """Say a line that `systemctl status` shows."""
        self._send("", text)

    async def feed(self, is_alive: Callable[[], Awaitable[bool]]) -> None:
        """Feed the watchdog for as long as the service is found alive each time; runs until it is cancelled."""
        if self.watchdog_s is None:
            return
        was_alive = True
        while True:
            if await is_alive():
                self._send("WATCHDOG=1")
                was_alive = True
            elif was_alive:
                log.error("the service is not alive; the watchdog is not fed, so that it is started anew")
                was_alive = False
            await asyncio.sleep(self.watchdog_s / _FEEDS_A_PERIOD)

    def _send(self, state: str, status: str = "") -> None:
        if not self.address:
            return
        said = f"STATUS={one_line(status)[:_LONGEST_STATUS]}" if status else ""
        message = "\n".join(filter(None, (state, said)))
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.setblocking(False)  # a manager that does not read must not stop the loop
                line.sendto(message.encode(), address)
        except OSError as error:
            log.warning("systemd was not told: %s", error.strerror)
