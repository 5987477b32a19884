"""`tripoint run`: the service, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
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
from tripoint.domain.errors import LostLockError
from tripoint.domain.service import AskVerb

if TYPE_CHECKING:
    from scheduler.fetchers import FetchQueue
    from storage.lock import Turn
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
        standby: Annotated[
            bool, typer.Option("--standby", help="Wait while another works on this PostgreSQL, and take over from it.")
        ] = False,
        verbose: Annotated[
            bool, typer.Option("--verbose", "-v", help="A line for each source that was read, not one a pass.")
        ] = False,
    ) -> None:
        """Keep watching: each listing at its own rhythm, alerts as they come. No work is lost when it stops."""
        from crawler.reactor import run_on_reactor

        keys = ("interval_s", "min_interval_s", "max_interval_s")
        said: dict[str, Any] = dict.fromkeys(keys, interval) if interval else {}
        said |= ({"fetchers": fetchers} if fetchers else {}) | ({"standby": True} if standby else {})
        read = partial(settings_of, context, {"run": said})
        settings = read()
        if settings.run.fetchers == "workers":
            open_queue(settings)  # what forbids it is said before what takes long to load
        systemd = Systemd.of(os.environ, os.getpid())
        run_on_reactor(lambda: _in_turn(_Asked(settings, read, source or [], verbose, systemd)))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks of the service."""

    settings: Settings
    read: Callable[[], Settings]  #: reads the settings again
    names: list[str]  #: of the sources to watch, none for all
    verbose: bool
    systemd: Systemd


async def _in_turn(asked: _Asked) -> None:
    """Serve as long as nobody else works on this database, and again when that was lost and got back."""
    from tripoint.app.secrecy import how_to_close, wide_files
    from tripoint.app.standby import get_turn, opened_turn, settings_now

    stop, again = asyncio.Event(), False
    say = log_as_service(asked.settings)
    if wide := wide_files(asked.settings):
        say(f"every user of this machine may read {wide[0]}: {how_to_close(wide)}")

    def end() -> None:
        asked.systemd.stopping()
        stop.set()

    async with opened_turn(asked.settings) as turn:
        while not stop.is_set():
            _on_signals(end)
            _on_hangup(lambda: say("seeds and settings are read when this one takes over"))
            if turn is not None and not await get_turn(asked.settings, turn, stop, say, asked.systemd, again=again):
                break
            asked = replace(asked, settings=settings_now(asked.settings, asked.read, say))
            try:
                await _serve(asked, turn, stop, say)
                break
            except LostLockError as error:
                say(str(error))
                again = True
    say("stopped; what was not finished is kept for the next start")


async def _serve(asked: _Asked, turn: Turn | None, stopped: asyncio.Event, say: Callable[[str], None]) -> None:
    from scheduler.roster import Roster
    from scheduler.service import Service, ServiceSettings
    from tripoint.app.asked import AskDesk
    from tripoint.app.jobs import WriterLedger, build_jobs
    from tripoint.app.reload import Reloader, reload_when_asked
    from tripoint.app.watch import Ears
    from tripoint.app.web.server import page_beside
    from tripoint.app.wiring import opened_works, utc_now

    settings, systemd = asked.settings, asked.systemd
    progress = Progress(err(), quiet=True)
    queue = open_queue(settings) if settings.run.fetchers == "workers" else None
    async with opened_works(settings, progress.say, turn) as works, queue.opened() if queue else nullcontext():
        sources = choose(works.seeds.sources, asked.names)
        tally = Tally(say, utc_now, a_line_each=asked.verbose)

        watch = _polling(settings, works, sources, queue, Ears(progress.show, tally.add, tally.tell), progress.say)
        roster = Roster(
            build_jobs(settings, works, watch, asked.read), WriterLedger(works.writer, works.stores.jobs), utc_now
        )
        desk = AskDesk(works.writer, works.stores.asks, utc_now)
        rules = ServiceSettings(settings.run.stop_within_s)
        beats = {"delivered": works.courier.tried, **({"still_alone": works.still_alone} if turn else {})}
        service = Service(roster, works.courier.run, rules, utc_now, desk.look, **beats)
        desk.serve(AskVerb.RUN, service.ask)
        vitals = (works.pulse, works.meter)
        async with page_beside(settings, works.seeds, works.stores, works.writer, vitals) as beside:

            def stop() -> None:
                stopped.set()
                systemd.stopping()
                works.pulse.is_stopping = True
                service.stop()
                beside.stop()  # readers get their answers while the work in flight ends

            _on_signals(stop)
            reloader = Reloader(
                works, settings, asked.read, asked.names, progress.say, systemd.reloading, systemd.ready
            )
            reloader.hear = (
                lambda plan: watch.renew(plan.sources),
                lambda plan: beside.renew(plan.settings, plan.seeds),
            )
            reload_when_asked(reloader, desk)
            for line in filter(None, (_greeting(len(sources), settings), beside.line)):
                say(line)
            if stopped.is_set():  # asked while this was loading
                return
            systemd.ready(_greeting(len(sources), settings))
            async with _tended(works, asked, turn):
                await service.run()


@asynccontextmanager
async def _tended(works: Works, asked: _Asked, turn: Turn | None) -> AsyncIterator[None]:
    """Feed the watchdog, and send again in a while what the one before was sending: it may yet say how that went."""
    from tripoint.app.standby import SETTLED_WITHIN_S

    beside = [asyncio.create_task(asked.systemd.feed(works.pulse.is_alive), name="watchdog")]
    if claimed := works.stores.alerts.claims() if turn else ():
        wait_s = asked.settings.run.stop_within_s + SETTLED_WITHIN_S
        beside.append(asyncio.create_task(works.send_again(claimed, wait_s), name="send again"))
    try:
        yield
    finally:
        for each in beside:
            each.cancel()


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _on_hangup(tell: Callable[[], None]) -> None:
    """Answer a call to reload that nothing runs for; unanswered it would end the process."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, tell)


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
