"""Showing work while it goes on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tripoint.app.cli.terminal import plain

if TYPE_CHECKING:
    from crawler.report import Event


class Progress:
    """Counts events and shows them; alerts are written above the live line, to stdout."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._counts: Counter[str] = Counter()
        self._live = Live(console=console, refresh_per_second=8, transient=True) if self._is_live else None

    @property
    def _is_live(self) -> bool:
        return self._console.is_terminal and not self._quiet

    def __enter__(self) -> Self:
        """Begin the live line, if there is to be one."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the live line."""
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Take note of one event."""
        self._counts[str(event.result)] += 1
        if self._quiet:
            return
        if self._live is None:
            self._console.print(Text(plain(f"{event.source}: {event.result}: {event.detail or event.url}")))
            return
        counted = " · ".join(f"{count} {name}" for name, count in self._counts.items())
        head = Text(f"{event.waiting} pages waiting · {counted}\n", style="bold")
        self._live.update(head + Text(plain(f"{event.source}: {event.detail or event.url}")[:200], style="dim"))

    def say(self, alert: str) -> None:
        """Write one alert; called from Apprise's thread."""
        shown = "\n".join("".join(c for c in line if c.isprintable()) for line in alert.splitlines())
        if self._live is not None and sys.stdout.isatty():
            self._live.console.print(Text(shown + "\n"))
        else:
            sys.stdout.write(shown + "\n\n")
            sys.stdout.flush()
