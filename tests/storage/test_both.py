"""Whoever stores something in a test does so on SQLite and PostgreSQL, or is named here."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ON_SQLITE = {
    "alerts/test_matrix.py": "what a homeserver answers; the outbox beneath is that of alerts/test_courier.py",
    "alerts/test_mqtt.py": "what a broker answers; what is kept when it goes down is tested on both",
    "app/test_selfcheck.py": "the folder of a file is gone",
    "backfill/test_full_disk.py": "a disk of the test's own is full; a server's disk is not ours to fill",
    "conftest.py": "the two databases",
    "house.py": "the command line; `make postgresql` runs its tests of coverage, health and backfill on PostgreSQL",
    "operation/test_backup.py": "backups that are damaged or lie, and files that are set aside; there and back is on both",
    "operation/test_container.py": "where the settings of the container put the file",
    "operation/test_secrecy.py": "rights of files",
    "operation/test_soak.py": "the accounts of the soak, which lives on SQLite",
    "storage/test_both.py": "this",
    "storage/test_moving.py": "from and to the other kind of database",
    "storage/test_rhythm.py": "marked there",
    "storage/test_search.py": "the same questions to both at once",
    "storage/test_stores.py": "marked there",
    "storage/test_upkeep.py": "marked there",
    "web/served.py": "the page; web/test_postgresql.py compares every one with that of a PostgreSQL",
}


@pytest.mark.one_database("no database")
def test_a_test_that_opens_a_sqlite_of_its_own_is_named_here_with_the_reason() -> None:
    found = {
        str(file.relative_to(TESTS)) for file in TESTS.rglob("*.py") if "sqlite:///" in file.read_text(encoding="utf-8")
    }
    assert found == set(ON_SQLITE)
