"""Every error that Tripoint raises on purpose, named by what the caller should do.

TripointError
├── MendError              stop, and mend what the person wrote
│   ├── SettingsError      tripoint.toml, the environment or an option
│   └── SeedError          a file under seeds/ (file, line, problem, mend)
├── BusyError              stop: another process holds this database
│   └── LostLockError      stop at once: this process held it, and another may hold it now
├── StorageError           stop: the database cannot be used; nothing was half-written
│   └── ConflictError      do it again: another process was in the way; nothing was written
└── UnavailableError       try again later: a server or worker did not answer
    └── HandBackError      leave it to another process, or to this one in a while
"""

from __future__ import annotations

from dataclasses import dataclass


class TripointError(Exception):
    """The root: a command prints it as one line, without a traceback."""

    def __init__(self, problem: str, mend: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.problem} — {self.mend}" if self.mend else self.problem


class MendError(TripointError):
    """Something that a person wrote is wrong; no retry will help."""


class SettingsError(MendError):
    """A setting is unknown or has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file: `line` counts from 1, 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class SeedError(MendError):
    """A seed file says something that cannot be used."""

    def __init__(self, place: Place, problem: str, mend: str) -> None:
        super().__init__(f"{place}: {problem}", mend)
        self.place = place


class BusyError(TripointError):
    """Another Tripoint process works on the same database."""


class LostLockError(BusyError):
    """This process worked alone on its database, and does so no more."""


class StorageError(TripointError):
    """The database cannot be opened, migrated or written."""


class ConflictError(StorageError):
    """Two processes waited for each other, and the database chose this one to begin again."""


class UnavailableError(TripointError):
    """Something outside did not answer; the same call may work later."""


class HandBackError(UnavailableError):
    """This process cannot do it now; another may, or this one later."""
