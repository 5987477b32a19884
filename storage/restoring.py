"""Putting another archive in the place of a database, with the old one kept aside: all of it, or nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.engine import make_url

from storage import tables as t
from storage.database import mend_of, migrate_within, newest_version, open_database, version_of
from storage.moving import copy_archive, index_all
from storage.snapshot import Snapshot, examine, seal
from tripoint.domain.errors import BusyError, MendError, StorageError

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '30s'"
_SCHEMA = "tripoint_before_"
_MAGIC = b"SQLite format 3\x00"
BESIDE = ("-wal", "-shm")  #: what SQLite keeps beside a file, by the ends of the names
_OTHER_TABLES = frozenset({"alembic_version", "search_words"})  # that `storage.tables` does not name

Tell = Callable[[str, int, int], None]
"""Hears of progress: what is done, how much of it, of how much."""


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite, None for a server."""
    parsed = make_url(url)
    return Path(parsed.database or "").absolute() if parsed.get_backend_name() == "sqlite" else None


def is_there(url: str) -> bool:
    """Return whether a database is at this URL already, be it empty, old or damaged."""
    if (file := file_of(url)) is not None:
        return file.exists()
    with closing(open_database(url, None)) as database, database.read() as connection:
        return version_of(connection) is not None


def refuse_newer(version: str) -> None:
    """Raise `StorageError` for tables that a newer Tripoint wrote."""
    if version > newest_version():
        problem = (
            f"it was written by a newer Tripoint (version {version} of the tables, this one knows {newest_version()})"
        )
        raise StorageError(problem, "upgrade tripoint")


def bring_up_to_date(file: Path, tell: Tell) -> Snapshot:
    """Migrate a SQLite file to the newest version, index it where it is not, and return what it holds."""
    with closing(open_database(f"sqlite:///{file}", tell=partial(tell, "the upgrade"))) as database:
        with database.read() as connection:
            articles, indexed = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (t.articles, t.search_docs)
            )
        if articles and not indexed:
            with database.write() as connection:
                index_all(connection, tell)
    seal(file)
    return examine(file)


def put_in_place(url: str, file: Path, now: datetime, tell: Tell) -> str:
    """Let a SQLite file be the database at this URL; the caller holds the instance lock.

    The file is moved away where the URL is that of a file in the same folder, and copied into a server. Returns where
    the database is that was there before: a file or a schema; empty where there was none.
    """
    if (target := file_of(url)) is not None:
        return _swap_files(target, file, now)
    with closing(open_database(url, None)) as database, closing(open_database(f"sqlite:///{file}")) as source:
        with database.together():
            with database.write() as connection:
                aside = _set_aside(connection, now)
                migrate_within(connection)
            copy_archive(source, database, tell)
        return aside


def undo(url: str, now: datetime) -> tuple[str, str]:
    """Put back what was set aside last, and set aside what is there; the caller holds the instance lock.

    Returns what came back, and where the other one is now. Raises `MendError` where nothing was set aside.
    """
    if (target := file_of(url)) is not None:
        before = [each for each in target.parent.glob(f"{target.name}.before-*") if not each.name.endswith(BESIDE)]
        if not before:
            raise _nothing_aside()
        newest = max(before)
        logs = {each: Path(f"{newest}{each}") for each in BESIDE}
        there = {each for each, log in logs.items() if log.exists()}
        aside = _swap_files(target, newest, now)
        for each in there:
            logs[each].rename(f"{target}{each}")
        return newest.name, aside
    with closing(open_database(url, None)) as database, database.write() as connection:
        named = text("SELECT max(nspname) FROM pg_namespace WHERE starts_with(nspname, :start)")
        schema = connection.scalar(named, {"start": _SCHEMA})
        if schema is None:
            raise _nothing_aside()
        aside = _set_aside(connection, now)
        current = connection.scalar(text("SELECT current_schema()"))
        for name in inspect(connection).get_table_names(schema=schema):
            _run(connection, "ALTER TABLE {}.{} SET SCHEMA {}", schema, name, current)
        _run(connection, "DROP SCHEMA {}", schema)
        return schema, aside


def _nothing_aside() -> MendError:
    return MendError("nothing was set aside for this database", "`tripoint restore FILE` restores a backup")


def _swap_files(target: Path, new: Path, now: datetime) -> str:
    """Put one file in the place of another; at no moment is there none."""
    aside = Path(f"{target}.before-{now:%Y%m%dT%H%M%S%fZ}")
    is_replaced = target.exists()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as on_failure:
            if is_replaced:
                _let_go(target)
                for each in BESIDE:  # only a damaged one still has these, and they would be taken for the new one's
                    if Path(f"{target}{each}").exists():
                        _move(Path(f"{target}{each}"), Path(f"{aside}{each}"), on_failure)
                _name_too(target, aside, on_failure)
            new.replace(target)
            on_failure.pop_all()
        _sync(target.parent)
    except OSError as error:
        raise StorageError(f"{target}: {error.strerror}", "nothing was replaced; check the folder's rights") from error
    return str(aside) if is_replaced else ""


def _let_go(file: Path) -> None:
    """Write the log of a database back, which works only where nobody has it open; raises `BusyError` otherwise.

    One that is too damaged to be opened is nobody's.
    """
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            return
    try:
        with closing(sqlite3.connect(file, timeout=2, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            mend = "close that one first, as `tripoint web` or a program that looks into the file"
            raise BusyError("another process has this database open", mend) from error
        raise StorageError(f"{file.name}: {error}", mend_of(str(error))) from error
    except sqlite3.DatabaseError:
        return


def _name_too(file: Path, other: Path, on_failure: ExitStack) -> None:
    try:
        os.link(file, other)
        on_failure.callback(other.unlink)
    except FileExistsError:
        raise
    except OSError:  # a file system without a second name for a file
        _move(file, other, on_failure)


def _move(file: Path, other: Path, on_failure: ExitStack) -> None:
    file.rename(other)
    on_failure.callback(other.rename, file)


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_aside(connection: Connection, now: datetime) -> str:
    """Move our tables into a schema of their own; returns its name, empty where there were none."""
    connection.execute(text(_LOCK_TIMEOUT))
    version = version_of(connection)
    if version is None:
        return ""
    refuse_newer(version)
    schema = f"{_SCHEMA}{now:%Y%m%dt%H%M%S%f}"
    _run(connection, "CREATE SCHEMA {}", schema)
    ours = _OTHER_TABLES | t.metadata.tables.keys()
    for name in inspect(connection).get_table_names():
        if name in ours:
            _run(connection, "ALTER TABLE {} SET SCHEMA {}", name, schema)
    return schema


def _run(connection: Connection, statement: str, *names: str | None) -> None:
    quote = connection.dialect.identifier_preparer.quote_identifier
    connection.execute(text(statement.format(*(quote(each or "") for each in names))))
