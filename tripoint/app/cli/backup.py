"""`tripoint backup` and `tripoint restore`: the whole archive into one file, also while the service runs, and back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.bars import bars
from tripoint.app.cli.terminal import out, plain, print_json, settings_of
from tripoint.domain.errors import MendError, StorageError

if TYPE_CHECKING:
    from tripoint.app.backup import Manifest
    from tripoint.app.settings import Settings

_BACKUP = "Example: tripoint backup /srv/backups   ·   tripoint backup before-upgrade.zip --json"
_RESTORE = "Example: tripoint restore before-upgrade.zip --replace   ·   tripoint restore --undo"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""

    @app.command(epilog=_BACKUP)
    def backup(
        context: typer.Context,
        target: Annotated[Path, typer.Argument(metavar="FILE", help="New file; in a folder it is named by the time.")],
        replace: Annotated[bool, typer.Option("--replace", help="Overwrite a file that is there.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Write database, seeds, rules, templates and settings into one file; the service may run meanwhile.

        Passwords are left out. What was written is read again and compared before the file gets its name.
        """
        from tripoint.app.backup import write_backup
        from tripoint.app.wiring import utc_now

        settings, now = settings_of(context), utc_now()
        file = target / f"tripoint-{now:%Y%m%dT%H%M%SZ}.zip" if target.is_dir() else target
        if file.exists() and not replace:
            raise MendError(f"{file} is there already", "name another file, or use --replace")
        if not file.parent.is_dir():
            raise MendError(f"there is no folder {file.parent}", "make it first")
        with bars() as tell:
            manifest = write_backup(settings, context.obj[0], file, now, tell)
        _tell(manifest, file, {"bytes": file.stat().st_size}, as_json=as_json)

    @app.command(epilog=_RESTORE)
    def restore(
        context: typer.Context,
        file: Annotated[Path | None, typer.Argument(metavar="FILE", help="What `tripoint backup` wrote.")] = None,
        replace: Annotated[bool, typer.Option("--replace", help="Set a database aside that is there.")] = False,
        check: Annotated[bool, typer.Option("--check", help="Only see whether the backup is whole.")] = False,
        undo: Annotated[bool, typer.Option("--undo", help="Put back what the last restore set aside.")] = False,
        files: Annotated[Path | None, typer.Option(help="Write seeds and settings into this new folder.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Put the database of a backup in its place; refused while the service runs.

        A database that is there is set aside, and `--undo` puts it back. Seeds and settings stay as they are:
        `--files DIR` writes those of the backup into a new folder, and does nothing else.
        """
        if (file is None) != undo or check + undo + (files is not None) > 1:
            raise MendError(
                "one thing at a time", "name a backup, with --check or --files DIR if wanted, or use --undo"
            )
        settings = settings_of(context)
        if file is None:
            _undo(settings, as_json=as_json)
        elif files is not None:
            _files(file, files, as_json=as_json)
        elif check:
            _check(file, as_json=as_json)
        else:
            _restore(settings, file, replace=replace, as_json=as_json)


def _tell(manifest: Manifest, file: Path, more: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), **asdict(manifest), **more})
        return
    tables = manifest.tables
    told = (
        f"{tables.get('articles', 0)} articles, {tables.get('alerts', 0)} alerts, {len(manifest.files) - 1} other files"
    )
    out().print(plain(f"{file}: {told}, as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC; every byte was read again"))


def _check(file: Path, *, as_json: bool) -> None:
    from tripoint.app.backup import check_backup, unpack_database

    with bars() as tell, tempfile.TemporaryDirectory(dir=file.parent if file.parent.is_dir() else None) as folder:
        check_backup(file, tell)
        manifest = unpack_database(file, Path(folder) / "tripoint.db", tell)
    _tell(manifest, file, {}, as_json=as_json)


def _files(file: Path, folder: Path, *, as_json: bool) -> None:
    from tripoint.app.backup import unpack_files

    try:
        names = unpack_files(file, folder)
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror}", "name another folder") from error
    if as_json:
        print_json({"folder": str(folder), "files": names})
    else:
        out().print(plain(f"{len(names)} files in {folder}; the database was left alone"))


@contextmanager
def _beside(settings: Settings, file: Path) -> Iterator[Path]:
    """Make a folder to unpack into: on the disk of the database where that is a file."""
    from storage.restoring import file_of
    from tripoint.app.backup import workplace

    target = file_of(settings.database_url)
    try:
        if target is None:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with workplace(target) as beside:
            yield beside
    except OSError as error:
        mend = "nothing was changed; free some space, or check the rights of the folder"
        raise StorageError(f"cannot unpack: {error.strerror or error}", mend) from error


def _restore(settings: Settings, file: Path, *, replace: bool, as_json: bool) -> None:
    from storage.lock import instance_lock
    from storage.restoring import bring_up_to_date, is_there, put_in_place, refuse_newer
    from tripoint.app.backup import opened_backup, unpack_database
    from tripoint.app.wiring import utc_now

    url = settings.database_url
    with opened_backup(file) as (manifest, _):
        refuse_newer(manifest.database_version)
    with _beside(settings, file) as folder, instance_lock(url):
        if is_there(url) and not replace:
            raise MendError("there is a database already", "`--replace` sets it aside, and `--undo` puts it back")
        with bars() as tell:
            unpacked = folder / "tripoint.db"
            manifest = unpack_database(file, unpacked, tell)
            bring_up_to_date(unpacked, tell)
            aside = put_in_place(url, unpacked, utc_now(), tell)
    if as_json:
        _tell(manifest, file, {"set_aside": aside}, as_json=True)
        return
    _tell(manifest, file, {}, as_json=False)
    out().print(plain(f"restored; {_where(aside)}" if aside else "restored"))


def _undo(settings: Settings, *, as_json: bool) -> None:
    from storage.lock import instance_lock
    from storage.restoring import undo
    from tripoint.app.wiring import utc_now

    with instance_lock(settings.database_url):
        back, aside = undo(settings.database_url, utc_now())
    if as_json:
        print_json({"restored": back, "set_aside": aside})
    else:
        out().print(
            plain(f"{back} is the database again; {_where(aside)}" if aside else f"{back} is the database again")
        )


def _where(aside: str) -> str:
    kind = "file" if "/" in aside or "\\" in aside else "schema"
    return (
        f"what was there is now the {kind} {aside}; `tripoint restore --undo` puts it back, delete it when all is well"
    )
