"""What `tripoint run` says of its passes: a line each, however many sources it read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tripoint.app.cli.terminal import plain
from tripoint.domain.types import Source

if TYPE_CHECKING:
    from crawler.report import CrawlReport

_NAMED = 3
_QUIET = "listings unchanged"  # a pass that found only this is not worth a line
_BAD = ("listings failed", "bounds reached")


@dataclass(frozen=True, slots=True)
class Read:
    """Sources that were read in one crawl, and how it went."""

    sources: tuple[str, ...]
    report: CrawlReport

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell."""
        return not self.report.stopped and any(str(each) != _QUIET for each in self.report.results)

    @property
    def troubled(self) -> list[str]:
        """The sources of which something is amiss."""
        counted = self.report.by_source.items()
        return [name for name, counts in counted if any(str(each) in _BAD for each in counts)]


def summary(reads: Sequence[Read], at: datetime) -> str:
    """Return one line for everything that was read."""
    results = sum((Counter({str(key): n for key, n in each.report.results.items()}) for each in reads), Counter[str]())
    counted = ", ".join(f"{count} {name}" for name, count in results.items())
    names = [name for each in reads for name in each.sources]
    who = ", ".join(names) if len(names) <= _NAMED else f"{len(names)} sources"
    alerts = sum(each.report.alerts for each in reads)
    return plain(f"{at:%Y-%m-%d %H:%M:%S UTC} {who}: {counted or 'nothing'}; {alerts} alerts queued{_hint(reads)}")


def _hint(reads: Sequence[Read]) -> str:
    troubled = [name for each in reads for name in each.troubled]
    if not troubled:
        return ""
    asked = "`tripoint sources health` says why"
    if sum(len(each.sources) for each in reads) <= _NAMED:
        return f"; {asked}"
    more = f" and {len(troubled) - _NAMED} more" if len(troubled) > _NAMED else ""
    return f"; trouble with {', '.join(troubled[:_NAMED])}{more}: {asked}"


@dataclass(slots=True)
class Tally:
    """Gathers what a pass did, and says it in one line when the pass ends, or now and then while it is long."""

    say: Callable[[str], None]
    clock: Callable[[], datetime]
    every_s: float = 60.0  #: a pass that waits for a slow source is not silent for longer
    a_line_each: bool = False
    _reads: list[Read] = field(default_factory=list)
    _since: datetime | None = None

    def add(self, group: Sequence[Source], report: CrawlReport) -> None:
        """Take note of sources that were read together."""
        read = Read(tuple(each.name for each in group), report)
        if not read.is_news:
            return
        now = self.clock()
        self._since = self._since or now
        self._reads.append(read)
        if self.a_line_each or (now - self._since).total_seconds() >= self.every_s:
            self.tell()

    def tell(self) -> None:
        """Say what was not said yet."""
        if self._reads:
            self.say(summary(self._reads, self.clock()))
        self._reads, self._since = [], None
