"""A backup: one zip file with the database of one moment, what you wrote yourself, and hashes of all of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from storage.lock import file_lock
from storage.snapshot import examine, take_snapshot
from tripoint.app.settings import SETTINGS_FILE, Settings
from tripoint.domain.errors import BusyError, MendError, StorageError

MANIFEST = "manifest.json"
DATABASE = "tripoint.db"
_FORMAT = 1
_LEVEL = 1  # pages are compressed already; the rest shrinks almost as much as with the highest, in a fifth of the time
_BLOCK = 1 << 20
_WORKPLACE_LOCK = "lock"
_PASSWORD = re.compile(r"(://[^\s\"'/@:]*:)[^\s\"'@]+@")
_PASSWORD_ASKED = re.compile(r"([?&](?:ssl)?password=)[^&\s\"']+", re.IGNORECASE)

Tell = Callable[[str, int, int], None]
"""Hears of progress: what is done, how much of it, of how much."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One file in a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    program: str  #: the version of Tripoint that wrote it
    made_at: datetime
    database_version: str  #: of its tables
    tables: Mapping[str, int]  #: rows of each
    files: Mapping[str, Kept]  #: by the path within the backup


def write_backup(settings: Settings, settings_file: Path | None, target: Path, now: datetime, tell: Tell) -> Manifest:
    """Write a backup, read it again and compare; the file is there when all of that is done, and not before.

    Raises `StorageError` where the disk is full or something differs: then nothing is left of it.
    """
    mine = _written_by_user(settings, settings_file or Path(SETTINGS_FILE))
    try:
        with workplace(target) as folder:
            database, packed = folder / DATABASE, folder / "backup.zip"
            snapshot = take_snapshot(settings.database_url, database, tell)
            _pack(packed, database, mine, tell, (now, snapshot.version, snapshot.tables))
            database.unlink()  # its room may be needed
            manifest = check_backup(packed, tell)
            packed.chmod(0o600)
            packed.replace(target)
    except OSError as error:
        mend = "nothing was kept; free some space, or name another folder"
        raise StorageError(f"cannot write {target}: {error.strerror or error}", mend) from error
    return manifest


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """Make a folder beside a file that only its owner may look into, and remove it with all that is in it.

    What a killed process left of an earlier one is removed too.
    """
    for each in target.parent.glob(f".{target.name}.*.part"):
        with suppress(BusyError, OSError), file_lock(each / _WORKPLACE_LOCK):
            shutil.rmtree(each)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        with file_lock(folder / _WORKPLACE_LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_backup(file: Path, tell: Tell) -> Manifest:
    """Read a backup from end to end; raises `StorageError` where a byte is not as it was written."""
    with opened_backup(file) as (manifest, archive):
        for name, kept in manifest.files.items():
            with archive.open(name) as member:
                _compare(name, kept, _copied(member, None, name, kept.bytes, tell))
    return manifest


def unpack_database(file: Path, into: Path, tell: Tell) -> Manifest:
    """Write the database of a backup into a new file, and see that it is whole and has every row."""
    with opened_backup(file) as (manifest, archive):
        kept = manifest.files[DATABASE]
        free = shutil.disk_usage(into.parent).free
        if free < kept.bytes:
            problem = f"the database needs {kept.bytes / 1e6:.1f} MB and the disk has {free / 1e6:.1f} MB free"
            raise StorageError(problem, "free some space; nothing was changed")
        with archive.open(DATABASE) as member, into.open("xb") as target:
            into.chmod(0o600)
            _compare(DATABASE, kept, _copied(member, target, "unpacking", kept.bytes, tell))
            os.fsync(target.fileno())
    tell("looking for damage", 0, 1)
    found = examine(into)
    tell("looking for damage", 1, 1)
    if (found.version, found.tables) != (manifest.database_version, manifest.tables):
        raise _damaged(file, "the database has other rows than it says")
    return manifest


def unpack_files(file: Path, folder: Path) -> tuple[str, ...]:
    """Write what the user wrote into a new folder, and return the names."""
    if folder.exists() and any(folder.iterdir()):
        raise MendError(f"{folder} is not empty", "name a new folder")
    with opened_backup(file) as (manifest, archive):
        names = [each for each in manifest.files if each != DATABASE]
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as member, path.open("xb") as target:
                _compare(name, manifest.files[name], _copied(member, target, name, 0, lambda *_: None))
    return tuple(names)


@contextmanager
def opened_backup(file: Path) -> Iterator[tuple[Manifest, zipfile.ZipFile]]:
    """Open a backup; raises `MendError` for what is none, `StorageError` for one that is cut short or damaged."""
    if not file.is_file():
        raise MendError(f"there is no file {file}", "name a file that `tripoint backup` wrote")
    try:
        with zipfile.ZipFile(file) as archive:
            yield _manifest(file, json.loads(archive.read(MANIFEST))), archive
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, NotImplementedError) as error:
        raise _damaged(file, str(error)) from error


def _damaged(file: Path, reason: str) -> StorageError:
    problem = f"{file} is cut short, damaged or no backup: {' '.join(reason.split())}"
    return StorageError(problem, "use another one; nothing was changed")


def _manifest(file: Path, said: Any) -> Manifest:
    if said["format"] != _FORMAT:
        raise StorageError(f"{file} was written by a newer Tripoint ({said['program']})", "upgrade tripoint")
    files = {str(name): Kept(int(each["bytes"]), str(each["sha256"])) for name, each in said["files"].items()}
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise ValueError(f"a file is called {name}")
    tables = {str(name): int(rows) for name, rows in said["tables"].items()}
    made_at = datetime.fromisoformat(said["made_at"])
    if DATABASE not in files or made_at.tzinfo is None:
        raise ValueError("no database, or no time with a zone")
    return Manifest(str(said["program"]), made_at, str(said["database_version"]), tables, files)


def _pack(
    packed: Path,
    database: Path,
    mine: Mapping[str, bytes],
    tell: Tell,
    told: tuple[datetime, str, Mapping[str, int]],
) -> None:
    made_at, database_version, tables = told
    with zipfile.ZipFile(packed, "x", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        size = database.stat().st_size
        with database.open("rb") as source, archive.open(DATABASE, "w", force_zip64=True) as member:
            files = {DATABASE: _copied(source, member, "packing", size, tell)}
        for name, body in mine.items():
            archive.writestr(name, body)
            files[name] = Kept(len(body), hashlib.sha256(body).hexdigest())
        manifest = Manifest(version("tripoint"), made_at, database_version, tables, files)
        said = {"format": _FORMAT, **asdict(manifest), "made_at": made_at.isoformat()}
        archive.writestr(MANIFEST, json.dumps(said, ensure_ascii=False, indent=1))
    with packed.open("rb+") as file:
        os.fsync(file.fileno())


def _copied(source: IO[bytes], target: IO[bytes] | None, what: str, size: int, tell: Tell) -> Kept:
    digest, done = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        done += len(block)
        if target is not None:
            target.write(block)
        tell(what, done, max(size, done))
    return Kept(done, digest.hexdigest())


def _compare(name: str, said: Kept, found: Kept) -> None:
    if said != found:
        raise ValueError(f"{name} is not as it was written")


def _written_by_user(settings: Settings, settings_file: Path) -> dict[str, bytes]:
    """Return settings, seeds, rules and templates of the user's own by their path in the backup; no secrets."""
    files: dict[str, bytes] = {}
    secret = {each.url_file for each in settings.channels.values()} | {settings.web.token_file}
    hidden = {each.resolve() for each in secret if each is not None}
    if settings_file.is_file():
        files[f"settings/{SETTINGS_FILE}"] = without_passwords(settings_file.read_text(encoding="utf-8")).encode()
    for name, folder in (("seeds", settings.seeds.folder), ("templates", settings.alerts.templates)):
        if folder is not None:
            files |= {f"{name}/{path}": body for path, body in _files_below(folder, hidden)}
    if settings.alerts.policies is not None:
        files["policies/policies.toml"] = settings.alerts.policies.read_bytes()
    return files


def _files_below(folder: Path, hidden: set[Path]) -> Iterator[tuple[str, bytes]]:
    """Return the files below a folder; what a link leads to elsewhere is left out, and so are hidden folders."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        place = path.resolve()
        if not place.is_file() or place in hidden or not place.is_relative_to(root):
            continue
        if any(each.startswith(".") or each == "__pycache__" for each in parts[:-1]):
            continue
        yield "/".join(parts), path.read_bytes()


def without_passwords(settings: str) -> str:
    """Return settings with `***` in the place of each password in an address, comments included.

    Raises `MendError` where one is written in a way that is not seen.
    """
    cleaned = _PASSWORD_ASKED.sub(r"\1***", _PASSWORD.sub(r"\1***@", settings))
    url = str(tomllib.loads(settings).get("database", {}).get("url", ""))
    password = urlsplit(url).password or ""
    if password and any(each in cleaned for each in {password, unquote(password)}):
        mend = "set TRIPOINT_DATABASE__URL in the environment instead"
        raise MendError("the password of the database stands in the settings where it cannot be left out", mend)
    return cleaned
