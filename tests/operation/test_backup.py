"""Backup and restore: one moment of a database that others write, whole or refused, and a way back."""

from __future__ import annotations

import json
import random
import resource
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import restoring, snapshot
from storage.articles import ArticleStore
from storage.database import open_database
from storage.lock import instance_lock
from storage.snapshot import take_snapshot
from tests.house import House
from tests.postgres import new_database
from tests.storage.older import fill_older
from tests.storage.test_search import archive, database, filled, find, keep  # noqa: F401 - fixtures
from tests.storage.test_stores import keep as keep_told
from tripoint.app.backup import check_backup, unpack_database, unpack_files, without_passwords, write_backup
from tripoint.app.settings import load_settings
from tripoint.domain.errors import BusyError, MendError, StorageError

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
DEADLINE_S = 60.0
SETTINGS = ("tripoint.toml",)


def quiet(_what: str, _done: int, _total: int) -> None:
    """Hear of no progress."""


def count(url: str, table: str = "articles") -> int:
    with closing(open_database(url, None)) as opened, opened.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def backed_up(url: str, target: Path) -> Path:
    settings = load_settings(None, {"database": {"url": url}}, {})
    write_backup(settings, target.parent / "none.toml", target, NOW, quiet)
    return target


def put_back(url: str, file: Path, folder: Path) -> str:
    """Restore as the verb does."""
    place = (restoring.file_of(url) or folder / "x").parent / "unpacked.db"
    unpack_database(file, place, quiet)
    restoring.bring_up_to_date(place, quiet)
    aside = restoring.put_in_place(url, place, datetime.now(UTC), quiet)
    place.unlink(missing_ok=True)
    return aside


def test_what_is_written_meanwhile_does_not_get_in(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another connection writes after every step of the copy, and is not kept waiting."""
    monkeypatch.setattr(snapshot, "_PAGES_A_STEP", 8)
    writer = open_database(url)
    filled(writer)
    keep_told(ArticleStore(writer), 1)
    written = 0

    def write(_what: str, _done: int, _total: int) -> None:
        nonlocal written
        written += 1
        keep_told(ArticleStore(writer), 100 + written, text=f"Body {written}.")

    with closing(writer):
        taken = take_snapshot(url, tmp_path / "copy.db", write)
    assert written > 3
    assert taken.tables["articles"] == taken.tables["revisions"] == 6
    assert taken.tables["alerts"] == 1
    assert count(url) == 6 + written


def test_there_and_back(url: str, tmp_path: Path) -> None:
    with closing(open_database(url)) as opened:
        filled(opened)
        hits = find(opened, "tap tran")
    file = backed_up(url, tmp_path / "b.zip")
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(open_database(url)) as opened:
        keep(opened, "later", "Later", "x")
    aside = put_back(url, file, tmp_path)
    with closing(open_database(url)) as opened:
        assert find(opened, "tap tran") == hits
        assert ArticleStore(opened).counts().articles == 5
        assert keep(opened, "next", "after it", "x") == 6
    with instance_lock(url):
        back, other = restoring.undo(url, datetime.now(UTC))
    assert Path(aside).name == back
    with closing(open_database(url)) as opened:
        assert find(opened, "later") == ["later"]
    with instance_lock(url):
        assert restoring.undo(url, datetime.now(UTC))[0] == Path(other).name
    with closing(open_database(url)) as opened:
        assert find(opened, "after") == ["next"]


def test_from_one_kind_to_the_other(postgres: str, tmp_path: Path) -> None:
    file, server = f"sqlite:///{tmp_path / 'a.db'}", new_database(postgres, "backup_kinds")
    with closing(open_database(file)) as opened:
        filled(opened)
    assert put_back(server, backed_up(file, tmp_path / "one.zip"), tmp_path) == ""
    with closing(open_database(server)) as opened:
        keep(opened, "later", "Tập trận nữa", "x")
    (tmp_path / "a.db").unlink()
    assert put_back(file, backed_up(server, tmp_path / "two.zip"), tmp_path) == ""
    with closing(open_database(file)) as one, closing(open_database(server)) as other:
        assert find(one, "tap tran") == find(other, "tap tran")
        assert "later" in find(one, "tap tran")


def test_an_older_database_is_left_at_its_version_and_restored_to_the_newest(empty_url: str, tmp_path: Path) -> None:
    """A backup is made before an upgrade, so it must not upgrade."""
    url = empty_url
    fill_older(url, "0010")
    file = backed_up(url, tmp_path / "b.zip")
    with closing(open_database(url, None)) as opened, opened.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0010"
    assert put_back(url, file, tmp_path)
    with closing(open_database(url)) as opened:
        assert find(opened, "tap tran chung") == ["x"]


def rewritten(file: Path, target: Path, change: Callable[[dict[str, object]], None]) -> Path:
    """Return a backup whose manifest says something else."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "manifest.json":
                said = json.loads(body)
                change(said)
                body = json.dumps(said).encode()
            new.writestr(name, body)
    return target


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a backup of a small archive."""
    url = f"sqlite:///{tmp_path / 'small.db'}"
    with closing(open_database(url)) as opened:
        filled(opened)
    return backed_up(url, tmp_path / "small.zip")


def test_a_backup_that_is_cut_short_is_refused(small: Path, tmp_path: Path) -> None:
    whole = small.read_bytes()
    for length in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        cut = tmp_path / "cut.zip"
        cut.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"cut\.zip is cut short, damaged or no backup: .* — use another one"):
            unpack_database(cut, tmp_path / "unpacked.db", quiet)
        (tmp_path / "unpacked.db").unlink(missing_ok=True)


def test_no_flipped_byte_gets_through(small: Path, tmp_path: Path) -> None:
    """A byte that nobody reads, as the time of a file in the zip, may be any; then all that is unpacked is as it was."""
    whole, hurt = bytearray(small.read_bytes()), tmp_path / "hurt.zip"
    told = check_backup(small, quiet)
    dice = random.Random(7)  # noqa: S311 - it chooses bytes
    refused = 0
    for place in dice.sample(range(len(whole)), 60):
        whole[place] ^= 0x41
        hurt.write_bytes(whole)
        whole[place] ^= 0x41
        try:
            assert check_backup(hurt, quiet).files == told.files
        except StorageError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda said: said.update(format=2), "newer Tripoint"),
        (lambda said: said["files"].update({"../evil": {"bytes": 0, "sha256": ""}}), "damaged"),
        (lambda said: said["files"].update({"seeds/gone": {"bytes": 0, "sha256": ""}}), "damaged"),
        (lambda said: said["tables"].update(articles=4), "other rows"),
        (lambda said: said.update(database_version="9999"), "other rows"),
        (lambda said: said.update(made_at="today"), "damaged"),
    ],
)
def test_a_manifest_that_lies_is_refused(
    small: Path, tmp_path: Path, change: Callable[[dict[str, object]], None], told: str
) -> None:
    file = rewritten(small, tmp_path / "lie.zip", change)
    with pytest.raises(StorageError, match=told):
        check_backup(file, quiet)
        unpack_database(file, tmp_path / "unpacked.db", quiet)


def test_tables_of_a_newer_tripoint_are_refused() -> None:
    with pytest.raises(StorageError, match=r"newer Tripoint .*upgrade"):
        restoring.refuse_newer("9999")


def test_a_database_that_somebody_has_open_is_not_replaced(small: Path, tmp_path: Path) -> None:
    """As `tripoint web`, which holds no lock: it would go on in the old file, beside the new one's log."""
    url = f"sqlite:///{tmp_path / 'small.db'}"
    with closing(open_database(url)) as page:
        with page.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM articles")).scalar() == 5
        with pytest.raises(BusyError, match="has this database open"):
            put_back(url, small, tmp_path)
    assert not list(tmp_path.glob("small.db.before-*"))
    assert count(url) == 5


def test_a_damaged_database_is_set_aside_with_its_log(small: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bad.db'}"
    (tmp_path / "bad.db").write_bytes(b"not a database at all" * 500)
    (tmp_path / "bad.db-wal").write_bytes(b"log")
    aside = Path(put_back(url, small, tmp_path))
    assert aside.read_bytes().startswith(b"not a")
    assert Path(f"{aside}-wal").read_bytes() == b"log"
    assert count(url) == 5
    assert restoring.undo(url, NOW)[0] == aside.name
    assert (tmp_path / "bad.db-wal").read_bytes() == b"log"


@contextmanager
def room_for(most_bytes: int) -> Iterator[None]:
    """Let this process write no file beyond a size, which fails in the middle of it as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_half(house: House) -> None:
    with closing(open_database(house.database)) as opened:
        filled(opened)
    file = str(house.folder / "b.zip")
    before = {each.name for each in house.folder.iterdir()}
    with room_for(100_000):
        said = house.said("backup", file)
    assert "free some space" in said
    assert {each.name for each in house.folder.iterdir()} - before <= {"tripoint.db-shm", "tripoint.db-wal", *SETTINGS}
    assert "every byte" in house.said("backup", file)
    with room_for(100_000):
        said = house.said("restore", file, "--replace")
    assert "nothing was" in said
    assert not list(house.folder.glob("*.before-*"))
    assert not list(house.folder.glob(".*.part"))
    assert house.rows("SELECT count(*) FROM articles") == [(5,)]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.05)


def test_beside_a_running_service(reading_house: House) -> None:
    """A real service reads and writes meanwhile: the backup is made, the restore refused until it has ended."""
    house = reading_house
    secret = house.folder / "seeds" / "chat.secret"
    secret.write_text("tgram://TOKEN/1", encoding="utf-8")
    house.settings["channels"] = {"console": {"url": "console://"}, "chat": {"url_file": str(secret), "enabled": False}}
    service = house.start("run", "--interval", "1")
    try:
        wait_for(
            lambda: (
                (house.folder / "tripoint.db").exists()
                and bool(house.rows("SELECT 1 FROM sqlite_master WHERE name = 'asks'"))
                and house.rows("SELECT count(*) > 3 FROM articles") == [(1,)]
            )
        )
        said = json.loads(house.said("backup", str(house.folder), "--json"))
        assert f"(process {service.pid}) works on this database" in house.said("restore", said["file"], "--replace")
    finally:
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=DEADLINE_S)
    assert said["tables"]["articles"] > 3
    assert f"{said['tables']['articles']} articles" in house.said("restore", said["file"], "--check")
    assert "`--replace` sets it aside" in house.said("restore", said["file"])
    aside = json.loads(house.said("restore", said["file"], "--replace", "--json"))["set_aside"]
    assert house.rows("SELECT count(*) FROM articles") == [(said["tables"]["articles"],)]
    assert "is the database again" in house.said("restore", "--undo")
    assert not Path(aside).exists()
    names = json.loads(house.said("restore", said["file"], "--files", str(house.folder / "mine"), "--json"))["files"]
    assert {"settings/tripoint.toml", "seeds/sources/newsroom.toml"} <= set(names)
    assert "seeds/chat.secret" not in names
    assert b"TOKEN" not in b"".join(each.read_bytes() for each in (house.folder / "mine").rglob("*") if each.is_file())


def test_names_and_leftovers(house: House) -> None:
    file = str(house.folder / "b.zip")
    assert "there is no database" in house.said("backup", file)
    with closing(open_database(house.database)):
        pass
    left = house.folder / ".b.zip.killed.part"
    left.mkdir()
    (left / "tripoint.db").write_bytes(b"half")
    house.said("backup", file)
    assert not left.exists()
    assert "is there already" in house.said("backup", file)
    assert "every byte" in house.said("backup", file, "--replace")
    assert "there is no folder" in house.said("backup", f"{house.folder}/no/b.zip")
    assert "one thing at a time" in house.said("restore", file, "--undo")
    assert "nothing was set aside" in house.said("restore", "--undo")
    assert "there is no file" in house.said("restore", "none.zip")


def test_links_that_lead_elsewhere_and_hidden_folders_stay_out(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    (seeds / ".git").mkdir(parents=True)
    (seeds / ".git" / "config").write_text("x")
    (seeds / "mine.toml").write_text("x")
    (tmp_path / "key").write_text("private")
    (seeds / "key.toml").symlink_to(tmp_path / "key")
    url = f"sqlite:///{tmp_path / 'x.db'}"
    open_database(url).close()
    settings = load_settings(None, {"database": {"url": url}, "seeds": {"folder": seeds}}, {})
    manifest = write_backup(settings, tmp_path / "none", tmp_path / "b.zip", NOW, quiet)
    assert sorted(manifest.files) == ["seeds/mine.toml", "tripoint.db"]
    unpack_files(tmp_path / "b.zip", tmp_path / "out")
    with pytest.raises(MendError, match="not empty"):
        unpack_files(tmp_path / "b.zip", tmp_path / "out")


def test_passwords_stay_out_of_the_settings() -> None:
    said = (
        '# url = "postgresql://old:hunter1@db/x"\n[database]\nurl = "postgresql+psycopg://u:hunter%402@db/x?a=1"\n'
        '[backfill]\ncdx_url = "https://me:hunter3@mirror.example/?password=hunter4&x=1"\n'
    )
    cleaned = without_passwords(said)
    assert "hunter" not in cleaned
    assert 'url = "postgresql+psycopg://u:***@db/x?a=1"' in cleaned
    with pytest.raises(MendError, match="cannot be left out"):
        without_passwords('[database]\nurl = "postgresql://u:hunter\\u0032@db/x"  # hunter2\n')
