"""What keeps a database quick and whole over months."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from storage.database import Database
from tripoint.domain.errors import StorageError

_MOST_FAULTS = 3  # that are told; one is enough to act on


def maintain(database: Database) -> str:
    """Renew the planner's statistics and, on SQLite, write the log back and shorten it; return a line about it."""
    with database.outside() as connection:
        if not database.is_sqlite:
            connection.execute(text("ANALYZE"))
            return "statistics renewed"
        connection.exec_driver_sql("PRAGMA analysis_limit=1000")
        connection.exec_driver_sql("PRAGMA optimize=0x10002")
        is_busy, log_pages, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        log = "a reader kept the log" if is_busy else f"log of {log_pages} pages written back"
        return f"statistics renewed; {log}"


def server_time(database: Database) -> datetime | None:
    """Return what the clock of the database's server shows; None where there is no server."""
    if database.is_sqlite:
        return None
    with database.outside() as connection:
        found: datetime = connection.scalar(text("SELECT clock_timestamp()"))
        return found


def _check_server(database: Database) -> str:
    with database.outside() as connection:
        failures = connection.scalar(
            text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
        )
        broken = list(
            connection.scalars(
                text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid LIMIT :most"),
                {"most": _MOST_FAULTS},
            )
        )
        has_checksums = connection.scalar(text("SHOW data_checksums")) == "on"
    if failures:
        mend = "stop the service, look at the server's log and disk, and restore a backup"
        raise StorageError(f"{database.name}: the server found {failures} damaged pages", mend)
    if broken:
        raise StorageError(f"{database.name}: broken indexes: {', '.join(broken)}", f"REINDEX INDEX {broken[0]}")
    return "no damage known to the server" if has_checksums else "no damage known; its pages have no checksums"


def check_whole(database: Database) -> str:
    """Look through the file for damage, which takes as long as reading it; raises `StorageError` if there is some.

    It only reads, and may run beside the writer. A PostgreSQL server checks its own pages as it reads them, where they
    have checksums; asked is what it found, and whether an index is broken.
    """
    if not database.is_sqlite:
        return _check_server(database)
    with database.outside() as connection:
        found = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA quick_check({_MOST_FAULTS})")]
    if found != ["ok"]:
        mend = "stop the service and restore a backup, or save what can be read with `sqlite3 FILE .recover`"
        raise StorageError(f"{database.name} is damaged: {'; '.join(found)}", mend)
    return "whole"
