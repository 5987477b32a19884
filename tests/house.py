"""A house of one's own: seeds, settings and database in a folder, and the `tripoint` command run in them."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from typer.testing import CliRunner

from tests.newsroom import Outlet
from tests.newsroom.past import PastOutlet
from tripoint.app.cli.main import app
from tripoint.app.seeds import copy_seeds
from tripoint.domain.errors import TripointError

DEADLINE_S = 120.0
TRIPOINT = (sys.executable, "-c", "from tripoint.app.cli.main import main; main()")


def entry(outlet: Outlet | PastOutlet, base: str, *lines: str) -> str:
    """Return the entry of an outlet at an address in a catalogue; `lines` say where it lists its articles."""
    said = (
        f'[[source]]\nname = "{outlet.name}"\noutlet = "{outlet.title}"\nlanguage = "{outlet.language}"',
        f'country = "{outlet.country}"\ntimezone = "{outlet.timezone}"\nhomepage = "{base}/"',
    )
    return "\n".join((*said, *lines))


@dataclass(slots=True)
class House:
    """One installation, far from the user's own."""

    folder: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    server: str = ""  #: URL of a database of its own on a PostgreSQL, in the place of a file

    def __post_init__(self) -> None:
        """Copy the seeds and write settings that suit loopback: no delay between requests."""
        copy_seeds(self.folder / "seeds")
        for file in (self.folder / "seeds" / "sources").glob("*.toml"):
            file.unlink()
        self.reads([])
        self.settings.setdefault("crawl", {}).setdefault("delay_s", 0.0)
        self.settings["crawl"].setdefault("workers", 2)
        self.settings["crawl"].setdefault("allowed_hosts", ["127.0.0.0/8"])
        self.settings.setdefault("web", {}).setdefault("port", 0)  # tests run beside each other

    @property
    def database(self) -> str:
        """Return the URL of its database."""
        return self.server or f"sqlite:///{self.folder / 'tripoint.db'}"

    def reads(self, outlets: Iterable[tuple[Outlet, str]], listings: Sequence[str] = ("feed",)) -> None:
        """Write a catalogue of outlets at these addresses, to be read by these kinds of listing."""
        entries = []
        for outlet, base in outlets:
            urls = {
                "feed": f'feeds = ["{base}/rss.xml"]',
                "atom": f'feeds = ["{base}/atom.xml"]',
                "json": f'feeds = ["{base}/feed.json"]',
                "sitemap": f'sitemaps = ["{base}/sitemap.xml"]',
                "section": f"sections = [{', '.join(json.dumps(f'{base}{each}') for each in self._sections(outlet))}]",
            }
            entries.append(entry(outlet, base, *(urls[each] for each in listings)))
        (self.folder / "seeds" / "sources" / "newsroom.toml").write_text("\n\n".join(entries) + "\n", encoding="utf-8")

    def also_reads(self, name: str, title: str, base: str, listing: str) -> Path:
        """Add a source at an address to the catalogue, in a file of its own; return the file."""
        file = self.folder / "seeds" / "sources" / f"{name}.toml"
        file.write_text(entry(Outlet(name, title, "en", "GB", "UTC"), base, listing), encoding="utf-8")
        return file

    def _sections(self, outlet: Outlet) -> list[str]:
        names = {page.section for page in outlet.pages}
        return [f"/section/{each}" for each in sorted(names)]

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a verb in this house."""
        file = self.folder / "tripoint.toml"
        said: dict[str, Mapping[str, Any]] = {
            "database": {"url": self.database},
            "seeds": {"folder": str(self.folder / "seeds")},
            **self.settings,
            "alerts": {"allowed_hosts": ["127.0.0.0/8"], **self.settings.get("alerts", {})},
        }
        file.write_text("\n".join(_section(name, values) for name, values in said.items()), encoding="utf-8")
        return [*TRIPOINT, "--settings", str(file), *arguments]

    def environ(self) -> dict[str, str]:
        """Return the environment of its commands: nothing of ours but what this house was given."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TRIPOINT_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)  # or every command compiles all that it loads anew, for seconds
        return {**kept, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", **self.environment}

    def run(self, *arguments: str, stdin: str = "", code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end and return what it said; `code` is the exit that it must have, None any."""
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=self.environ(),
            cwd=self.folder,
            timeout=DEADLINE_S,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments: str) -> Any:
        """Run a verb with --json and return what it printed."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def said(self, *arguments: str, stdin: str = "") -> str:
        """Run a verb in this process, in a tenth of the time, and return what it printed and the error that ended it."""
        done = CliRunner().invoke(app, self.command(*arguments)[len(TRIPOINT) :], input=stdin)
        error = done.exception
        if error is not None and not isinstance(error, (TripointError, SystemExit)):
            raise error
        return f"{done.stdout}{error if isinstance(error, TripointError) else ''}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a verb and leave it running."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environ(),
            cwd=self.folder,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the database holds, read beside the product and not through it."""
        if self.server:
            with psycopg.connect(self.server) as server:
                return server.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(self.folder / "tripoint.db")) as connection:
            return connection.execute(query).fetchall()


def page_address(process: subprocess.Popen[str]) -> str:
    """Wait until a command says where its page is, and return that."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"the page is at (http[^\s;\"]+)", line):
            return found[1].rstrip("/")
    raise AssertionError("it ended without a page")


def _section(name: str, values: Mapping[str, Any]) -> str:
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    plain = [f"{key} = {json.dumps(value)}" for key, value in values.items() if key not in tables]
    nested = [_section(f"{name}.{key}", value) for key, value in tables.items()]
    return "\n".join([f"[{name}]", *plain, "", *nested])
