"""`tripoint revisions`: what an outlet changed in an article after it was stored."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import typer
from rich.text import Text

from tripoint.app.cli.feedback import article_number
from tripoint.app.cli.terminal import out, plain, print_json, settings_of
from tripoint.stories.edits import edit


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint revisions 17   ·   tripoint revisions https://… --json")
    def revisions(
        context: typer.Context,
        article: Annotated[str, typer.Argument(help="Number or address of a stored article.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, a revision each.")] = False,
    ) -> None:
        """Show what changed in an article: sentences that went (-) and came (+), a revision at a time."""
        from tripoint.app.wiring import opened_stores

        with opened_stores(settings_of(context)) as stores:
            found = stores.articles.revisions(article_number(stores, article))
        changes = [_change(before, after) for before, after in pairwise(found)]
        if as_json:
            print_json(changes)
            return
        say = out()
        if not changes:
            say.print("never changed since it was stored")
        for each in changes:
            say.print(Text(f"revision {each['revision']}", style="bold"))
            for mark, style in (("-", "red"), ("+", "green")):
                for sentence in each["removed" if mark == "-" else "added"]:
                    say.print(Text(f"{mark} {plain(sentence)}", style=style))


def _change(before: tuple[int, str, str], after: tuple[int, str, str]) -> dict[str, Any]:
    changed = edit(before[2], after[2])
    titles = before[1] != after[1]
    return {
        "revision": after[0],
        "removed": [*([before[1]] if titles else []), *changed.removed],
        "added": [*([after[1]] if titles else []), *changed.added],
    }
