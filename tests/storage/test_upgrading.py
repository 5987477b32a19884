"""An older database, with a row in every table, is migrated when it is opened and keeps what it holds."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import newest_version, open_database, version_of
from tests.storage.older import fill_older
from tests.storage.test_search import find, keep
from tripoint.app.logs import SERVICE
from tripoint.app.upgrade_line import UpgradeLine
from tripoint.domain.errors import StorageError


def rows(url: str, columns: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Return what these columns of these tables hold, as the driver hands it over."""
    with closing(open_database(url, None)) as opened, opened.read() as connection:
        chosen = {
            table: sa.select(*map(sa.column, names)).select_from(sa.table(table)) for table, names in columns.items()
        }
        return {table: [tuple(row) for row in connection.execute(query)] for table, query in chosen.items()}


def columns_of(url: str, tables: dict[str, int]) -> dict[str, list[str]]:
    with closing(open_database(url, None)) as opened, opened.read() as connection:
        seen = sa.inspect(connection)
        return {table: [each["name"] for each in seen.get_columns(table)] for table in tables}


@pytest.mark.parametrize("version", ["0001", "0010", "0015"])
def test_every_row_is_kept(empty_url: str, version: str) -> None:
    url = empty_url
    filled = fill_older(url, version)
    columns = columns_of(url, filled)
    before = rows(url, columns)
    with closing(open_database(url)) as opened:
        with opened.read() as connection:
            assert version_of(connection) == newest_version()
        assert find(opened, "tap tran chung") == ["x"]
        stored = ArticleStore(opened).get(1)
        assert stored is not None
        assert stored.article.title == "Nga và Pakistan tập trận chung"
        (told,) = AlertStore(opened).history()
        assert (told.queued.alert.key.story, told.queued.alert.evidence.title) == ("x", "T")
        assert keep(opened, "next", "after it", "x") == 2
        with opened.write() as connection:
            for table in ("articles", "revisions", "frontier"):
                only = "article_id" if table == "revisions" else "id"
                connection.execute(sa.text(f"DELETE FROM {table} WHERE {only} > 1"))  # noqa: S608
    assert rows(url, columns) == before


def test_an_upgrade_that_fails_leaves_everything_as_it_was(empty_url: str) -> None:
    """All migrations are one transaction, on either kind of database."""
    url = empty_url
    filled = fill_older(url, "0010")
    with closing(open_database(url, None)) as opened, opened.write() as connection:
        connection.execute(sa.text("CREATE TABLE asks (mine integer)"))  # in the way of the last but one migration
    columns = columns_of(url, filled)
    before = rows(url, columns)
    with pytest.raises(StorageError, match="asks"):
        open_database(url)
    with closing(open_database(url, None)) as opened, opened.read() as connection:
        assert version_of(connection) == "0010"
        assert not sa.inspect(connection).has_table("alert_decisions")
    assert rows(url, columns) == before
    with closing(open_database(url, None)) as opened, opened.write() as connection:
        connection.execute(sa.text("DROP TABLE asks"))
    open_database(url).close()


def test_a_database_of_a_newer_tripoint_is_left_alone(url: str) -> None:
    open_database(url).close()
    with closing(open_database(url)) as opened, opened.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"newer Tripoint \(version 9999\) — upgrade tripoint"):
        open_database(url)


HANGS = """
import sys, time
from storage.database import open_database

def tell(done, total):
    print(done, total, flush=True)
    if done:
        time.sleep(600)

open_database(sys.argv[1], tell=tell)
"""


def test_a_kill_in_the_middle_of_a_long_step_loses_nothing(empty_url: str) -> None:
    url = empty_url
    filled = fill_older(url, "0015")
    columns = columns_of(url, filled)
    before = rows(url, columns)
    with subprocess.Popen([sys.executable, "-c", HANGS, url], stdout=subprocess.PIPE, text=True) as upgrading:
        assert upgrading.stdout is not None
        assert [upgrading.stdout.readline(), upgrading.stdout.readline()] == ["0 1\n", "1 1\n"]
        upgrading.kill()
    with closing(open_database(url, None)) as opened, opened.read() as connection:
        assert version_of(connection) == "0015"
    assert rows(url, columns) == before
    with closing(open_database(url)) as opened:
        assert find(opened, "tap tran chung") == ["x"]
    assert rows(url, columns) == before


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.one_database("no database")
def test_how_far_an_upgrade_is_is_told_and_a_short_one_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, SERVICE)
    for stream in (io.StringIO(), Terminal()):
        now = [0.0]
        line = UpgradeLine(stream, lambda now=now: now[0])  # type: ignore[misc]
        for done in (0, 1, 2):
            line(done, 2)
        now[0] = 100.0
        for done in range(0, 1_000_001, 1_000):
            line(done, 1_000_000)
            now[0] += 0.6
        if isinstance(stream, Terminal):
            assert "upgrading the archive: 500,000 of 1,000,000 articles, about 5 min left" in stream.getvalue()
            assert stream.getvalue().endswith(
                "upgrading the archive: 1,000,000 of 1,000,000 articles, 10 min; finishing\n"
            )
        else:
            assert stream.getvalue() == ""
    assert len(caplog.messages) == 11  # one each minute, and the last
    assert caplog.messages[0] == "upgrading the archive: 6,000 of 1,000,000 articles, about 10 min left"
    assert caplog.messages[-1].endswith("finishing")
