"""`tripoint coverage`: for each source, when we know that we saw everything, and when we do not."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from tripoint.app.cli.terminal import print_json, print_table, settings_of
from tripoint.app.seeds import load_seeds
from tripoint.domain.coverage import merged, share_seen, timeline

_CELLS = 48


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint coverage --days 7   ·   tripoint coverage --source dawn --json")
    def coverage(
        context: typer.Context,
        days: Annotated[float, typer.Option(min=0.01, help="How far back to look.")] = 1.0,
        source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, with every stretch.")] = False,
    ) -> None:
        """Show what was seen: a feed that still holds an entry that was known before has lost nothing in between.

        In the timeline █ is all seen, ▒ seen in part, ░ known not to be sure, and a dot means that nothing is known.
        """
        from tripoint.app.seeds import choose
        from tripoint.app.wiring import opened_stores, utc_now

        settings = settings_of(context)
        sources = choose(load_seeds(settings.seeds.folder).sources, source or [])
        until = utc_now()
        start = until - timedelta(days=days)
        with opened_stores(settings) as stores:
            spans = stores.coverage.since(start)
        rows = [_row(each.name, spans.get(each.name, []), start, until) for each in sources]
        if as_json:
            print_json(rows)
            return
        title = f"what was seen since {start.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        columns = ("source", "seen", "timeline", "blind", "last reason")
        print_table(title, columns, [_shown(row) for row in rows])


def _row(name: str, spans: list[Any], start: datetime, until: datetime) -> dict[str, Any]:
    together = merged(spans)
    return {
        "source": name,
        "share_seen": round(share_seen(together, start, until), 4),
        "timeline": timeline(together, start, until, _CELLS),
        "spans": [asdict(each) for each in together],
    }


def _shown(row: dict[str, Any]) -> tuple[object, ...]:
    blind = [each for each in row["spans"] if not each["is_seen"]]
    reason = blind[-1]["reason"] if blind else ""
    return row["source"], f"{row['share_seen']:.0%}", row["timeline"], len(blind), reason
