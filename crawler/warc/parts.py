"""A WARC file piece by piece, from a disk or from a server; no more of it is ever held."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tripoint.domain.backfill import Ask, Patience
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

    @property
    def address(self) -> str:
        """Return its path or web address."""
        ...

    async def read(self, start: int, size: int) -> Part | Failure:
        """Return up to so many bytes from a place on."""
        ...


class DiskParts:
    """A file on this machine; it may grow while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def address(self) -> str:
        """Return its path."""
        return str(self._path)

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
    """A file on a server that gives parts of it (RFC 9110, 14).

    It is asked for long stretches, since each question may be refused and a long answer is refused as seldom as a short
    one; what was fetched ahead is held until it is read.
    """

    def __init__(self, url: str, ask: Ask, patience: Patience) -> None:
        self._url = url
        self._ask = ask
        self._patience = patience
        self._ahead = b""
        self._start = 0  # of what is ahead, in bytes into the file
        self._total: int | None = None  # known after the first answer

    @property
    def address(self) -> str:
        """Return its web address."""
        return self._url

    async def read(self, start: int, size: int) -> Part | Failure:
        """Return up to so many bytes from a place on."""
        if not self._start <= start <= self._start + len(self._ahead):
            self._ahead, self._start = b"", start
        self._ahead, self._start = self._ahead[start - self._start :], start
        while len(self._ahead) < size and (self._total is None or start + len(self._ahead) < self._total):
            if failure := await self._fetch(start + len(self._ahead)):
                return failure
        return Part(self._ahead[:size], start, self._total or 0)

    async def _fetch(self, first: int) -> Failure | None:
        most = self._patience.most_bytes
        answer = await self._ask.get(self._url, part=(first, first + most - 1), patience=self._patience)
        if isinstance(answer, Failure):
            return answer
        if answer.status == 200:  # a small file, or a server that does not know how to give a part
            body, total = answer.body[first:], len(answer.body)
        else:
            body, total = answer.body, answer.total_bytes or 0
        if self._total not in {None, total}:
            return Failure(Step.FETCH, self._url, "the file changed while it was read", retryable=True)
        if not body and first < total:
            return Failure(Step.FETCH, self._url, "the server gave nothing of the file", retryable=True)
        self._ahead += body
        self._total = total
        return None
