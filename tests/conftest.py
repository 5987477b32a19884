"""What every test may ask for: the desk's outlets on loopback, a mail server, and a house of one's own."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from glob import glob
from pathlib import Path
from typing import Any

import pytest

from tests.house import House
from tests.mail import MailServer
from tests.newsroom import DeskOutlet, NewsroomThread, load_desk
from tests.servers import missing


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
def house(tmp_path: Path) -> House:
    """Return an empty house."""
    (tmp_path / "house").mkdir()
    return House(tmp_path / "house")


@pytest.fixture
def reading_house(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> House:
    """Return a house that reads the feeds of the written outlets."""
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
    return house


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a PostgreSQL of our own on loopback, thrown away afterwards."""
    found = sorted(glob("/usr/lib/postgresql/*/bin")) or [str(Path(shutil.which("initdb") or "").parent)]
    tools = Path(found[-1])
    if not (tools / "initdb").exists():
        missing("PostgreSQL", "postgresql")
    folder = tmp_path_factory.mktemp("postgres")
    user: dict[str, Any] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            mode = parent.stat().st_mode
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)  # so that its user gets there
        user = {"user": "postgres"}
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet: dict[str, Any] = {
        "check": True,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": "/",
    } | user
    subprocess.run([tools / "initdb", "-D", data, "-A", "trust", "-U", "tripoint", "-E", "UTF8"], **quiet)
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
    subprocess.run([tools / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], **quiet)
    yield f"postgresql://tripoint@127.0.0.1:{port}/postgres"
    subprocess.run([tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'x.db'}"
    address: str = request.getfixturevalue("postgres")
    import psycopg

    name = f"t{abs(hash(str(tmp_path)))}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return address.replace("/postgres", f"/{name}")
