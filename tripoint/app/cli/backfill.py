"""`tripoint backfill`: search the past; stop it at any time, and the same command goes on."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from tripoint.app.backfill.asked import Asked, read_asked, wanted_of
from tripoint.app.cli.terminal import err, is_person_there, out, plain, print_json, print_table, says_yes, settings_of
from tripoint.domain.backfill import ShardState
from tripoint.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.backfill import Job, Window
    from tripoint.app.backfill.plan import Plan
    from tripoint.app.settings import Settings
    from tripoint.app.wiring import Stores, Works
    from tripoint.domain.backfill import Counted, Wanted

Alerting = Literal["summary", "none", "instant"]
_SETTLED = frozenset({ShardState.DONE, ShardState.CAPPED})


class _AskByDefault(TyperGroup):
    """Takes `tripoint backfill QUERY…` for `tripoint backfill search QUERY…`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in where only its arguments stand."""
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["search", *args]
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class _How:
    """How one run goes about it; none of it makes another job."""

    limit: int | None
    alert: Alerting
    as_json: bool
    quiet: bool


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=_AskByDefault,
        no_args_is_help=True,
        help="Search a past period, and keep what is found. `tripoint backfill QUERY… --since DATE` is short for "
        "`tripoint backfill search …`; without a query it looks for your topic.",
        epilog="Example: tripoint backfill --since 2018-08   ·   tripoint backfill S-400 --since 2019 --until 2020-06",
    )
    group.command(epilog="Example: tripoint backfill --since 2018-08 --until 2018-09 --via archive --source dawn")(
        search
    )
    group.command(epilog="Example: tripoint backfill status 3")(status)
    group.command(epilog="Example: tripoint backfill resume")(resume)
    group.command(epilog="Example: tripoint backfill forget 3   (articles stay; asking again begins anew)")(forget)
    app.add_typer(group, name="backfill")


_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="Most pages to fetch in this run.")]
_Alert = Annotated[
    Alerting, typer.Option(help="One summary at the end, nothing, or an alert for each event as if it were new.")
]


def search(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="First day: 2018, 2018-08, yesterday, last month, 30d, tháng 8/2018 …")],
    query: Annotated[list[str] | None, typer.Argument(help="Words to look for in place of the topic.")] = None,
    until: Annotated[str, typer.Option(help="Last day, included; today if not given.")] = "",
    via: Annotated[list[str] | None, typer.Option(help="Provider; may be given again, all if not given.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
    lang: Annotated[str, typer.Option(help="Only outlets of this language: vi or en.")] = "",
    limit: _Limit = None,
    dry_run: Annotated[bool, typer.Option(help="List windows and the number of requests, and make none.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, however many requests there will be.")] = False,
    alert: _Alert = "summary",
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Ask the providers for the days, fetch the pages that they name, and judge and keep them."""
    from tripoint.app.wiring import utc_now

    asked = read_asked(query or [], since, until, via or [], source or [], lang, utc_now().date())
    settings = settings_of(context)
    if dry_run:
        _show_plan(settings, asked, as_json=as_json)
        return
    _announce(settings, asked, yes=yes, quiet=quiet)
    _go(settings, asked, _How(limit, alert, as_json, quiet))


def status(
    context: typer.Context,
    job: Annotated[int | None, typer.Argument(help="Number of the job; every job if not given.")] = None,
    as_json: _Json = False,
) -> None:
    """Show the searches of the past and how far they are, or the windows of one that are not done."""
    with _stores(settings_of(context)) as stores:
        if job is None:
            _show_jobs(stores, as_json=as_json)
        else:
            _show_job(stores, _chosen(stores, job), as_json=as_json)


def resume(
    context: typer.Context,
    job: Annotated[int | None, typer.Argument(help="Number of the job; the last one if not given.")] = None,
    limit: _Limit = None,
    alert: _Alert = "summary",
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Go on with a search: ask what failed or was not asked yet, and fetch what is left."""
    settings = settings_of(context)
    with _stores(settings) as stores:
        asked = Asked.of(_chosen(stores, job).asked)
    _go(settings, asked, _How(limit, alert, as_json, quiet))


def forget(context: typer.Context, job: Annotated[int, typer.Argument(help="Number of the job.")]) -> None:
    """Drop a search from the ledger; what it stored stays, and asking again begins anew."""
    with _stores(settings_of(context)) as stores:
        asked = Asked.of(_chosen(stores, job).asked)
        stores.backfill.forget(job)
    out().print(plain(f"forgot job {job}; its articles stay. To ask again: {asked.command}"))


def _stores(settings: Settings) -> Any:
    from tripoint.app.wiring import opened_stores

    return opened_stores(settings)


def _chosen(stores: Stores, number: int | None) -> Job:
    jobs = stores.backfill.jobs()
    found = [each for each in jobs if number is None or each.id == number]
    if not found:
        problem = f"there is no search {number}" if number else "nothing was searched yet"
        raise SettingsError(problem, "`tripoint backfill status` lists them" if jobs else "tripoint backfill --since …")
    return found[-1]


def _plan(settings: Settings, asked: Asked, windows: Sequence[Window] = ()) -> tuple[Plan, list[str]]:
    """Return what is to be asked, and why some provider is asked nothing."""
    from tripoint.app.backfill.asked import NoWorkers, build_providers, nothing_to_ask
    from tripoint.app.backfill.memory import RunMemory
    from tripoint.app.backfill.plan import key_of, plan_of
    from tripoint.app.backfill.shelf import NoShelf
    from tripoint.app.seeds import load_seeds
    from tripoint.app.wiring import utc_now

    wanted = wanted_of(asked, load_seeds(settings.seeds.folder), utc_now().date())
    providers = build_providers(settings, asked, NoWorkers(), NoShelf(), RunMemory(utc_now))
    settled = {key_of(each.shard) for each in windows if each.state in _SETTLED}
    return plan_of(providers, wanted, settings, settled), nothing_to_ask(providers, wanted)


def _show_plan(settings: Settings, asked: Asked, *, as_json: bool) -> None:
    plan, silent = _plan(settings, asked)
    if as_json:
        rows = [{"provider": s.provider, "query": s.query, "start": s.start, "end": s.end} for s in plan.shards]
        parts = [asdict(each) for each in plan.parts]
        said = {"requests": len(plan.shards), "pages_guessed": plan.pages, "providers": parts}
        print_json({**said, "windows": rows, "more": [*plan.more, *silent]})
        return
    rows_ = [(each.provider, each.label, each.query) for each in plan.shards]
    print_table("What would be asked", ("provider", "days", "query"), rows_)
    for line in (*plan.lines(), *silent, "none was made"):
        out().print(plain(line))


def _announce(settings: Settings, asked: Asked, *, yes: bool, quiet: bool) -> None:
    """Say what will be asked for; where that is much, and new, a person at a terminal is asked whether to go on."""
    can_ask = not yes and is_person_there()
    if quiet and not can_ask:
        return  # nobody would see the plan
    with _stores(settings) as stores:
        known = stores.backfill.find(asked.key)
        windows = stores.backfill.windows(known.id) if known else ()
    plan, _ = _plan(settings, asked, windows)
    is_asked = can_ask and not known and plan.is_much
    if is_asked or not quiet:
        for line in plan.lines():
            err().print(plain(line))
    if is_asked and not says_yes("search for all of this?"):
        err().print("nothing was asked")
        raise typer.Exit(1)


def _go(settings: Settings, asked: Asked, how: _How) -> None:
    from crawler.reactor import run_on_reactor

    if code := run_on_reactor(lambda: _search(settings, asked, how)):
        raise typer.Exit(code)


async def _search(settings: Settings, asked: Asked, how: _How) -> int:
    """Run a job to its end; return the exit code: 130 if it was stopped, 1 where a window failed."""
    from tripoint.app.backfill.run import run_job
    from tripoint.app.cli.backfill_progress import BackfillProgress
    from tripoint.app.wiring import opened_works, utc_now

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    progress = BackfillProgress(err(), quiet=how.quiet)
    async with opened_works(settings, progress.say) as works:
        wanted = wanted_of(asked, works.seeds, utc_now().date())
        job = works.stores.backfill.open(asked.key, asked.said, utc_now())
        with progress:
            delivering = asyncio.create_task(works.courier.run(stop_delivering := asyncio.Event()))
            try:
                await run_job(settings, works, job, asked, wanted, progress, stop, how.limit, how.alert)
            finally:
                stop_delivering.set()
                await delivering
        counts = _show(works, job, asked, wanted, as_json=how.as_json)
        await works.deliver_now(stop)
    if stop.is_set():
        return 130
    return int(any(each.failed for each in counts))


def _show(works: Works, job: Job, asked: Asked, wanted: Wanted, *, as_json: bool) -> Sequence[Counted]:
    from tripoint.app.backfill import summary
    from tripoint.app.backfill.engine import counted

    store = works.stores.backfill
    counts = counted(store, job, wanted)
    articles = store.relevant(job.id)
    if as_json:
        print_json(summary.as_json(job.id, asked, counts, articles))
        return counts
    print_table(f"Search {job.id}: {asked.days}", summary.COLUMNS, summary.table(counts))
    for line in summary.remarks(job.id, counts, store.windows(job.id)):
        out().print(plain(line))
    return counts


def _show_jobs(stores: Stores, *, as_json: bool) -> None:
    rows = []
    for job in stores.backfill.jobs():
        asked, counts = Asked.of(job.asked), stores.backfill.counted(job.id)
        windows, open_ = sum(each.windows for each in counts), sum(each.incomplete for each in counts)
        pages = sum(each.waiting for each in counts)
        relevant = sum(each.relevant for each in counts)
        rows.append((job.id, str(asked.days), asked.command, windows, open_, pages, relevant))
    columns = ("job", "days", "command", "windows", "incomplete", "pages left", "relevant")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("Searches of the past", columns, rows)


def _show_job(stores: Stores, job: Job, *, as_json: bool) -> None:
    from tripoint.app.backfill import summary
    from tripoint.domain.backfill import ShardState

    asked, counts = Asked.of(job.asked), stores.backfill.counted(job.id)
    articles = stores.backfill.relevant(job.id)
    windows = stores.backfill.windows(job.id)
    unfinished = [each for each in windows if each.state is not ShardState.DONE]
    if as_json:
        rows = [{"provider": w.shard.provider, "query": w.shard.query, "days": w.shard.label} for w in unfinished]
        said = [{**row, "state": w.state, "reason": w.reason} for row, w in zip(rows, unfinished, strict=True)]
        print_json({**summary.as_json(job.id, asked, counts, articles), "windows": said})
        return
    print_table(f"Search {job.id}: {asked.days}", summary.COLUMNS, summary.table(counts))
    columns = ("provider", "days", "query", "state", "reason")
    rows_ = [(w.shard.provider, w.shard.label, w.shard.query, w.state, w.reason) for w in unfinished]
    if rows_:
        print_table("Windows that are not done", columns, rows_)
    for line in (*summary.story_lines(articles), *summary.remarks(job.id, counts, windows)):
        out().print(plain(line))
