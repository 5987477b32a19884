"""`tripoint prune`: forgets old articles that nobody was told of, and says first which."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.bars import bars
from tripoint.app.cli.terminal import out, print_json, print_table, settings_of
from tripoint.app.telling import moment
from tripoint.domain.errors import MendError

if TYPE_CHECKING:
    from storage.pruning import PruneStore, Wanted
    from tripoint.app.settings import Settings

_LEAST = timedelta(days=7)
_EPILOG = "Example: tripoint prune --older-than 180d --dry-run   ·   tripoint prune --older-than 365d --below 0.1 --yes"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog=_EPILOG)
    def prune(
        context: typer.Context,
        older_than: Annotated[str, typer.Option(help="First seen longer ago: 180d, 52w, or a date.")],
        below: Annotated[float | None, typer.Option(min=0, max=1, help="Only what scored less.")] = None,
        relevant_too: Annotated[bool, typer.Option("--relevant-too", help="Also what was relevant or told.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Forget old articles, whole stories of which no report is younger; the service may run meanwhile.

        What any topic ever called relevant, what was told, and what somebody judged stays. Addresses stay too, so that
        nothing that is forgotten is fetched and told anew; so does the list of what was told.
        """
        from storage.pruning import Wanted
        from tripoint.app.wiring import opened_stores, utc_now

        settings = settings_of(context)
        now = utc_now()
        wanted = Wanted(_old_enough(settings, older_than, now), relevant_too, below)
        if not (dry_run or yes) and (as_json or not sys.stdin.isatty()):
            raise MendError("nobody can be asked here", "use --dry-run to see what would go, and --yes to do it")
        with opened_stores(settings) as stores:
            rows = stores.pruning.count(wanted)
            if not dry_run:
                if not yes:
                    _print(rows, wanted)
                    typer.confirm("forget these?", abort=True)
                rows = _prune(stores.pruning, wanted, rows["articles"])
        if as_json:
            print_json({"before": wanted.before, "dry_run": dry_run, "rows": rows})
        else:
            _print(rows, wanted)
            out().print("would be forgotten" if dry_run else "are forgotten; the room that they took is used again")


def _old_enough(settings: Settings, older_than: str, now: datetime) -> datetime:
    before = moment(older_than, now)
    looked_at = timedelta(hours=max(settings.crawl.revisit_h, default=0.0))
    told = timedelta(hours=settings.alerts.max_age_h)
    least = max(_LEAST, looked_at, told)
    if before > now - least:
        days = -(-least // timedelta(days=1))
        raise MendError(f"what is younger than {days} days may still be looked at, or told", f"name {days}d or more")
    return before


def _prune(store: PruneStore, wanted: Wanted, total: int) -> Mapping[str, int]:
    rows: Mapping[str, int] = {}
    with bars() as tell:
        for rows in store.prune(wanted):
            tell("forgetting articles", rows["articles"], total)
    return rows


def _print(rows: Mapping[str, int], wanted: Wanted) -> None:
    print_table(f"first seen before {wanted.before:%Y-%m-%d %H:%M} UTC", ("table", "rows"), list(rows.items()))
