"""Moving an archive between SQLite and a real PostgreSQL: every row the same, or nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from storage import tables as t
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.moving import copy_archive
from tests.house import House
from tests.postgres import new_database
from tests.storage.test_search import archive, database, find, judged, keep  # noqa: F401 - fixtures
from tests.storage.test_stores import NOW, alert
from tripoint.domain.errors import MendError, StorageError
from tripoint.domain.types import Candidate, Clues, Decision, Found, Page, Placement, PlacementKind


@pytest.fixture
def other(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Open an empty database of the other kind."""
    address = f"sqlite:///{tmp_path / 'other.db'}"
    if url.startswith("sqlite"):
        server, name = request.getfixturevalue("postgres"), f"o{abs(hash(str(tmp_path)))}"
        address = new_database(server, name, request.getfixturevalue("migrated_name"))
    opened = open_database(address)
    yield opened
    opened.close()


def quiet(_table: str, _done: int, _total: int) -> None:
    """Hear of no progress."""


def fill(store: Database) -> None:
    """Add what the archive of searches lacks: an alert, a page, text in every script."""
    known = ArticleStore(store).get(1)
    assert known is not None
    page = Page("https://a.example/ø", "u", 200, "", bytes(range(256)), NOW, (("X", "ữ"),))
    decision = Decision(Placement("s", PlacementKind.NEW), (judged(0.9, "actor.x"),), (alert("s"),))
    article = replace(known.article, canonical_url="https://a.example/ø", title="東京 \x00 ữ", content_hash="x")
    candidate = Candidate("https://a.example/ø", "a", Found.FEED, NOW)
    ArticleStore(store).keep(candidate, article, Clues((1, 2**32 - 1)), lambda _known: decision, page)


def rows(store: Database, table: Any) -> list[Any]:
    with store.read() as connection:
        return sorted(map(repr, connection.execute(select(table)).all()))


def test_an_archive_moves_there_and_back(archive: Database, other: Database) -> None:  # noqa: F811
    """One of the two runs goes from SQLite to PostgreSQL and back, the other the other way round."""
    fill(archive)
    told: list[tuple[str, int, int]] = []
    copied = copy_archive(archive, other, lambda *each: told.append(each))
    assert {each.table: each.rows for each in copied}["articles"] == 6
    assert told[-1] == ("the search index", 6, 6)
    for table in t.metadata.sorted_tables:
        if table is not t.search_docs:
            assert rows(archive, table) == rows(other, table)
    for asked in ("tập trận", "concept:platform.mi35", "", "東京"):
        assert find(archive, asked) == find(other, asked)
    with archive.write() as connection:
        for table in reversed(t.metadata.sorted_tables):
            connection.execute(table.delete())
    again = copy_archive(other, archive, quiet)
    assert again == copied
    assert keep(archive, "next", "after it", "x") == 7
    assert find(archive, "after") == ["next"]


def test_a_target_that_holds_something_is_refused(archive: Database, other: Database) -> None:  # noqa: F811
    keep(other, "mine", "T", "x")
    with pytest.raises(MendError, match="holds"):
        copy_archive(archive, other, quiet)
    assert find(other) == ["mine"]


def test_a_copy_that_differs_is_thrown_away(archive: Database, other: Database) -> None:  # noqa: F811
    """The target is given a trigger that changes what it stores."""
    changes = "BEGIN UPDATE articles SET title = 'x' WHERE id = new.id;"
    statements = [f"CREATE TRIGGER x AFTER INSERT ON articles {changes} END"]
    if not other.is_sqlite:
        statements = [
            f"CREATE FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ {changes} RETURN NULL; END $$",
            "CREATE TRIGGER x AFTER INSERT ON articles FOR EACH ROW EXECUTE FUNCTION x()",
        ]
    with other.write() as connection:
        for each in statements:
            connection.execute(text(each))
    with pytest.raises(StorageError, match="articles is not the same"):
        copy_archive(archive, other, quiet)
    with other.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM articles")) == 0


def test_the_verb(house: House, empty_url: str) -> None:
    """From the SQLite of a house to an empty database of each kind."""
    source = open_database(house.database)
    keep(source, "one", "Tập trận", "x", judged(0.9, "actor.x"))
    source.close()
    target = empty_url
    done = {each["table"]: each["rows"] for each in house.json("migrate-archive", house.database, target)}
    assert (done["articles"], done["hits"], done["alerts"]) == (1, 1, 0)
    opened = open_database(target)
    assert find(opened, "tap tran") == ["one"]
    opened.close()
    assert "holds" in house.run("migrate-archive", house.database, target, code=2).stderr
    assert "the same database" in house.run("migrate-archive", target, target, code=2).stderr
