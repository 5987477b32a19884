"""How much room there is where this machine writes, and how little is too little, for self-check and doctor alike."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from storage.restoring import file_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import StorageError

LEAST_FREE_BYTES = 500 * 1024 * 1024
_MEND = "free some space, or shorten [retention]"


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the disk of a folder."""

    folder: Path
    free_bytes: int

    @property
    def is_enough(self) -> bool:
        """Say whether the service may go on for a while."""
        return self.free_bytes >= LEAST_FREE_BYTES

    @property
    def mend(self) -> str:
        """Return what to do about it, nothing where it is enough."""
        return "" if self.is_enough else _MEND

    def __str__(self) -> str:
        return f"{self.free_bytes // 2**20} MiB free in {self.folder}"


def room_of(settings: Settings) -> Room:
    """Return the room where the SQLite file lies, with another database where this process runs.

    Raises `StorageError` where nobody can tell.
    """
    file = file_of(settings.database_url)
    folder = file.parent if file else Path.cwd()
    try:
        return Room(folder, shutil.disk_usage(folder).free)
    except OSError as error:
        raise StorageError(f"cannot look at {folder}: {error.strerror}", "check that it is there") from error
