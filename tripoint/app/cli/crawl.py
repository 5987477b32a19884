"""`tripoint crawl`: one pass over the sources, then the alerts that it caused."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tripoint.app.cli.progress import Progress
from tripoint.app.cli.terminal import err, out, plain, print_json, print_table, settings_of
from tripoint.app.seeds import choose
from tripoint.app.settings import Settings
from tripoint.domain.types import Outcome

if TYPE_CHECKING:
    from alerts.courier import CourierReport
    from crawler.report import CrawlReport


@dataclass(frozen=True, slots=True)
class Passed:
    """How one pass went."""

    crawl: CrawlReport
    delivered: CourierReport


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint crawl --source dawn --source vnexpress --limit 20")
    def crawl(
        context: typer.Context,
        source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
        limit: Annotated[int | None, typer.Option(min=1, help="Most pages to fetch from each source.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    ) -> None:
        """Read every source once: fetch what is new, judge and store it, and send the alerts that it causes."""
        from crawler.reactor import run_on_reactor

        options: dict[str, Any] = {"crawl": {"max_pages_per_source": limit}} if limit else {}
        settings = settings_of(context, options)
        passed = run_on_reactor(lambda: _pass(settings, source or [], quiet=quiet))
        _show(passed, as_json=as_json)
        if passed.crawl.stopped:
            raise typer.Exit(130)


async def _pass(settings: Settings, names: list[str], *, quiet: bool) -> Passed:
    from tripoint.app.wiring import opened_works

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    progress = Progress(err(), quiet=quiet)
    async with opened_works(settings, progress.say) as works:
        sources = choose(works.seeds.sources, names)
        # Asked by hand, every listing is read at once, but for those whose servers asked to be left alone.
        due = await works.due(sources, set(), at_once=True)
        with progress:
            delivering = asyncio.create_task(works.courier.run(stop_delivering := asyncio.Event()))
            try:
                report = await works.crawler.crawl(sources, progress.show, stop, due.listings)
                await works.look_after([each for each in sources if each.enabled])
            finally:
                stop_delivering.set()
                await delivering
            await works.listen_to_topics()
            await works.tell_together(old_too=True)
            delivered = await works.deliver_now(stop)
        return Passed(report, delivered)


def _show(passed: Passed, *, as_json: bool) -> None:
    report = passed.crawl
    failed = passed.delivered.outcomes[Outcome.TRANSIENT] + passed.delivered.outcomes[Outcome.PERMANENT]
    if as_json:
        print_json(
            {
                "started_at": report.started_at,
                "finished_at": report.finished_at,
                "stopped": report.stopped,
                "new_candidates": report.candidates,
                "alerts_queued": report.alerts,
                "alerts_undelivered": failed,
                "results": {str(key): value for key, value in report.results.items()},
                "sources": {
                    name: {str(key): value for key, value in counts.items()}
                    for name, counts in report.by_source.items()
                },
            }
        )
        return
    rows = [(str(key), value) for key, value in report.results.items()]
    rows += [("alerts queued", report.alerts)]
    if failed:
        rows += [("alerts not delivered yet", failed)]
    print_table("This pass" + (" (stopped early)" if report.stopped else ""), ("what", "count"), rows)
    if failed:
        out().print(plain("The next pass, or `tripoint run`, tries again; `tripoint alerts list` says why."))
