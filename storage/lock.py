"""One process at a time works on a database; the lock goes with its holder, however that ends.

On SQLite a lock on a file beside the database, which the system gives back with the process. On PostgreSQL an advisory
lock of a session: a connection may be lost while its process lives on, so that the holder has to ask whether it still
holds it, and another may wait for it.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from storage.database import Database
from tripoint.domain.errors import BusyError, LostLockError, StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_INSTANCE_LOCK = 7_301_178
_DECIDING_LOCK = 7_301_190
_MEND = "stop that one first; `tripoint alerts list` and other commands that only read may run beside it"
_MEND_SHARED = f"{_MEND}, and a service waits for its turn with `tripoint run --standby`"
# The holder notices a server that it cannot reach after 10 s of silence, the server a holder that is gone after 19 s:
# so who was cut off has stopped before another begins.
_TO_SERVER = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}
_TO_SERVER |= {"tcp_user_timeout": 10_000}
_FROM_SERVER = ("tcp_keepalives_idle = 10", "tcp_keepalives_interval = 3", "tcp_keepalives_count = 3")
_NAME_BYTES = 63  # PostgreSQL cuts longer names


class Alone(Protocol):
    """The right to work alone on a database."""

    def check(self) -> None:
        """Raise `LostLockError` where it is lost; whoever acts on it asks before."""
        ...


class Unwatched:
    """What is lost with its process alone, or was never needed."""

    def check(self) -> None:
        """Say nothing: there is nothing to lose."""


@dataclass(frozen=True, slots=True)
class Session:
    """A process that has the lock of a PostgreSQL, or waits for it."""

    holds: bool
    place: str  #: host and process
    since: datetime | None  #: of its session; None where the server shows it to its own user alone


@contextmanager
def instance_lock(url: str) -> Iterator[Alone]:
    """Hold the lock of the database at this URL; raises `BusyError` when another process has it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with file_lock(Path(f"{parsed.database}.lock")):
            yield Unwatched()
        return
    turn = Turn(url)
    try:
        if not turn.take():
            raise taken()
        yield turn
    finally:
        turn.close()


def taken() -> BusyError:
    """Return the error that says that another process works on this PostgreSQL."""
    return BusyError("another tripoint works on this database", _MEND_SHARED)


class Turn:
    """The lock of a PostgreSQL as one process sees it: waits for it, holds it, and notices that it was lost.

    It has a connection of its own, so that no pool can hand the lock on or give it back. May be asked by any thread.
    """

    def __init__(self, url: str) -> None:
        """Take the URL of the database; nothing is opened yet."""
        parsed = make_url(url)
        if "+" not in parsed.drivername:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self._engine = create_engine(
            parsed, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=dict(_TO_SERVER)
        )
        self._connection: Connection | None = None
        self._holds = False
        self._name = ""
        self._asking = threading.Lock()

    def take(self) -> bool:
        """Take the lock if nobody has it; raises `StorageError` where the server cannot be asked."""
        with self._asking:
            try:
                self._holds = bool(self._connected().scalar(_TAKE, {"key": _INSTANCE_LOCK}))
                self._show(_name("run" if self._holds else "standby"))
            except SQLAlchemyError as error:
                self._forget()
                raise StorageError(
                    f"the lock of the database: {_reason(error)}", "check that the server runs"
                ) from error
            return self._holds

    def check(self) -> None:
        """Raise `LostLockError` where the lock is lost: the session that held it is gone, and another may have it."""
        with self._asking:
            if not self._holds or self._connection is None:
                raise LostLockError("the lock of the database is not held any more", _MEND_LOST)
            try:
                self._connection.scalar(text("SELECT 1"))
            except SQLAlchemyError as error:
                self._forget()
                raise LostLockError(f"the lock of the database was lost: {_reason(error)}", _MEND_LOST) from error

    def close(self) -> None:
        """Give the lock back."""
        with self._asking:
            self._forget()
            self._engine.dispose()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            for each in _FROM_SERVER:
                self._connection.execute(text(f"SET {each}"))
        return self._connection

    def _show(self, name: str) -> None:
        """Let the server's list of sessions say who this is."""
        if name != self._name:
            self._connected().execute(_NAME_IT, {"name": name})
            self._name = name

    def _forget(self) -> None:
        self._holds, self._name = False, ""
        if self._connection is not None:
            with suppress(SQLAlchemyError):  # it may be broken already; its session ends either way
                self._connection.invalidate()
                self._connection.close()
        self._connection = None


_MEND_LOST = "whoever has it now works on; this one stopped, so that nothing is done twice"
_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_NAME_IT = text("SELECT set_config('application_name', :name, false)")


def sessions(database: Database) -> Sequence[Session]:
    """Return who works on a PostgreSQL and who waits for it, the holder first; nothing is known of a SQLite."""
    if database.is_sqlite:
        return ()
    with database.read() as connection:
        rows = connection.execute(_SESSIONS, {"key": _INSTANCE_LOCK}).all()
    return [Session(row.holds, row.place, row.since) for row in rows]


_SESSIONS = text(
    "SELECT l.pid IS NOT NULL AS holds, regexp_replace(a.application_name, '^tripoint [a-z]+ ', '') AS place,"
    " a.backend_start AS since FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.granted"
    " AND l.locktype = 'advisory' AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1"
    " WHERE a.datname = current_database() AND (l.pid IS NOT NULL OR a.application_name LIKE 'tripoint standby %')"
    " ORDER BY holds DESC, a.backend_start"
)


def _name(role: str) -> str:
    whole = f"tripoint {role} {socket.gethostname()}"
    number = f" process {os.getpid()}"
    return whole.encode()[: _NAME_BYTES - len(number)].decode(errors="ignore") + number


def _reason(error: SQLAlchemyError) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())


def decide_alone(connection: Connection) -> None:
    """Let one process at a time decide what an article is, until its transaction ends.

    SQLite has one writer anyway. On PostgreSQL two would each find an event unknown, and both would tell it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_DECIDE_ALONE, {"key": _DECIDING_LOCK})


_DECIDE_ALONE = text("SELECT pg_advisory_xact_lock(:key)")


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made; raises `BusyError` when another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", opener=_for_its_owner) as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            file.seek(0)
            holder = file.read(20).strip()
            raise BusyError(
                f"another tripoint (process {holder or 'unknown'}) works on this database", _MEND
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        os.lseek(descriptor, 1000, os.SEEK_SET)  # Windows forbids reading locked bytes, so lock one beyond the pid
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
