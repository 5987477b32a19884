"""What an address may be asked: declared once, for the description of the API and for reading it, page or API alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tripoint.app.telling import moment
from tripoint.domain.errors import MendError

_NUMBER = re.compile(r"\d{1,3}(\.\d{1,30})?(e-\d{1,3})?", re.IGNORECASE)
Asked = Mapping[str, Any]  # values by the names of the parameters


class AskedError(MendError):
    """An address asks for what cannot be."""


class Parameter(Protocol):
    """One parameter of a query."""

    @property
    def name(self) -> str:
        """Its name in the address."""
        ...

    @property
    def meaning(self) -> str:
        """What it does, for the description."""
        ...

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        ...

    def read(self, given: Sequence[str], now: datetime) -> Any:
        """Return the value that is meant; raises `AskedError` for one that cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in a range."""

    name: str
    meaning: str
    default: int
    least: int
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most, "default": self.default}

    def read(self, given: Sequence[str], now: datetime) -> int:
        """Return the number."""
        text = _single(self.name, given)
        if text is None:
            return self.default
        if not (text.isascii() and text.isdecimal() and len(text) <= 9 and self.least <= int(text) <= self.most):
            raise AskedError(
                f"{self.name} is no number from {self.least} to {self.most}", f"{self.name}={self.default}"
            )
        return int(text)


@dataclass(frozen=True, slots=True)
class Fraction:
    """A number from 0 to 1, or nothing."""

    name: str
    meaning: str

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "number", "minimum": 0, "maximum": 1}

    def read(self, given: Sequence[str], now: datetime) -> float | None:
        """Return the number, None where none is given."""
        text = _single(self.name, given)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text) or float(text) > 1:
            raise AskedError(f"{self.name} is no number from 0 to 1", f"such as {self.name}=0.5")
        return float(text)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    name: str
    meaning: str

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "boolean", "default": False}

    def read(self, given: Sequence[str], now: datetime) -> bool:
        """Return whether it is asked for."""
        text = _single(self.name, given)
        if text not in {None, "true", "false"}:
            raise AskedError(f"{self.name} is neither true nor false", f"{self.name}=true")
        return text == "true"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, or nothing."""

    name: str
    meaning: str
    known: tuple[str, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "string", "enum": list(self.known)}

    def read(self, given: Sequence[str], now: datetime) -> str:
        """Return the word, "" where none is given."""
        text = _single(self.name, given)
        if text is not None and text not in self.known:
            raise AskedError(f"{self.name} is not known", f"choose from {', '.join(self.known)}")
        return text or ""


@dataclass(frozen=True, slots=True)
class Words:
    """Any text up to a length."""

    name: str
    meaning: str
    longest: int = 500

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "string", "maxLength": self.longest}

    def read(self, given: Sequence[str], now: datetime) -> str:
        """Return the text."""
        text = _single(self.name, given) or ""
        if len(text) > self.longest:
            raise AskedError(f"{self.name} is longer than {self.longest} characters", "ask for less at once")
        return text


@dataclass(frozen=True, slots=True)
class Names:
    """Any number of short words: the parameter may be given again."""

    name: str
    meaning: str
    longest: int = 100
    most: int = 50

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "array", "maxItems": self.most, "items": {"type": "string", "maxLength": self.longest}}

    def read(self, given: Sequence[str], now: datetime) -> tuple[str, ...]:
        """Return the words."""
        if len(given) > self.most or any(len(each) > self.longest for each in given):
            raise AskedError(f"{self.name} is too long, or given too often", f"at most {self.most} times")
        return tuple(each for each in given if each)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, or how long before now."""

    name: str
    meaning: str

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "string", "maxLength": 40, "examples": ["24h", "7d", "2026-11-24T08:00+07:00"]}

    def read(self, given: Sequence[str], now: datetime) -> datetime | None:
        """Return the moment, None where none is given."""
        text = _single(self.name, given)
        try:
            return None if text is None else moment(text[:40], now)
        except MendError as error:
            raise AskedError(f"{self.name}: {error.problem}", error.mend) from error


def read_all(parameters: Iterable[Parameter], given: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
    """Read every parameter of a query; raises `AskedError` for a wrong value and for a name that is not known."""
    known = {each.name: each for each in parameters}
    unknown = [name for name, _ in given if name not in known]
    if unknown:
        raise AskedError("there is no such parameter", f"known are {', '.join(known) or 'none'}")
    return {name: each.read([value for key, value in given if key == name], now) for name, each in known.items()}


def read_form(parameters: Iterable[Parameter], given: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
    """Read what a form sent: an empty field asks for nothing, and what is not of this form is let be."""
    wanted = list(parameters)
    names = {each.name for each in wanted}
    return read_all(wanted, [(name, text.strip()) for name, text in given if name in names and text.strip()], now)


def _single(name: str, given: Sequence[str]) -> str | None:
    if len(given) > 1:
        raise AskedError(f"{name} is given more than once", "give it once")
    return given[0] if given else None
