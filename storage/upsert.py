"""An insert that knows ON CONFLICT, which SQLAlchemy keeps in a module of each dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def insert_into(connection: Connection, table: Table) -> Any:
    """Return the insert of the connection's dialect."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Any:
    """Return a dialect's insert; typed loosely because the two classes share no base with `on_conflict`."""
    return (postgresql_insert if dialect == "postgresql" else sqlite_insert)(table)
