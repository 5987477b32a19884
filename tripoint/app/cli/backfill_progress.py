"""Showing a search of the past while it goes on: a bar a provider on a terminal, one line a window elsewhere."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tripoint.app.backfill.engine import Watch
from tripoint.app.cli.terminal import plain

if TYPE_CHECKING:
    from crawler.report import Event
    from storage.backfill import Window
    from tripoint.domain.backfill import Shard
    from tripoint.domain.types import Kept


_QUERY_CHARACTERS = 120


class _PerMinute(ProgressColumn):
    """How many steps of a bar are done in a minute, by its last ones."""

    def render(self, task: Task) -> Text:
        """Return it, nothing as long as that is not known."""
        return Text(f"{60 * task.speed:.0f}/min" if task.speed else "")


def _short(query: str) -> str:
    """Return a question as a line has room for it: the ledger has it whole."""
    return query if len(query) <= _QUERY_CHARACTERS else f"{query[: _QUERY_CHARACTERS - 1]}…"


class BackfillProgress(Watch):
    """Counts windows and pages, and shows them."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._counts: Counter[str] = Counter()
        self._pages = 0
        self._provider = ""  # whose turn it is: what is stored now is of its finds
        self._tasks: dict[str, TaskID] = {}
        self._bars: Progress | None = None
        if console.is_terminal and not quiet:
            columns = (
                TextColumn("{task.description:>12}", markup=False),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[unit]} · {task.fields[said]}", markup=False),
                _PerMinute(),
                TimeRemainingColumn(),
            )
            self._bars = Progress(*columns, console=console, transient=True)

    def __enter__(self) -> Self:
        """Begin the bars, if there are to be any."""
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the bars."""
        if self._bars is not None:
            self._bars.stop()

    def provider(self, name: str, windows: int) -> None:
        """Show a bar for whoever is asked next."""
        self._provider = name
        if self._bars is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, unit="windows", said="", total=0)
            self._update(name, windows)

    def remark(self, line: str) -> None:
        """Write a line above the bars."""
        if not self._quiet:
            (self._bars.console if self._bars is not None else self._console).print(Text(plain(line)))

    def kept(self, kept: Kept) -> None:
        """Count what is relevant."""
        self._counts[f"{self._provider} relevant"] += kept.is_relevant
        if self._provider in self._tasks:
            self._update(self._provider)

    def window(self, window: Window, left: int) -> None:
        """Show that a window was settled."""
        shard = window.shard
        for key in ("found", "new"):
            self._counts[f"{shard.provider} {key}"] += getattr(window, key)
        self._counts[f"{shard.provider} done"] += 1
        if self._bars is not None:
            if (file := self._tasks.pop(shard.query, None)) is not None:
                self._bars.remove_task(file)
            if shard.provider not in self._tasks:
                self.provider(shard.provider, left)
            self._update(shard.provider, left)
        elif not self._quiet:
            counted = f"{window.found} found, {window.known} known, {window.new} new"
            reason = f": {window.reason}" if window.reason else ""
            self._say(f"{shard.provider} {shard.label} {_short(shard.query)}: {window.state}, {counted}{reason}")

    def _update(self, provider: str, left: int | None = None) -> None:
        if self._bars is None:
            return
        done = self._counts[f"{provider} done"]
        said = ", ".join(f"{self._counts[f'{provider} {each}']} {each}" for each in ("found", "new", "relevant"))
        total = None if left is None else done + left
        self._bars.update(self._tasks[provider], completed=done, total=total, said=said)

    def page(self, event: Event) -> None:
        """Show that a page was read."""
        self._pages += 1
        if self._bars is not None:
            if "pages" not in self._tasks:
                self._tasks["pages"] = self._bars.add_task("pages", unit="pages", said="", total=None)
            total = self._pages + event.waiting
            said = plain(f"{event.source}: {event.detail or event.url}")[:60]
            self._bars.update(self._tasks["pages"], completed=self._pages, total=total, said=said)
        elif not self._quiet:
            self._say(f"{event.source}: {event.result}: {event.detail or event.url}")

    def within(self, shard: Shard, share: float) -> None:
        """Show how far a long window is: a bar on a terminal, a line for each tenth elsewhere."""
        percent = int(100 * share)
        if self._bars is not None:
            if shard.query not in self._tasks:
                self._tasks[shard.query] = self._bars.add_task(shard.provider, unit="%", said="", total=100)
            said = plain(shard.query)[-40:]
            self._bars.update(self._tasks[shard.query], completed=percent, said=said)
        elif not self._quiet and percent // 10 > self._counts[f"tenths of {shard.query}"]:
            self._counts[f"tenths of {shard.query}"] = percent // 10
            self._say(f"{shard.provider} {shard.query}: {percent} %")

    def say(self, alert: str) -> None:
        """Write one alert; called from Apprise's thread."""
        shown = "\n".join("".join(c for c in line if c.isprintable()) for line in alert.splitlines())
        (self._bars.console if self._bars is not None else self._console).print(Text(shown + "\n"))

    def _say(self, line: str) -> None:
        self._console.print(Text(plain(line)))
