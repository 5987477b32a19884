"""`tripoint migrate-archive`: everything that one database holds into another, as from SQLite to PostgreSQL."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from tripoint.app.cli.terminal import err, out, print_json, print_table
from tripoint.domain.errors import MendError

if TYPE_CHECKING:
    from storage.moving import Copied

_EPILOG = "Example: tripoint migrate-archive sqlite:////srv/tripoint.db postgresql://tripoint@db/tripoint"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(name="migrate-archive", epilog=_EPILOG)
    def migrate_archive(
        source: Annotated[str, typer.Argument(metavar="FROM", help="URL of the database to copy.")],
        target: Annotated[str, typer.Argument(metavar="TO", help="URL of an empty database.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, a table each.")] = False,
    ) -> None:
        """Copy an archive into an empty database, and compare every row. The first stays as it is.

        All of it is one transaction: after an interruption the target is empty, and the same command begins anew.
        """
        copied = _copy(source, target)
        if as_json:
            print_json([{"table": each.table, "rows": each.rows, "sha256": each.sha256} for each in copied])
            return
        rows = [(each.table, each.rows, each.sha256[:16]) for each in copied]
        print_table("the same in both", ("table", "rows", "hash"), rows)
        out().print("copied; now set the new one as url under [database]")


def _copy(source: str, target: str) -> tuple[Copied, ...]:
    from storage.database import open_database
    from storage.lock import instance_lock
    from storage.moving import copy_archive
    from tripoint.app.upgrade_line import UpgradeLine

    if source == target:
        raise MendError("both are the same database", "name another one to copy into")
    with ExitStack() as stack:
        opened = []
        for url in (source, target):
            database = open_database(url, tell=UpgradeLine(sys.stderr))
            stack.callback(database.close)
            stack.enter_context(instance_lock(url))  # a service that writes meanwhile would be left behind
            opened.append(database)
        progress = stack.enter_context(
            Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err())
        )
        bars: dict[str, TaskID] = {}

        def tell(table: str, done: int, total: int) -> None:
            if table not in bars:
                bars[table] = progress.add_task(table, total=total)
            progress.update(bars[table], completed=done, total=total)

        return copy_archive(opened[0], opened[1], tell)
