"""`tripoint web`: the page by itself, to look at an archive without crawling."""

from __future__ import annotations

import asyncio
import signal
from contextlib import closing
from typing import Annotated, Any

import typer
from rich.text import Text

from tripoint.app.cli.terminal import err, plain, settings_of
from tripoint.app.seeds import load_seeds
from tripoint.app.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint web   ·   tripoint --database sqlite:////backup/tripoint.db web --port 0")
    def web(
        context: typer.Context,
        port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")] = None,
        host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback a token is needed.")] = "",
    ) -> None:
        """Serve the page by itself: look at an archive without crawling. `tripoint run` serves it too."""
        options: dict[str, Any] = {"web": {"enabled": True}}
        if port is not None:
            options["web"]["port"] = port
        if host:
            options["web"]["host"] = host
        asyncio.run(_serve(settings_of(context, options)))


async def _serve(settings: Settings) -> None:
    from tripoint.app.web.server import served_page
    from tripoint.app.wiring import opened_stores
    from tripoint.app.writer import Writer

    seeds = load_seeds(settings.seeds.folder)
    with opened_stores(settings) as stores, closing(Writer()) as writer:
        async with served_page(settings, seeds, stores, writer) as page:
            stopped = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            err().print(Text(plain(f"the page is at {page.address}/; Ctrl-C stops")))
            await stopped.wait()
