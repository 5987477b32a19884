"""`tripoint sources quarantine`: pages that killed or hung who read them, and letting them out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.terminal import out, print_json, print_table, settings_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import MendError

if TYPE_CHECKING:
    from collections.abc import Sequence


def register(sources: typer.Typer) -> None:
    """Add the verb."""

    @sources.command(epilog="Example: tripoint sources quarantine --release 4711   ·   --all")
    def quarantine(
        context: typer.Context,
        source: Annotated[str, typer.Option(help="Only pages of this source.")] = "",
        release: Annotated[list[int] | None, typer.Option(help="Read this page again; may be given again.")] = None,
        everything: Annotated[bool, typer.Option("--all", help="Read all of them again.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """List the pages that killed or hung who read them twice, and are read no more; or have them read again."""
        settings = settings_of(context)
        if release or everything:
            _release(settings, source, release or [], everything=everything, as_json=as_json)
        else:
            _list(settings, source, as_json=as_json)


def _list(settings: Settings, source: str, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores

    with opened_stores(settings) as stores:
        found = stores.frontier.quarantined(source)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [(each.id, each.source, f"{each.since:%Y-%m-%d %H:%M}", each.reason, each.url) for each in found]
    print_table(f"{len(rows)} pages", ("number", "source", "since (UTC)", "reason", "page"), rows)


def _release(settings: Settings, source: str, ids: Sequence[int], *, everything: bool, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores, utc_now

    with opened_stores(settings) as stores:
        known = [each.id for each in stores.frontier.quarantined(source)]
        for each in ids:
            if each not in known:
                raise MendError(f"no page {each} is under quarantine", "`tripoint sources quarantine` shows them")
        released = stores.frontier.release(known if everything else ids, utc_now())
    if as_json:
        print_json({"released": released})
        return
    out().print(f"{released} pages will be read again")
