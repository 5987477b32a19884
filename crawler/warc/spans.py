"""Where the records of a piece of a WARC file begin and end, and what their heads say; no content is looked at.

Records are walked through from the first byte on, by their gzip members or their lengths, and never searched for: a
page may hold what looks like a record. Only behind a damaged one the next is searched, for nothing else is left.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

GZIP = b"\x1f\x8b"
_WARC = b"WARC/"
_HEAD_BYTES = 64 * 1024
_STEP = 64 * 1024
_PEEK = 512  # bytes that show whether a record begins
_SLACK = 64  # line ends behind a record
_ANY_GZIP = 31  # zlib's word for "with a gzip head"
_END = b"\r\n\r\n"
_LINE_ENDS = (b"\r", b"\n")
_FIELD = re.compile(rb"^([A-Za-z0-9-]+)[ \t]*:[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)
_LENGTH = re.compile(rb"\d{1,15}")
_MAY_BEGIN = re.compile(rb"\x1f\x8b\x08|\r\n\r\nWARC/(?=[01]\.)")
_SAID = (b"warc-type", b"warc-target-uri", b"warc-date", b"content-type")
CUT = "it is cut off in the middle of a record"


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record is, and what its head says."""

    start: int  #: bytes into the file
    end: int
    kind: str  #: WARC-Type
    url: str
    captured: datetime | None
    content_type: str
    content_bytes: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that is no whole record."""

    at: int  #: bytes into the file
    reason: str
    is_cut: bool = False  #: the file ends too early, and may go on one day


@dataclass(frozen=True, slots=True)
class Walked:
    """The records of a piece."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    until: int  #: bytes into the file: where to go on; behind the piece where a record is that is not needed
    is_lost: bool = False  #: what is there is no record, and the next one was not found yet


class NoWarcError(ValueError):
    """Not a WARC file, or none that can be read record by record."""


def check_start(head: bytes) -> None:
    """Raise `NoWarcError` where a file that begins so cannot be read record by record; 256 kB are enough."""
    if not head:
        raise NoWarcError("it is empty")
    if not head.startswith(GZIP):
        if not head.lstrip(b"\r\n").startswith(_WARC):
            raise NoWarcError("it does not begin as a WARC file")
        return
    try:
        text = zlib.decompressobj(_ANY_GZIP).decompress(head, 4 * _HEAD_BYTES)
    except zlib.error as error:
        raise NoWarcError("it does not begin as a WARC file: it cannot be unpacked") from error
    if not text.startswith(_WARC):
        raise NoWarcError("it does not begin as a WARC file")
    said = _head(text)
    if said and text[said.head_bytes + said.content_bytes :].lstrip(b"\r\n").startswith(_WARC):
        raise NoWarcError("it is packed as a whole and not record by record: unpack it with gunzip, and name the .warc")


def walk(
    piece: bytes, start: int, most_bytes: int, *, is_last: bool, is_lost: bool = False, most_records: int = 1_000
) -> Walked:
    """Return the records of a piece of a file that begins at a record, `start` bytes into the file.

    A record that goes on behind the piece is left for the next one, unless the piece is the file's last. One with more
    than `most_bytes` of content is stepped over where its length is known. A piece that `is_lost` begins anywhere.
    After so many records the rest is left too: a piece may hold ten thousand of them, for which a worker has no time.
    """
    records: list[Record] = []
    problems: list[Problem] = []
    at = 0
    while at < len(piece) and len(records) < most_records:
        if is_lost:
            at, is_lost = _next_record(piece, at, is_last=is_last)
            if is_lost:
                break
        step = _member(piece, at, start) if piece.startswith(GZIP, at) else _plain(piece, at, start, most_bytes)
        if isinstance(step, Record):
            records.append(step)
            at = step.end - start
            continue
        if step is None:  # line ends, and nothing behind them
            at = len(piece)
            break
        if step.is_cut and not is_last:
            break
        problems.append(step)
        if step.is_cut:
            break
        at, is_lost = at + 1, True
    return Walked(tuple(records), tuple(problems), start + at, is_lost)


def _member(piece: bytes, at: int, start: int) -> Record | Problem:
    """Read one gzip member, which holds one record."""
    inflater, said, head = zlib.decompressobj(_ANY_GZIP), None, b""
    place, unpacked = at, 0
    while not inflater.eof:
        if place >= len(piece):
            return Problem(start + at, CUT, is_cut=True)
        try:
            part = inflater.decompress(piece[place : place + _STEP])
        except zlib.error:
            return Problem(start + at, "a record cannot be unpacked")
        place += _STEP
        unpacked += len(part)
        if said is None:
            head = (head + part)[:_HEAD_BYTES]
            said = _head(head)
        if said and unpacked > said.head_bytes + said.content_bytes + _SLACK:
            return Problem(start + at, "a record is longer than it says")
    if said is None:
        return Problem(start + at, "a record has no head that can be read")
    if unpacked < said.head_bytes + said.content_bytes:
        return Problem(start + at, "a record is shorter than it says")
    end = min(place, len(piece)) - len(inflater.unused_data)
    return said.record(start + at, start + end)


def _plain(piece: bytes, at: int, start: int, most_bytes: int) -> Record | Problem | None:
    """Read one record that is not packed."""
    while piece[at : at + 1] in _LINE_ENDS:
        at += 1
    if at == len(piece):
        return None
    if not piece.startswith(_WARC, at):
        is_cut = _WARC.startswith(piece[at : at + len(_WARC)])
        return Problem(start + at, CUT if is_cut else "there is something that is no record", is_cut=is_cut)
    said = _head(piece[at : at + _HEAD_BYTES])
    if said is None:
        is_cut = len(piece) - at < _HEAD_BYTES
        return Problem(start + at, CUT if is_cut else "a record has no head that can be read", is_cut=is_cut)
    end = at + said.head_bytes + said.content_bytes
    if end + len(_END) > len(piece) and said.content_bytes <= most_bytes:
        return Problem(start + at, CUT, is_cut=True)
    if end < len(piece) and not piece.startswith(_END, end):
        return Problem(start + at, "a record is shorter or longer than it says")
    return said.record(start + at, start + end + len(_END))


def _next_record(piece: bytes, at: int, *, is_last: bool) -> tuple[int, bool]:
    """Return where the next record begins, and whether none does yet."""
    for found in _MAY_BEGIN.finditer(piece, at):
        begin = found.start() if piece.startswith(GZIP, found.start()) else found.end() - len(_WARC)
        if not is_last and len(piece) - begin < _PEEK:
            return found.start(), True
        if piece.startswith(_WARC, begin) or _unpacks_to_record(piece[begin : begin + _PEEK]):
            return begin, False
    return (len(piece) if is_last else max(at, len(piece) - _PEEK)), True


def _unpacks_to_record(packed: bytes) -> bool:
    try:
        return zlib.decompressobj(_ANY_GZIP).decompress(packed, _PEEK).startswith(_WARC)
    except zlib.error:
        return False


@dataclass(frozen=True, slots=True)
class _Head:
    """What the head of a record says."""

    head_bytes: int  #: its length, with the empty line that ends it
    content_bytes: int
    fields: dict[bytes, bytes]

    def record(self, start: int, end: int) -> Record:
        """Return the record that has it."""
        said = {name: self.fields.get(name, b"").decode("utf-8", "replace") for name in _SAID}
        return Record(
            start,
            end,
            said[b"warc-type"].lower(),
            said[b"warc-target-uri"].strip("<>"),
            _moment(said[b"warc-date"]),
            said[b"content-type"],
            self.content_bytes,
        )


def _head(text: bytes) -> _Head | None:
    """Read the head that a text begins with, None where it does not end there or says no length."""
    end = text.find(_END)
    if end < 0 or not text.startswith(_WARC):
        return None
    fields = {name.lower(): value for name, value in _FIELD.findall(text[:end])}
    length = fields.get(b"content-length", b"")
    return _Head(end + len(_END), int(length), fields) if _LENGTH.fullmatch(length) else None


class Stepper:
    """Steps over a gzip member that is longer than a piece, without keeping what is in it."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(_ANY_GZIP)

    def feed(self, part: bytes) -> int | None:
        """Return how many bytes of a part belong to the member if it ends there; raises `NoWarcError` for damage."""
        for place in range(0, len(part), _STEP):
            try:
                self._inflater.decompress(part[place : place + _STEP])
            except zlib.error as error:
                raise NoWarcError("a record cannot be unpacked") from error
            if self._inflater.eof:
                return min(place + _STEP, len(part)) - len(self._inflater.unused_data)
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
