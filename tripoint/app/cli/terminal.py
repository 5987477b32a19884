"""How the command line speaks: results on stdout, everything else on stderr, outside text never as markup."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tripoint.app.logs import SERVICE, LogFormat, Logs, installed
from tripoint.app.settings import Settings, load_settings


def settings_of(context: typer.Context, options: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings with the options of the command, which are the strongest."""
    file, common = context.obj
    return load_settings(file, {**common, **(options or {})})


def out() -> Console:
    """Return the console for results."""
    return Console(file=sys.stdout, markup=False, highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """Return the console for progress and errors."""
    return Console(file=sys.stderr, markup=False, highlight=False, soft_wrap=not sys.stderr.isatty())


def plain(text: str) -> str:
    """Return outside text as one line that cannot steer a terminal."""
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())


def log_as_service(settings: Settings) -> Callable[[str], None]:
    """Log from now on as a service does, without any secret of the settings; returns what says a line."""
    from tripoint.app.hidden import secrets_of  # loads much that `--help` need not wait for

    logs = installed() or Logs(LogFormat.AUTO, verbose=False)
    logs.install(is_service=True)
    logs.hider.learn(secrets_of(settings))
    return logging.getLogger(SERVICE).info


def is_person_there() -> bool:
    """Return whether somebody can be asked: stdout may be a file all the same."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def says_yes(question: str) -> bool:
    """Ask on stderr, so that stdout holds results alone; anything but yes is no."""
    console = err()
    console.print(Text(f"{question} [y/N] "), end="")
    try:
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
    except KeyboardInterrupt:
        console.print()
        return False


def complain(message: str) -> None:
    """Say one line about an error."""
    logs = installed()
    if logs is not None and logs.is_json:
        logging.getLogger(SERVICE).error("%s", message)
        return
    err().print(Text(f"tripoint: {plain(message)}"))


def print_json(value: Any) -> None:
    """Print one JSON value, times in ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, default=_jsonable))  # noqa: T201 - stdout is where results go


def _jsonable(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table on a terminal and as tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print("\t".join(plain(str(cell)) for cell in row))  # noqa: T201 - stdout is where results go
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(plain(str(cell))) for cell in row))
    out().print(table)
