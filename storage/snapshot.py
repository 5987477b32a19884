"""One moment of a database that others write meanwhile, in a SQLite file of its own, whole and counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, inspect
from sqlalchemy.engine import make_url

from storage import tables as t
from storage.database import mend_of, open_database, version_of
from storage.moving import NOT_COPIED, copy_tables
from tripoint.domain.errors import MendError, StorageError

_PAGES_A_STEP = 4_096
_MOST_FAULTS = 3  # that are told
_INDEX = "search_words"  # the tables of the search index are made anew, or come with the pages of the file

Tell = Callable[[str, int, int], None]
"""Hears of progress: what is done, how much of it, of how much."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a file holds."""

    version: str  #: of the tables, as the migrations number them
    tables: Mapping[str, int]  #: rows of each
    is_indexed: bool  #: whether it can be searched as it is


def take_snapshot(url: str, file: Path, tell: Tell) -> Snapshot:
    """Write the database at this URL, as it is at this moment and whatever its version, into a new SQLite file.

    It is checked for damage and its rows are counted in both. Raises `StorageError` where that fails, `MendError` where
    there is no archive. A writer is not kept waiting.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _of_file(Path(parsed.database or ""), file, tell)
    return _of_server(url, file, tell)


def examine(file: Path) -> Snapshot:
    """Read a SQLite file from end to end; raises `StorageError` where it is damaged or no archive of ours."""
    try:
        with closing(_connect(file)) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})")]
            if found != ["ok"]:
                raise StorageError(f"{file.name} is damaged: {'; '.join(found)}", "use another backup")
            counts = _counts(connection)
            is_indexed = counts.get(t.search_docs.name, 0) == counts.get(t.articles.name, 0)
            return Snapshot(_version(connection, file), counts, is_indexed)
    except sqlite3.Error as error:
        raise _told(file, error) from error


def _of_file(source: Path, file: Path, tell: Tell) -> Snapshot:
    if not source.exists():
        raise MendError(f"there is no database {source}", "name it with --database, or by url under [database]")
    try:
        with closing(_connect(source)) as old, closing(sqlite3.connect(file)) as new:
            # Within a read transaction every step copies from the same moment; without one, a write by another process
            # in between makes SQLite begin anew, and on a busy database it would never end.
            old.execute("BEGIN")
            new.execute("PRAGMA synchronous=OFF").close()  # it is thrown away if the machine goes down
            counts = _counts(old)
            version = _version(old, source)
            old.backup(
                new, pages=_PAGES_A_STEP, progress=lambda _, rest, all_: tell("copying the database", all_ - rest, all_)
            )
            old.execute("ROLLBACK")
            new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    except sqlite3.Error as error:
        raise _told(source, error) from error
    tell("looking for damage", 0, 1)
    found = examine(file)
    tell("looking for damage", 1, 1)
    if (found.version, found.tables) != (version, counts):
        raise StorageError("the copy is not what was copied", "nothing was kept; report this as a bug")
    return found


def _of_server(url: str, file: Path, tell: Tell) -> Snapshot:
    source = open_database(url, None)
    with closing(source), source.snapshot() as old:
        version = version_of(old)
        if version is None:
            raise MendError("this database holds no archive", "name it with --database, or by url under [database]")
        tables = _tables_of(old)
        with closing(open_database(f"sqlite:///{file}", version)) as target, target.write() as new:
            copied = copy_tables(old, new, tables, tell)
    seal(file)
    found = examine(file)
    differs = [each.table for each in copied if found.tables[each.table] != each.rows]
    if differs:
        raise StorageError(f"{differs[0]} is not the same in both", "nothing was kept; report this as a bug")
    return found


def seal(file: Path) -> None:
    """Write the log of a database that nobody has open back into it, so that nothing lies beside the file."""
    try:
        with closing(_connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise _told(file, error) from error


def _tables_of(connection: Connection) -> list[Table]:
    """Return our tables as far as an older version has them; raises `StorageError` for what this one does not know."""
    seen = inspect(connection)
    there = set(seen.get_table_names())
    tables = []
    for table in t.metadata.sorted_tables:
        if table.name not in there or table.name in NOT_COPIED:
            continue
        present = {each["name"] for each in seen.get_columns(table.name)}
        if unknown := sorted(present - set(table.columns.keys())):
            problem = f"{table.name} has a column {unknown[0]} that this Tripoint does not know"
            raise StorageError(problem, "use the Tripoint that wrote the database")
        columns = [Column(c.name, c.type, primary_key=c.primary_key) for c in table.columns if c.name in present]
        tables.append(Table(table.name, MetaData(), *columns))
    return tables


def _connect(file: Path) -> sqlite3.Connection:
    """Open a file that is there; without the driver's own transactions."""
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=30000").close()
    return connection


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    ours = [name for (name,) in names if not name.startswith((_INDEX, "sqlite_"))]
    counted = {name: f'SELECT count(*) FROM "{name}"' for name in ours}  # noqa: S608
    return {name: connection.execute(query).fetchone()[0] for name, query in counted.items()}


def _version(connection: sqlite3.Connection, file: Path) -> str:
    is_ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if is_ours else None
    if row is None:
        raise StorageError(f"{file.name} is no archive of Tripoint", "name another file")
    return str(row[0])


def _told(file: Path, error: sqlite3.Error) -> StorageError:
    reason = " ".join(str(error).split())
    return StorageError(f"{file.name}: {reason}", mend_of(reason))
