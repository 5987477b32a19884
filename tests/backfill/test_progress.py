"""What is shown of a search of the past while it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console

from crawler.report import Event, Result
from storage.backfill import Window
from tripoint.app.cli.backfill_progress import BackfillProgress
from tripoint.domain.backfill import Shard, ShardState
from tripoint.domain.types import Kept, Placement, PlacementKind

DAY = datetime(2018, 8, 9, tzinfo=UTC)


def window(number: int, found: int, state: ShardState = ShardState.DONE, reason: str = "") -> Window:
    shard = Shard("archive", f"dawn [red]{number}\x1b[2J", DAY, DAY + timedelta(days=1), address="a")
    return Window(number, shard, state, found, 1, found - 1, reason)


def work(progress: BackfillProgress) -> None:
    """Let four of six windows be settled, and two pages be stored, one of them relevant."""
    progress.provider("archive", 6)
    for number in range(4):
        progress.window(window(number, 3), 5 - number)
    progress.page(Event(Result.ARTICLE, "dawn", "https://a.example/", "A [bold]title\x1b[2J", waiting=3))
    for is_relevant in (True, False):
        progress.kept(Kept(7, Placement("s", PlacementKind.NEW), 0, is_relevant))
    progress.remark("search: nothing to ask: no source of these has `search`")


def test_a_terminal_sees_a_bar_a_provider() -> None:
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=160, markup=False, color_system=None)
    with BackfillProgress(console, quiet=False) as progress:
        work(progress)
        assert progress._bars is not None
        progress._bars.refresh()
        shown = file.getvalue()
    last = shown.split("archive ")[-1]
    assert "4/6" in last
    assert "windows · 12 found, 8 new, 1 relevant" in last
    assert "/min" in last
    assert "1/4" in last
    assert "pages · dawn: A [bold]title [2J" in last
    assert "search: nothing to ask" in shown
    assert "\x1b[2J" not in shown


def test_elsewhere_each_window_is_a_line() -> None:
    file = StringIO()
    with BackfillProgress(Console(file=file, width=160, markup=False), quiet=False) as progress:
        work(progress)
        progress.window(window(4, 1, ShardState.CAPPED, "100 items in a day"), 1)
        for share in (0.05, 0.11, 0.12, 0.5):
            progress.within(window(5, 1).shard, share)
    lines = file.getvalue().splitlines()
    assert lines[0] == "archive 2018-08-09 dawn [red]0 [2J: done, 3 found, 1 known, 2 new"
    assert lines[4] == "dawn: articles: A [bold]title [2J"
    assert lines[6].endswith("capped, 1 found, 1 known, 0 new: 100 items in a day")
    assert lines[7:] == ["archive dawn [red]5 [2J: 11 %", "archive dawn [red]5 [2J: 50 %"]


def test_a_long_question_is_cut_in_its_line() -> None:
    file, shown = StringIO(), window(1, 3)
    with BackfillProgress(Console(file=file, width=500, markup=False), quiet=False) as progress:
        progress.window(replace(shown, shard=replace(shown.shard, query="(Pakistan OR " * 40)), 0)
    (line,) = file.getvalue().splitlines()
    assert line.endswith("…: done, 3 found, 1 known, 2 new")
    assert len(line) < 200


def test_quiet_is_quiet() -> None:
    file = StringIO()
    with BackfillProgress(Console(file=file, force_terminal=True), quiet=True) as progress:
        work(progress)
    assert file.getvalue() == ""
