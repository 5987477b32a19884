"""A message and who reads it: the values that pass between rendering and channels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """How a message is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a message is written."""

    form: Format
    language: str = "en"  #: of the fixed words; what an article says stays as it was written
    timezone: str = ""  #: IANA name; empty shows the outlet's own time
    longest: int = 0  #: most that the service takes in one message, 0 for no limit
    in_bytes: bool = False  #: the limit counts bytes of UTF-8, not characters


@dataclass(frozen=True, slots=True)
class Picture:
    """An image inside a mail, shown where its HTML says `cid:` and the name."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A message, ready to send."""

    subject: str
    body: str
    format: Format
    plain: str = ""  #: the same as plain text, for mail whose body is HTML
    reference: str = ""  #: by which two copies are told to be the same
    thread: str = ""  #: what belongs together has the same; mail threads by it
    starts_thread: bool = True  #: it is the first of its thread
    pictures: tuple[Picture, ...] = ()
    occasion: str = ""  #: the same for every try; another where a person has it sent again
