"""What others of this machine may read: nothing that Tripoint makes, and what a person left open is told."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import open_database
from storage.lock import instance_lock
from tests.house import House
from tests.storage.test_search import filled
from tripoint.app.secrecy import wide_files
from tripoint.app.settings import load_settings


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that everybody may look into, all the way down; pytest's own let nobody through."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        before = os.umask(0)  # as careless as can be
        yield Path(folder)
        os.umask(before)


def mode(file: Path) -> str:
    return oct(stat.S_IMODE(file.stat().st_mode))


def test_the_database_its_log_and_its_lock_are_made_for_their_owner(open_folder: Path) -> None:
    file = open_folder / "new" / "tripoint.db"
    url = f"sqlite:///{file}"
    with closing(open_database(url)) as database, instance_lock(url), database.read() as connection:
        connection.execute(text("SELECT 1 FROM articles"))
        filled(database)
        assert {each.name: mode(each) for each in file.parent.iterdir()} == {
            "tripoint.db": "0o600",
            "tripoint.db-wal": "0o600",
            "tripoint.db-shm": "0o600",
            "tripoint.db.lock": "0o600",
        }
    assert mode(file.parent) == "0o700"


def test_what_is_open_is_told_with_its_mend(open_folder: Path, house: House) -> None:
    file, token, chat = (open_folder / each for each in ("tripoint.db", "token", "chat"))
    open_database(f"sqlite:///{file}").close()
    token.write_text("0123456789abcdef", encoding="utf-8")
    chat.write_text("console://", encoding="utf-8")
    chat.chmod(0o640)  # a group may be let in on purpose
    house.settings |= {"database": {"url": f"sqlite:///{file}"}, "channels": {"chat": {"url_file": str(chat)}}}
    house.settings["web"]["token_file"] = str(token)
    file.chmod(0o644)
    house.reads([])
    (found,) = [each for each in json.loads(house.said("doctor", "--json")) if each["check"] == "files"]
    assert not found["good"]
    assert found["mend"] == f"chmod o-rwx {file} {token}"
    file.chmod(0o600)
    open_folder.chmod(0o700)
    (found,) = [each for each in json.loads(house.said("doctor", "--json")) if each["check"] == "files"]
    assert found["good"]


def test_what_is_not_there_is_not_open(open_folder: Path) -> None:
    options = {"database": {"url": f"sqlite:///{open_folder / 'none.db'}"}, "web": {"token_file": open_folder / "none"}}
    assert wide_files(load_settings(None, options, {})) == []
    assert wide_files(load_settings(None, {"database": {"url": "postgresql://db/x"}}, {})) == []
    assert wide_files(load_settings(None, {"database": {"url": f"sqlite:///{open_folder}"}}, {})) == []  # a mistake
