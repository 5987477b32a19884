"""`tripoint run`: the service, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tripoint.app.cli.crawl import choose
from tripoint.app.cli.progress import Progress
from tripoint.app.cli.terminal import err, plain, settings_of
from tripoint.app.settings import Settings

if TYPE_CHECKING:
    from crawler.report import CrawlReport


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint run --interval 300   (Ctrl-C or SIGTERM stops it cleanly)")
    def run(
        context: typer.Context,
        source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
        interval: Annotated[float | None, typer.Option(min=1, help="Seconds between two passes.")] = None,
    ) -> None:
        """Keep watching: a pass now and at every interval, alerts as they come. No work is lost when it stops."""
        from crawler.reactor import run_on_reactor

        options: dict[str, Any] = {"run": {"interval_s": interval}} if interval else {}
        settings = settings_of(context, options)
        run_on_reactor(lambda: _serve(settings, source or []))


async def _serve(settings: Settings, names: list[str]) -> None:
    from scheduler.service import Service, ServiceSettings
    from tripoint.app.wiring import opened_works

    console = err()
    progress = Progress(console, quiet=True)
    async with opened_works(settings, progress.say) as works:
        sources = choose(works.seeds.sources, names)

        async def one_pass(stop: asyncio.Event) -> None:
            report = await works.crawler.crawl(sources, progress.show, stop)
            console.print(Text(_line(report)))

        service = Service(
            one_pass, works.courier.run, ServiceSettings(settings.run.interval_s, settings.run.stop_within_s)
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, service.stop)
        console.print(Text(plain(f"watching {len(sources)} sources every {settings.run.interval_s:g} s; Ctrl-C stops")))
        await service.run()
    console.print(Text("stopped; what was not finished is kept for the next start"))


def _line(report: CrawlReport) -> str:
    counted = ", ".join(f"{count} {name}" for name, count in report.results.items())
    at = (report.finished_at or report.started_at).strftime("%Y-%m-%d %H:%M:%S UTC")
    failed = any("listings failed" in str(each) for each in report.results)
    hint = "; `tripoint doctor` says why listings failed" if failed else ""
    return plain(f"{at} pass done: {counted or 'nothing'}; {report.alerts} alerts queued{hint}")
