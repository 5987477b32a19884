"""`tripoint run`: the service, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tripoint.app.cli.passes import Tally
from tripoint.app.cli.progress import Progress
from tripoint.app.cli.terminal import err, log_as_service, settings_of
from tripoint.app.fetching import open_queue
from tripoint.app.notify import Systemd
from tripoint.app.seeds import choose
from tripoint.app.settings import Settings
from tripoint.domain.service import AskVerb

if TYPE_CHECKING:
    from scheduler.fetchers import FetchQueue
    from tripoint.app.jobs import Polling
    from tripoint.app.watch import Ears
    from tripoint.app.wiring import Works
    from tripoint.domain.types import Source


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint run --interval 300   (Ctrl-C or SIGTERM stops it cleanly)")
    def run(
        context: typer.Context,
        source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
        interval: Annotated[
            float | None, typer.Option(min=1, help="Seconds between two visits, the same for every listing.")
        ] = None,
        fetchers: Annotated[
            str, typer.Option(help="own: this process fetches. workers: `tripoint worker` processes do, on PostgreSQL.")
        ] = "",
        verbose: Annotated[
            bool, typer.Option("--verbose", "-v", help="A line for each source that was read, not one a pass.")
        ] = False,
    ) -> None:
        """Keep watching: each listing at its own rhythm, alerts as they come. No work is lost when it stops."""
        from crawler.reactor import run_on_reactor

        keys = ("interval_s", "min_interval_s", "max_interval_s")
        said: dict[str, Any] = dict.fromkeys(keys, interval) if interval else {}
        options = {"run": said | ({"fetchers": fetchers} if fetchers else {})}
        settings = settings_of(context, options)
        queue = open_queue(settings) if settings.run.fetchers == "workers" else None
        read = partial(settings_of, context, options)
        run_on_reactor(lambda: _serve(settings, read, source or [], queue, verbose=verbose))


async def _serve(
    settings: Settings, read: Callable[[], Settings], names: list[str], queue: FetchQueue | None, *, verbose: bool
) -> None:
    from scheduler.roster import Roster
    from scheduler.service import Service, ServiceSettings
    from tripoint.app.asked import AskDesk
    from tripoint.app.jobs import WriterLedger, build_jobs
    from tripoint.app.reload import Reloader, reload_when_asked
    from tripoint.app.watch import Ears
    from tripoint.app.web.server import page_beside
    from tripoint.app.wiring import opened_works, utc_now

    say = log_as_service(settings)
    systemd = Systemd.of(os.environ, os.getpid())
    progress = Progress(err(), quiet=True)
    async with opened_works(settings, progress.say) as works, queue.opened() if queue else nullcontext():
        sources = choose(works.seeds.sources, names)
        tally = Tally(say, utc_now, a_line_each=verbose)

        watch = _polling(settings, works, sources, queue, Ears(progress.show, tally.add, tally.tell), progress.say)
        roster = Roster(build_jobs(settings, works, watch), WriterLedger(works.writer, works.stores.jobs), utc_now)
        desk = AskDesk(works.writer, works.stores.asks, utc_now)
        service = Service(roster, works.courier.run, ServiceSettings(settings.run.stop_within_s), utc_now, desk.look)
        desk.serve(AskVerb.RUN, service.ask)
        vitals = (works.pulse, works.meter)
        async with page_beside(settings, works.seeds, works.stores, works.writer, vitals) as beside:

            def stop() -> None:
                systemd.stopping()
                works.pulse.is_stopping = True
                service.stop()
                beside.stop()  # readers get their answers while the work in flight ends

            _on_signals(stop)
            reloader = Reloader(works, settings, read, names, progress.say, systemd.reloading, systemd.ready)
            reloader.hear = (
                lambda plan: watch.renew(plan.sources),
                lambda plan: beside.renew(plan.settings, plan.seeds),
            )
            reload_when_asked(reloader, desk)
            for line in filter(None, (_greeting(len(sources), settings), beside.line)):
                say(line)
            feeding = asyncio.create_task(systemd.feed(works.pulse.is_alive), name="watchdog")
            systemd.ready(_greeting(len(sources), settings))
            try:
                await service.run()
            finally:
                feeding.cancel()
    say("stopped; what was not finished is kept for the next start")


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _greeting(count: int, settings: Settings) -> str:
    run = settings.run
    least, most = min(run.min_interval_s, run.interval_s), max(run.max_interval_s, run.interval_s)
    rhythm = "" if least == most else f", then each at its own rhythm, {least:g} to {most:g} s"
    return f"watching {count} sources every {run.interval_s:g} s{rhythm}; Ctrl-C stops"


def _polling(
    settings: Settings,
    works: Works,
    sources: Sequence[Source],
    queue: FetchQueue | None,
    ears: Ears,
    say: Callable[[str], None],
) -> Polling:
    """Return who reads the sources: this process, or workers that the queue hands them to."""
    if queue is None:
        from tripoint.app.watch import Watch

        return Watch(works, sources, settings.crawl.concurrency, ears)
    from tripoint.app.sharing import SharedFetching

    return SharedFetching(queue, works, sources, say)
