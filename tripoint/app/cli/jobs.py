"""`tripoint jobs`: what the service does and when; `tripoint jobs run NAME`: one of them now."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from tripoint.app.cli.progress import Progress
from tripoint.app.cli.terminal import err, out, plain, print_json, print_table, settings_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import BusyError, SettingsError
from tripoint.domain.service import AskVerb, JobRecord

if TYPE_CHECKING:
    from scheduler.jobs import Job
    from storage.lock import Session


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="What the service does, when, and how it went.", invoke_without_command=True)

    @verbs.callback(epilog="Example: tripoint jobs --json   ·   tripoint jobs run maintain")
    def jobs(
        context: typer.Context,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """List the jobs: last run, next run, duration, result."""
        if context.invoked_subcommand is None:
            _list(settings_of(context), as_json=as_json)

    @verbs.command(epilog="Example: tripoint jobs run maintain")
    def run(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="The job.")],
        wait: Annotated[float, typer.Option(min=1, help="Seconds to wait for a running service.")] = 600.0,
    ) -> None:
        """Run a job now: by the running service if there is one, else here."""
        settings = settings_of(context)
        good, line = _run(settings, name, wait)
        out().print(plain(line))
        if not good:
            raise typer.Exit(1)

    app.add_typer(verbs, name="jobs")


def _list(settings: Settings, *, as_json: bool) -> None:
    from storage.lock import sessions
    from tripoint.app.wiring import opened_stores, utc_now

    with opened_stores(settings) as stores:
        records, services = stores.jobs.everything(), sessions(stores.database)
    if as_json:
        print_json([asdict(each) for each in records])
        return
    if not records:
        out().print("no service has run on this database yet; `tripoint run` starts one")
        return
    columns = ("job", "runs", "last", "took", "result", "next", "what came of it")
    now = utc_now()
    print_table("Jobs", columns, [_row(each, now) for each in records])
    if any(each.due_at <= now for each in records):
        err().print(
            Text("due: the service runs it, or will at its next start; what had nothing to do is noted each 10 min")
        )
    for each in services:
        err().print(Text(said_of(each)))


def said_of(session: Session) -> str:
    """Return a line about a process that has the lock of a PostgreSQL, or waits for it."""
    since = f" since {_moment(session.since)}" if session.since else ""
    return f"{'at work' if session.holds else 'standing by'}: {plain(session.place)}, connected{since}"


def _row(record: JobRecord, now: datetime) -> tuple[object, ...]:
    last = record.last
    result = f"failed {record.failures} times in a row" if record.failures > 1 else (last.result if last else "")
    took = f"{last.duration_s:.1f} s" if last else ""
    return (
        record.name,
        record.rule,
        _moment(last.started_at) if last else "never",
        took,
        result,
        _moment(record.due_at) if record.due_at > now else "due",
        last.detail if last else "",
    )


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _run(settings: Settings, name: str, wait_s: float) -> tuple[bool, str]:
    from crawler.reactor import run_on_reactor
    from tripoint.app.asked import ask_service
    from tripoint.app.wiring import opened_stores, utc_now

    try:
        return run_on_reactor(lambda: _run_here(settings, name))
    except BusyError:
        with opened_stores(settings) as stores:
            known = [each.name for each in stores.jobs.everything()]
            if known and name not in known:
                raise SettingsError(f"there is no job `{name}`", f"known are {', '.join(sorted(known))}") from None
            answered = ask_service(stores.asks, AskVerb.RUN, name, utc_now(), wait_s)
        return answered.good, answered.answer


async def _run_here(settings: Settings, name: str) -> tuple[bool, str]:
    from scheduler.roster import Roster
    from tripoint.app.jobs import WriterLedger, build_jobs
    from tripoint.app.watch import Watch
    from tripoint.app.wiring import opened_works, utc_now
    from tripoint.domain.service import JobResult

    progress = Progress(err(), quiet=True)
    async with opened_works(settings, progress.say) as works:
        watch = Watch(works, works.seeds.sources, settings.crawl.concurrency)
        jobs: list[Job] = build_jobs(settings, works, watch)
        roster = Roster(jobs, WriterLedger(works.writer, works.stores.jobs), utc_now)
        roster.job(name)
        await roster.derive()
        run = await roster.run(name, stop := asyncio.Event(), asked=True)
        await works.deliver_now(stop)
    if run is None:
        return False, f"{name} is under way already"
    line = f"{name}: {run.result} in {run.duration_s:.1f} s" + (f": {run.detail}" if run.detail else "")
    return run.result is not JobResult.FAILED, line
