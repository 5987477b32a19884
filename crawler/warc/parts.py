"""A WARC file piece by piece, from a disk or from a server; no more of it is ever held."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tripoint.domain.backfill import Ask
from tripoint.domain.types import Failure, Step


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a file."""

    body: bytes
    start: int  #: bytes into the file
    total_bytes: int  #: of the file

    @property
    def is_last(self) -> bool:
        """Return whether the file ends with it."""
        return self.start + len(self.body) >= self.total_bytes


class Parts(Protocol):
    """One file."""

    async def read(self, start: int, size: int) -> Part | Failure:
        """Return up to so many bytes from a place on."""
        ...


class DiskParts:
    """A file on this machine; it may grow while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self, start: int, size: int) -> Part | Failure:
        """Return up to so many bytes from a place on."""
        try:
            return await asyncio.to_thread(self._read, start, size)
        except OSError as error:
            return Failure(Step.FETCH, str(self._path), f"cannot be read: {error.strerror}", retryable=True)

    def _read(self, start: int, size: int) -> Part:
        with self._path.open("rb") as file:
            total = file.seek(0, 2)
            file.seek(start)
            return Part(file.read(size), start, total)


class ServerParts:
    """A file on a server that gives parts of it (RFC 9110, 14)."""

    def __init__(self, url: str, ask: Ask) -> None:
        self._url = url
        self._ask = ask

    async def read(self, start: int, size: int) -> Part | Failure:
        """Return up to so many bytes from a place on."""
        answer = await self._ask.get(self._url, part=(start, start + size - 1))
        if isinstance(answer, Failure):
            return answer
        if answer.status == 206 and answer.total_bytes is not None:
            return Part(answer.body, start, answer.total_bytes)
        if answer.status == 200:  # a small file, or a server that does not know how to give a part
            return Part(answer.body[start : start + size], start, len(answer.body))
        return Failure(Step.FETCH, self._url, f"HTTP {answer.status} without the length of the file", retryable=False)
