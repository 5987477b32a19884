"""Files that hold what is nobody else's business, and whether others of this machine may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from storage.restoring import BESIDE, file_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import StorageError


def wide_files(settings: Settings) -> list[Path]:
    """Return the files of the database and of secrets that every user of this machine may read or write.

    A group may be let in on purpose. A folder that lets no one through keeps what is below it.
    """
    if os.name == "nt":
        return []
    return [each for each in dict.fromkeys(_files(settings)) if _is_wide(each)]


def _files(settings: Settings) -> Iterator[Path]:
    if (database := file_of(settings.database_url)) is not None:
        yield database
        yield from (Path(f"{database}{each}") for each in BESIDE)
    if settings.web.token_file is not None:
        yield settings.web.token_file.absolute()
    for channel in settings.channels.values():
        if channel.url_file is not None:
            yield channel.url_file.absolute()


def _is_wide(file: Path) -> bool:
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode) or not mode & (stat.S_IROTH | stat.S_IWOTH):
            return False  # what is no file holds no secret: its mend would close a folder that others need
        return all(each.stat().st_mode & stat.S_IXOTH for each in file.resolve().parents)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot look at {file}: {error.strerror}", "check the rights of its folder") from error


def how_to_close(files: list[Path]) -> str:
    """Return the command that closes them."""
    return f"chmod o-rwx {' '.join(map(str, files))}"
