"""TOML as an analyst edits it: values are read by name, and a mistake is told with its line and its mend."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from tripoint.domain.errors import Place, SeedError

_HEADER = re.compile(r"^\s*(\[\[|\[)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*(?:=|\.)""")
_TOML_LINE = re.compile(r"\(at line (\d+)")

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Return the line on which each table and each of its keys first stands, counted from 1."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header and "=" not in line.split("]")[0]:
            path: Path = ()
            parts = [part.strip().strip("\"'") for part in header[2].split(".")]
            for depth, part in enumerate(parts, start=1):
                path = (*path, part)
                if header[1] == "[[" and depth == len(parts):
                    counts[path] = counts.get(path, -1) + 1
                if path in counts:
                    path = (*path, counts[path])
            here = path
            lines.setdefault(here, number)
        elif key := _KEY.match(line):
            lines.setdefault((*here, key[1] or key[2] or key[3]), number)
    return lines


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date")


class SeedTable:
    """One table of a seed file; whoever reads it asks for each key once and then calls `done`."""

    def __init__(self, file: str, values: Mapping[str, Any], lines: Mapping[Path, int], path: Path = ()) -> None:
        self.file = file
        self._values = values
        self._lines = lines
        self._path = path
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def names(self) -> Sequence[str]:
        """Return the keys in the order of the file; each counts as asked for."""
        self._asked.update(self._values)
        return tuple(self._values)

    def place(self, key: str = "") -> Place:
        """Return where a key stands, or the nearest table around it."""
        path: Path = (*self._path, key) if key else self._path
        while path and path not in self._lines:
            path = path[:-1]
        return Place(self.file, self._lines.get(path, 0))

    def error(self, key: str, problem: str, mend: str) -> SeedError:
        """Return the error to raise about a key of this table."""
        return SeedError(self.place(key), problem, mend)

    def _get(self, key: str, default: Any, want: type | tuple[type, ...], example: str) -> Any:
        self._asked.add(key)
        if key not in self._values:
            if default is None:
                raise self.error("", f"`{key}` is missing", f"add {key} = {example}")
            return default
        value = self._values[key]
        if not isinstance(value, want) or (isinstance(value, bool) and want is not bool):
            raise self.error(key, f"`{key}` is {_kind(value)}", f"write it as {key} = {example}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there and not be blank."""
        value: str = self._get(key, default, str, '"…"')
        if default is None and not value.strip():
            raise self.error(key, f"`{key}` is empty", "fill it in")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return true or false."""
        value: bool = self._get(key, default, bool, "true")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number."""
        return float(self._get(key, default, (int, float), "1.0"))

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return a list of texts that are not blank."""
        values = self._get(key, default, (list, tuple), '["…"]')
        for value in values:
            if not isinstance(value, str) or not value.strip():
                raise self.error(key, f"`{key}` holds {value!r}", "every item is a text between quotes")
        return tuple(values)

    def table(self, key: str) -> SeedTable:
        """Return a sub-table; one that is not there is empty."""
        value = self._get(key, {}, dict, "{ … }")
        return SeedTable(self.file, value, self._lines, (*self._path, key))

    def tables(self, key: str) -> Sequence[SeedTable]:
        """Return the tables of an array `[[key]]`."""
        values = self._get(key, [], list, "[[…]]")
        for value in values:
            if not isinstance(value, dict):
                raise self.error(key, f"`{key}` holds {_kind(value)}", f"begin each entry with [[{key}]]")
        return [SeedTable(self.file, value, self._lines, (*self._path, key, i)) for i, value in enumerate(values)]

    def done(self) -> None:
        """Refuse keys that nobody asked for, with the nearest known one as the mend."""
        for key in self._values:
            if key not in self._asked:
                near = difflib.get_close_matches(key, sorted(self._asked), n=1)
                mend = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(self._asked))}"
                raise self.error(key, f"unknown key `{key}`", mend)


def read_seed(file: str, text: str) -> SeedTable:
    """Parse a TOML file; `file` is how errors name it.

    Raises `SeedError` with the line of the first mistake.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) if found else len(text.splitlines())
        problem = _TOML_LINE.split(str(error))[0].strip()
        raise SeedError(Place(file, line), f"not valid TOML: {problem}", "mend that line") from error
    return SeedTable(file, values, lines_of(text))
