"""Upkeep: statistics, a short log, and damage that is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import open_database
from storage.upkeep import check_whole, maintain
from tripoint.domain.errors import StorageError


def test_statistics_are_renewed_and_the_database_is_whole(url: str) -> None:
    database = open_database(url)
    try:
        assert "statistics renewed" in maintain(database)
        assert check_whole(database) in {"whole", "no damage known; its pages have no checksums"}
    finally:
        database.close()


@pytest.mark.one_database("the log beside the file is SQLite's")
def test_the_log_is_written_back_unless_somebody_reads(tmp_path: Path) -> None:
    database, log = open_database(f"sqlite:///{tmp_path / 'a.db'}"), tmp_path / "a.db-wal"
    try:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE filler AS SELECT zeroblob(100000) AS body"))
        assert log.stat().st_size > 100_000
        with database.read() as reader:
            reader.execute(text("SELECT count(*) FROM filler")).all()
            assert log.stat().st_size > 0
        assert "written back" in maintain(database)
        assert log.stat().st_size == 0
    finally:
        database.close()


@pytest.mark.one_database("a server looks after its own files")
def test_damage_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    database = open_database(f"sqlite:///{file}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE filler AS SELECT hex(randomblob(200000)) AS body"))
        connection.execute(text("CREATE INDEX by_body ON filler (body)"))
    maintain(database)
    database.close()
    content = bytearray(file.read_bytes())
    content[-300_000:-200_000] = b"\xaa" * 100_000
    file.write_bytes(content)
    database = open_database(f"sqlite:///{file}")
    try:
        with pytest.raises(StorageError, match="damaged"):
            check_whole(database)
    finally:
        database.close()
