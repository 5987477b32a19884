"""Opening the database: migrations by itself, WAL on SQLite, and write transactions that never meet a stale read."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import DatabaseError as SqlDatabaseError

from tripoint.domain.errors import ConflictError, SettingsError, StorageError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

NEWEST = "head"  #: the version that this Tripoint writes
_MIGRATION_LOCK = 7_301_177  # any number that no other program on the same PostgreSQL takes


class Database:
    """An open database of the newest version; hands out transactions and nothing else."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shared = threading.local()  # the transaction of `together`, by thread

    @property
    def name(self) -> str:
        """Return where it is, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Return whether one file holds it."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with _told(self.name):
            if (shared := self._of_this_thread()) is not None:
                yield shared
                return
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and sees nothing that others write after it began."""
        with _told(self.name), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes; on SQLite it takes the write lock at once.

        A deferred BEGIN that reads and then writes fails with "database is locked" when another wrote in between.
        """
        with _told(self.name):
            if (shared := self._of_this_thread()) is not None:
                yield shared
                return
            with self._engine.connect() as connection:
                connection = connection.execution_options(tripoint_write=True)
                with connection.begin():
                    yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let what this thread writes meanwhile share one transaction: all of it is kept at the end, or none.

        Whoever catches an error in between must let it through: on PostgreSQL nothing can be written after one.
        """
        with self.write() as connection:
            self._shared.connection = connection
            try:
                yield
            finally:
                self._shared.connection = None

    def _of_this_thread(self) -> Connection | None:
        return getattr(self._shared, "connection", None)

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """Open a connection outside any transaction, as upkeep needs it."""
        with _told(self.name), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection.execution_options(tripoint_outside=True)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def open_database(url: str, version: str | None = NEWEST, tell: Callable[[int, int], None] | None = None) -> Database:
    """Open a database, making it and migrating it to a version as needed; None leaves it as it is.

    What takes long on a large archive is told: articles done, articles in all. A kill leaves the version before.

    Raises `SettingsError` when the URL cannot be right, `StorageError` when the database cannot be used.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _prepare_folder(parsed)
        elif parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError) as error:
        raise SettingsError(
            "the database URL cannot be read", "write sqlite:////path/to/tripoint.db or postgresql://user@host/name"
        ) from error
    except ModuleNotFoundError as error:
        mend = 'install it with: pip install "tripoint[postgresql]"'
        raise SettingsError(f"this database needs {error.name}", mend) from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    if version is not None:
        try:
            with _told(parsed.render_as_string(hide_password=True)), engine.connect() as connection:
                _migrate(connection, newest_version() if version == NEWEST else version, tell)
        except BaseException:
            engine.dispose()  # nobody else could close what it opened
            raise
    return Database(engine)


def migrate_within(connection: Connection) -> None:
    """Make the newest tables in a transaction that is the caller's."""
    _upgrade(connection, newest_version())


def driver_address(url: str) -> str | None:
    """Return the address of a PostgreSQL as its own library reads it, None for any other database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return None
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)


def _prepare_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SettingsError("a database in memory forgets everything", "name a file: sqlite:////path/to/tripoint.db")
    file = Path(url.database)
    folder = file.parent
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {folder}: {error.strerror}", "choose another database URL"
        ) from error
    # SQLite makes its log and its index of it with the rights of the file. One that is there keeps those that it has;
    # that none can be made is told by SQLite.
    with suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is below
        # FULL keeps a commit through a power cut too: an alert that was told as stored is stored.
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("tripoint_outside"):
            return
        immediate = options.get("tripoint_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def migration_config() -> Config:
    """Return Alembic's configuration for the migrations that the package carries."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("storage") / "migrations").replace("%", "%%"))
    return config


def newest_version() -> str:
    """Return the version that the migrations lead to, by the number that the name of each begins with."""
    names = (each.name for each in (resources.files("storage") / "migrations" / "versions").iterdir())
    return max(found[1] for each in names if (found := re.match(r"(\d{4})_\w+\.py", each)))


def _migrate(connection: Connection, wanted: str, tell: Callable[[int, int], None] | None) -> None:
    if version_of(connection) == wanted:
        return
    connection.rollback()
    connection = connection.execution_options(tripoint_write=True)
    with _foreign_keys_checked_at_the_end(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if version_of(connection) != wanted:  # another process may have been faster
            _upgrade(connection, wanted, tell)


@contextmanager
def _foreign_keys_checked_at_the_end(connection: Connection) -> Iterator[None]:
    """Keep SQLite from deleting what refers to a table that a migration makes anew: dropping the old one cascades.

    It can be asked only outside a transaction. PostgreSQL drops no table that others refer to.
    """
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.execute("PRAGMA foreign_keys=OFF").close()
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON").close()


def _upgrade(connection: Connection, wanted: str, tell: Callable[[int, int], None] | None = None) -> None:
    from alembic import command  # loading it takes half a second, and most commands meet a database that is ready
    from alembic.script import ScriptDirectory

    config = migration_config()
    _refuse_newer(ScriptDirectory.from_config(config), version_of(connection))
    config.attributes["connection"] = connection
    config.attributes["tell"] = tell
    command.upgrade(config, wanted)
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if lost is not None:
            raise StorageError(f"a row of {lost[0]} refers to one of {lost[2]} that is not there", "restore a backup")


def version_of(connection: Connection) -> str | None:
    """Return the version that a database has, None where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _refuse_newer(scripts: ScriptDirectory, current: str | None) -> None:
    from alembic.util import CommandError

    try:
        scripts.get_revision(current or "base")
    except CommandError as error:
        problem = f"the database was written by a newer Tripoint (version {current})"
        raise StorageError(problem, "upgrade tripoint, or name another database") from error


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what the driver says into one line with a mend."""
    try:
        yield
    except (OperationalError, SqlDatabaseError) as error:
        if not isinstance(error, DBAPIError) or error.orig is None:
            raise
        reason = " ".join(str(error.orig).split())
        if getattr(error.orig, "sqlstate", "") in _CONFLICTS:
            raise ConflictError(f"{name}: {reason}", "do it again; nothing was written") from error
        raise StorageError(f"{name}: {reason}", mend_of(reason)) from error


_CONFLICTS = ("40P01", "40001")  # PostgreSQL: deadlock detected, could not serialize

_MENDS = {
    "lock timeout": "end what else works on this database, and try again; nothing was written",
    "full": "free some space on that disk; nothing was half-written",
    "i/o error": "free some space, or check that the disk is well; nothing was half-written",
    "readonly": "give this user the right to write the file and its folder",
    "unable to open": "check that the folder exists and that this user may write to it",
    "not a database": "move that file away, or name another database",
    "malformed": "restore the file from a backup, or move it away and start anew",
    "locked": "another program holds the file; close it and try again",
    "connection": "check that the server runs and that the URL is right",
}


def mend_of(reason: str) -> str:
    """Return what a person can do about what a driver said."""
    lowered = reason.lower()
    return next((mend for word, mend in _MENDS.items() if word in lowered), "`tripoint doctor` shows what is wrong")


def pragma(database: Database, name: str) -> Any:
    """Return the value of a SQLite setting, for `doctor` and tests."""
    with database.read() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()
