"""`tripoint reload`: the running service reads its seeds and settings again."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tripoint.app.cli.terminal import complain, out, plain, print_json, settings_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import BusyError, UnavailableError
from tripoint.domain.service import Ask, AskVerb


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint reload   ·   kill -HUP does the same")
    def reload(
        context: typer.Context,
        wait: Annotated[float, typer.Option(min=1, help="Seconds to wait for the running service.")] = 60.0,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Have the running service read seeds and settings again; it refuses a broken file and goes on as before."""
        answered = _ask(settings_of(context), wait)
        if not answered.good:
            if as_json:
                print_json({"reloaded": False, "problem": answered.answer})
            complain(f"not reloaded, the service goes on as before: {answered.answer}")
            raise typer.Exit(2)
        told = json.loads(answered.answer)
        if as_json:
            print_json({"reloaded": True, **told})
            return
        _show(told)


def _ask(settings: Settings, wait_s: float) -> Ask:
    from storage.lock import instance_lock
    from tripoint.app.asked import ask_service
    from tripoint.app.wiring import opened_stores, utc_now

    with opened_stores(settings) as stores:
        try:
            with instance_lock(settings.database_url):
                raise UnavailableError("no service runs on this database", "`tripoint run` starts one")
        except BusyError:
            return ask_service(stores.asks, AskVerb.RELOAD, "", utc_now(), wait_s)


def _show(told: dict[str, list[str]]) -> None:
    changed = [*told["settings"], *told["seeds"]]
    out().print(plain(f"taken over: {', '.join(changed)}" if changed else "read again; nothing that it uses changed"))
    if fixed := told["needs_restart"]:
        out().print(plain(f"only after a restart: {', '.join(fixed)}"))
