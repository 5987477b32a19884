"""`tripoint sources`: who is read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tripoint.app.cli.terminal import print_json, print_table, settings_of
from tripoint.app.seeds import load_seeds


def register(app: typer.Typer) -> None:
    """Add the verb."""
    sources = typer.Typer(no_args_is_help=True, help="The outlets that are read.")
    app.add_typer(sources, name="sources", epilog="Example: tripoint sources list --language vi")

    @sources.command("list", epilog="Example: tripoint sources list --language vi --json")
    def list_(
        context: typer.Context,
        language: Annotated[str, typer.Option(help="Only sources in this language, such as vi.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """List the catalogue; `verified` says whether a live check has seen the addresses work."""
        found = load_seeds(settings_of(context).seeds.folder).sources
        chosen = [each for each in found if language in {"", each.language}]
        if as_json:
            print_json([asdict(each) for each in chosen])
            return
        rows = [
            (
                each.name,
                each.outlet,
                each.language,
                each.country,
                each.timezone,
                "wire" if each.wire else "",
                "yes" if each.verified else "no",
                "yes" if each.enabled else "no",
                len(each.listings),
            )
            for each in chosen
        ]
        columns = ("name", "outlet", "language", "country", "time zone", "wire", "verified", "enabled", "listings")
        print_table(f"{len(rows)} sources", columns, rows)
