"""Copying a whole archive into an empty database of either kind, and proving that nothing changed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from storage import tables as t
from storage.database import Database
from storage.search_fill import fill_index
from tripoint.domain.errors import MendError, StorageError

_BATCH = 500
_MODULUS = 1 << 256
NOT_COPIED = frozenset({t.search_docs.name})  # the index is made anew, each database's in its own way

Tell = Callable[[str, int, int], None]
"""Hears of progress: table, rows done, rows in all."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One table, the same in both."""

    table: str
    rows: int
    sha256: str  #: the sum of the hashes of its rows


def copy_archive(source: Database, target: Database, tell: Tell) -> tuple[Copied, ...]:
    """Copy everything in one transaction of the target, compare it, and index it; on any doubt nothing is kept.

    Raises `MendError` where the target holds something, `StorageError` where a copy differs from what was copied.
    """
    tables = [each for each in t.metadata.sorted_tables if each.name not in NOT_COPIED]
    with source.read() as old, target.write() as new:
        _refuse_full(new, tables)
        copied = copy_tables(old, new, tables, tell)
        _go_on_counting(new, tables)
        index_all(new, tell)
    return copied


def copy_tables(old: Connection, new: Connection, tables: Sequence[Table], tell: Tell) -> tuple[Copied, ...]:
    """Copy these tables, empty ones in the target, and compare every row; raises `StorageError` where one differs."""
    copied = []
    for table in tables:
        told = _copy(old, new, table, tell)
        found = _digest(_rows(new, table))
        if found != (told.rows, told.sha256):
            raise StorageError(f"{table.name} is not the same in both", "nothing was kept; report this as a bug")
        copied.append(told)
    return tuple(copied)


def _refuse_full(connection: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise MendError(f"the target holds {table.name} already", "name an empty database")


def _copy(old: Connection, new: Connection, table: Table, tell: Tell) -> Copied:
    total = old.scalar(select(func.count()).select_from(table)) or 0
    digest = done = 0
    tell(table.name, 0, total)
    for batch in _batches(_rows(old, table)):
        digest = sum(map(_number, batch), digest) % _MODULUS
        new.execute(insert(table), [dict(row) for row in batch])
        done += len(batch)
        tell(table.name, done, max(total, done))
    return Copied(table.name, done, f"{digest:064x}")


def _rows(connection: Connection, table: Table) -> Iterator[Any]:
    query = select(table)
    # A driver hands over the whole answer otherwise, and an archive does not fit into memory.
    yield from connection.execute(query, execution_options={"yield_per": _BATCH}).mappings()


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _digest(rows: Iterator[Any]) -> tuple[int, str]:
    digest = count = 0
    for row in rows:
        digest = (digest + _number(row)) % _MODULUS
        count += 1
    return count, f"{digest:064x}"


def _number(row: Any) -> int:
    """Return the hash of a row; their sum is the same in any order, and each database sorts text in its own."""
    line = repr([_plain(each) for each in row.values()])
    return int.from_bytes(hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest(), "big")


def _plain(value: object) -> object:
    """Return a value as both databases give it back."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return sorted((key, _plain(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return bytes(value) if isinstance(value, memoryview) else value


def _go_on_counting(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL number what comes after what was copied; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            named = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
            )
            if named and (highest := connection.scalar(select(func.max(column)))):
                connection.execute(text("SELECT setval(:name, :highest)"), {"name": named, "highest": highest})


def index_all(connection: Connection, tell: Tell) -> None:
    """Make the index of search for an archive that has none."""
    total = connection.scalar(select(func.count()).select_from(t.articles)) or 0
    for done in fill_index(connection):
        tell("the search index", done, total)
