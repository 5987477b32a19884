"""`tripoint worker` and `tripoint workers`: fetching by several processes that share one PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tripoint.app.cli.jobs import said_of
from tripoint.app.cli.passes import Read, summary
from tripoint.app.cli.terminal import err, log_as_service, print_json, print_table, settings_of
from tripoint.app.fetching import WorkerFetching, open_queue
from tripoint.app.settings import Settings

if TYPE_CHECKING:
    from scheduler.fetchers import FetchQueue


_CLOCKS_DIFFER = timedelta(minutes=1)  # of two machines; to reload once more than needed does no harm


def register(app: typer.Typer) -> None:
    """Add the verbs."""

    @app.command(epilog="Example: tripoint --database postgresql://tripoint@db/tripoint worker --at-once 32")
    def worker(
        context: typer.Context,
        at_once: Annotated[int | None, typer.Option(min=1, help="Sources that are read beside each other.")] = None,
    ) -> None:
        """Fetch what `tripoint run --fetchers workers` hands out; start as many as you like, on any machine.

        It sends no alerts, so that it needs no channel's password. Ctrl-C or SIGTERM hands back what is unfinished. It
        reads seeds and settings again after the service did, and on SIGHUP.
        """
        options: dict[str, Any] = {"run": {"worker_at_once": at_once}} if at_once else {}
        read = partial(settings_of, context, options)
        settings = read()
        queue = open_queue(settings)  # before what takes long to load
        from crawler.reactor import run_on_reactor

        run_on_reactor(lambda: _work(settings, read, queue))

    @app.command(epilog="Example: tripoint workers --json")
    def workers(
        context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
    ) -> None:
        """Show who works on this database: the service and who stands by for it, the workers and what each reads."""
        settings = settings_of(context)
        asyncio.run(_show(settings, open_queue(settings), as_json=as_json))


async def _work(settings: Settings, read_again: Callable[[], Settings], queue: FetchQueue) -> None:
    from tripoint.app.reload import Reloader, follow, on_hangup
    from tripoint.app.wiring import opened_works, utc_now

    say, begun = log_as_service(settings), utc_now()
    stop, lost = asyncio.Event(), list[Exception]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    ready: asyncio.Future[Reloader] = loop.create_future()

    async def reload() -> None:
        reloader = await asyncio.shield(ready)
        await reloader.reload()

    on_hangup(reload)  # before what takes long: unanswered it would end the process

    def give_up(error: Exception) -> None:
        lost.append(error)
        stop.set()

    async with opened_works(settings, lambda _text: None, alone=False) as works, queue.opened():
        reloader = Reloader(works, settings, read_again, (), lambda _text: None, sends=False)
        ready.set_result(reloader)
        fetching = WorkerFetching(
            works,
            stop,
            lambda source, report: (
                say(summary([read], utc_now())) if (read := Read((source.name,), report)).is_news else None
            ),
            give_up,
            reloader.reload,
        )
        run = settings.run
        say(f"ready to fetch, {run.worker_at_once} sources at once; Ctrl-C stops")
        following = asyncio.create_task(follow(reloader, begun - _CLOCKS_DIFFER))
        try:
            await queue.work(fetching.fetch, run.worker_at_once, stop, run.stop_within_s)
        finally:
            following.cancel()
    if lost:
        raise lost[0]
    say("stopped; what was not finished is read by another")


async def _show(settings: Settings, queue: FetchQueue, *, as_json: bool) -> None:
    from storage.lock import sessions
    from tripoint.app.wiring import opened_stores

    with opened_stores(settings) as stores:
        services = sessions(stores.database)
    async with queue.opened():
        found, waiting = await queue.workers(), await queue.waiting()
    if as_json:
        rows = [{"worker": each.number, "seen_at": each.seen_at, "sources": each.sources} for each in found]
        print_json({"services": [asdict(each) for each in services], "workers": rows, "waiting": waiting})
        return
    for each in services:
        err().print(Text(said_of(each)))
    shown = [(each.number, f"{each.seen_at:%Y-%m-%d %H:%M:%S}", ", ".join(each.sources) or "-") for each in found]
    print_table("Workers", ("worker", "last seen (UTC)", "reads"), shown)
    err().print(Text(f"{waiting} sources wait for a worker" if found or waiting else "no worker is at work"))
