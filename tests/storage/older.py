"""An archive as an older Tripoint left it: the tables of that version with a row in each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from storage.alert_rows import evidence_to_json
from storage.database import open_database
from storage.search_fill import fill_index
from storage.tables import metadata
from tests.storage.test_stores import alert

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
_VALUES: tuple[tuple[type, Any], ...] = (
    (sa.JSON, []),
    (sa.Boolean, True),
    (sa.DateTime, NOW),
    (sa.Float, 0.5),
    (sa.Integer, 1),
    (sa.LargeBinary, b"\x1f\x8b"),
    (sa.String, "x"),
)
_SPECIAL: Mapping[tuple[str, str], Any] = {
    ("articles", "title"): "Nga và Pakistan tập trận chung",
    ("articles", "text"): "Trực thăng Mi-35 tới.",
    ("articles", "canonical_url"): "https://a.example/1",
    ("articles", "placement"): "new",
    ("articles", "copy_of"): None,
    ("articles", "language"): "vi",
    ("alerts", "evidence"): evidence_to_json(alert("x").evidence),
    ("alerts", "state"): "sent",
    ("alerts", "kind"): "new",
    ("frontier", "url"): "https://a.example/1",
    ("frontier", "state"): "done",
    ("hits", "concept"): "platform.mi35",
    ("hits", "zone"): "text",
    ("deliveries", "outcome"): "accepted",
}


def fill_older(url: str, version: str) -> dict[str, int]:
    """Make an empty database of that version, put a row into each of its tables, and return how many each has."""
    with closing(open_database(url, version)) as database, database.write() as connection:
        seen = sa.MetaData()
        seen.reflect(connection)
        names = [
            each.name for each in metadata.sorted_tables if each.name in seen.tables and each.name != "search_docs"
        ]
        for name in names:
            table = seen.tables[name]
            row = {column.name: _value(name, column) for column in table.columns if column.name != "id"}
            if connection.dialect.name == "sqlite":  # it reflects no zone
                row = {key: each.replace(tzinfo=None) if each is NOW else each for key, each in row.items()}
            connection.execute(table.insert(), row)
        if "search_docs" in seen.tables:
            assert list(fill_index(connection)) == [1]
        return dict.fromkeys(names, 1)


def _value(table: str, column: sa.Column[Any]) -> Any:
    if (table, column.name) in _SPECIAL:
        return _SPECIAL[table, column.name]
    return next(value for kind, value in _VALUES if isinstance(column.type, kind))
