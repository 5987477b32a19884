"""What every test may ask for: the desk's outlets on loopback, a mail server, and a house of one's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.database import open_database
from tests.house import House
from tests.mail import MailServer
from tests.newsroom import DeskOutlet, NewsroomThread, load_desk
from tests.postgres import new_database, postgres_tools, running_postgres
from tests.servers import missing

KINDS = ["sqlite", "postgresql"]


@pytest.fixture
def desk() -> list[DeskOutlet]:
    """Return the written outlets, dated back from now."""
    return load_desk(datetime.now(UTC))


@pytest.fixture
def room(desk: list[DeskOutlet]) -> Iterator[NewsroomThread]:
    """Serve the written outlets."""
    with NewsroomThread([each.outlet for each in desk]) as open_room:
        yield open_room


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    """Run a mail server."""
    with MailServer(tmp_path) as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database for a house where `make postgresql` asks for one, else nothing."""
    return _new_postgresql(request, tmp_path) if os.environ.get("TRIPOINT_TEST_HOUSES") == "postgresql" else ""


@pytest.fixture
def house(tmp_path: Path, server: str) -> House:
    """Return an empty house."""
    (tmp_path / "house").mkdir()
    return House(tmp_path / "house", server=server)


@pytest.fixture
def reading_house(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> House:
    """Return a house that reads the feeds of the written outlets."""
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
    return house


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a PostgreSQL of our own on loopback, thrown away afterwards."""
    tools = postgres_tools()
    if tools is None:
        missing("PostgreSQL", "postgresql")
    with running_postgres(tools, tmp_path_factory.mktemp("postgres")) as address:
        yield address


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the newest tables and nothing in them, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "migrated.db"
    open_database(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def migrated_name(postgres: str) -> str:
    """Return the name of such a database on the PostgreSQL."""
    open_database(new_database(postgres, "migrated")).close()
    return "migrated"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of each kind with the newest tables, copied: migrating each takes half a second."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "x.db")
        return f"sqlite:///{tmp_path / 'x.db'}"
    return _new_postgresql(request, tmp_path, request.getfixturevalue("migrated_name"))


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of each kind without any table."""
    return f"sqlite:///{tmp_path / 'x.db'}" if request.param == "sqlite" else _new_postgresql(request, tmp_path)


def _new_postgresql(request: pytest.FixtureRequest, tmp_path: Path, template: str = "template1") -> str:
    address: str = request.getfixturevalue("postgres")
    return new_database(address, f"t{abs(hash(str(tmp_path)))}", template)
