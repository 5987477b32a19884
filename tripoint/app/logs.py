"""How the service's log is written: lines for a person on a terminal, JSON lines elsewhere.

Whatever a site or a server said ends as one printable line of bounded length, and known secrets are taken out of it.
What an unexpected error says may hold a page's text: its places in the code are told, and of its words only the first.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from tripoint.domain.text import one_line

LONGEST = 2_000  #: characters of a message
_LONGEST_ERROR = 120
_LEAST_SECRET = 6  # what is shorter would be found in any text
HIDDEN = "***"
# What addresses carry: name and password before the host, and tokens in their query.
_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")
_TOKEN = re.compile(r"(?i)([?&](?:[a-z_]*(?:token|key|secret|pass(?:word)?|auth|sig(?:nature)?))=)[^\s&#\"']+")
_OURS = ("tripoint", "crawler", "storage", "alerts", "scheduler")


class LogFormat(StrEnum):
    """How lines look."""

    AUTO = "auto"  #: for a person on a terminal, else JSON
    HUMAN = "human"
    JSON = "json"


class Hider:
    """Takes secrets out of texts."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def learn(self, secrets: Iterable[str]) -> None:
        """Take these out too; the longest first, since one may be part of another."""
        known = {*self._secrets, *(each for each in secrets if len(each) >= _LEAST_SECRET)}
        self._secrets = sorted(known, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return a text as one printable line without secrets."""
        for each in self._secrets:
            text = text.replace(each, HIDDEN)
        text = _TOKEN.sub(rf"\1{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))
        return one_line("".join(c if c.isprintable() else " " for c in text))


class _Formatter(logging.Formatter):
    """What both forms share."""

    def __init__(self, hider: Hider) -> None:
        super().__init__()
        self._hider = hider

    def message(self, record: logging.LogRecord) -> str:
        """Return the message as one line."""
        return self._hider.clean(record.getMessage())[:LONGEST]

    def error(self, record: logging.LogRecord) -> tuple[str, list[str]]:
        """Return what was raised, in a few words, and the places in the code that led there, innermost last."""
        if not record.exc_info or record.exc_info[1] is None:
            return "", []
        raised = record.exc_info[1]
        frames = traceback.extract_tb(record.exc_info[2])
        said = self._hider.clean(str(raised))[:_LONGEST_ERROR]
        return f"{type(raised).__name__}: {said}", [f"{_short(each.filename)}:{each.lineno}" for each in frames]


SERVICE = "tripoint.service"
"""The logger of what the service says of its own accord."""


class HumanFormatter(_Formatter):
    """A line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        error, places = self.error(record)
        raised = f" ({error}; at {' > '.join(places[-4:])})" if error else ""
        if record.levelno <= logging.INFO and record.name == SERVICE:
            return self.message(record) + raised  # what the service says itself needs no label
        return f"{_at(record):%Y-%m-%d %H:%M:%S} UTC {record.levelname} {record.name}: {self.message(record)}{raised}"


class JsonFormatter(_Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `message`; `error` and `places` where something was raised."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = {
            "at": _at(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
        }
        error, places = self.error(record)
        more = {"error": error, "places": places} if error else {}
        return json.dumps(said | more, ensure_ascii=False)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours among whatever handlers there are."""

    logs: Logs


def installed() -> Logs | None:
    """Return how this process logs, None where it was not said yet."""
    return next((each.logs for each in logging.getLogger().handlers if isinstance(each, _Handler)), None)


class Logs:
    """How this process logs."""

    def __init__(self, form: LogFormat, *, verbose: bool, stream: TextIO | None = None) -> None:
        """Prepare it; `install` puts it in the place of whatever logs now."""
        self.hider = Hider()
        self._form = form
        self._stream = stream
        self._level = logging.INFO if verbose else logging.WARNING
        self.is_json = False

    def install(self, *, is_service: bool = False) -> None:
        """Write to stderr from now on; a service that no terminal shows writes JSON unless told otherwise."""
        stream = self._stream or sys.stderr
        is_json = self._form is LogFormat.JSON or (self._form is LogFormat.AUTO and is_service and not stream.isatty())
        handler = _Handler(stream)
        handler.logs = self
        handler.setFormatter(JsonFormatter(self.hider) if is_json else HumanFormatter(self.hider))
        root = logging.getLogger()
        for each in list(root.handlers):
            root.removeHandler(each)
        root.addHandler(handler)
        root.setLevel(self._level)
        logging.getLogger(SERVICE).setLevel(logging.INFO)
        self.is_json = is_json


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _short(file: str) -> str:
    """Return a file's path from its package on: where it is installed is nobody's business."""
    parts = file.replace("\\", "/").split("/")
    at = next((n for n in range(len(parts) - 2, -1, -1) if parts[n] in (*_OURS, "site-packages")), None)
    if at is None:
        return parts[-1]
    return "/".join(parts[at + (parts[at] == "site-packages") :])
