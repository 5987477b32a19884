"""One process at a time works on a database; the lock goes with its holder, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tripoint.domain.errors import BusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_INSTANCE_LOCK = 7_301_178
_DECIDING_LOCK = 7_301_190
_MEND = "stop that one first; `tripoint alerts list` and other commands that only read may run beside it"


@contextmanager
def instance_lock(url: str) -> Iterator[None]:
    """Hold the lock of the database at this URL; raises `BusyError` when another process has it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with _file_lock(Path(f"{parsed.database}.lock")):
            yield
    else:
        with _advisory_lock(url):
            yield


def decide_alone(connection: Connection) -> None:
    """Let one process at a time decide what an article is, until its transaction ends.

    SQLite has one writer anyway. On PostgreSQL two would each find an event unknown, and both would tell it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_DECIDE_ALONE, {"key": _DECIDING_LOCK})


_DECIDE_ALONE = text("SELECT pg_advisory_xact_lock(:key)")


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
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


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        os.lseek(descriptor, 1000, os.SEEK_SET)  # Windows forbids reading locked bytes, so lock one beyond the pid
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def _advisory_lock(url: str) -> Iterator[None]:
    parsed = make_url(url)
    if "+" not in parsed.drivername:
        parsed = parsed.set(drivername="postgresql+psycopg")
    # A connection of its own, so that no pool can hand the lock on or give it back.
    engine = create_engine(parsed, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _INSTANCE_LOCK}):
            raise BusyError("another tripoint works on this database", _MEND)
        yield
