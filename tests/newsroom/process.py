"""The newsroom as a program of its own, for demos, benchmarks and tests of whole processes."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from tests.newsroom.exchange import Request
from tests.newsroom.server import LOG_PATH

_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class ListedOutlet:
    """An outlet as the program announces it."""

    name: str
    base: str
    language: str
    country: str
    timezone: str
    title: str


class NewsroomProcess:
    """Starts `python -m tests.newsroom` with these arguments and stops it when the `with` ends."""

    def __init__(self, args: Sequence[str], start_timeout_s: float = 30.0, stop_timeout_s: float = 5.0) -> None:
        self._args = list(args)
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._process: subprocess.Popen[str] | None = None
        self.outlets: list[ListedOutlet] = []

    def __enter__(self) -> Self:
        """Start the program and return once it listens."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the program."""
        self.stop()

    def start(self) -> None:
        """Start the program, again if it was stopped, and read what it announces."""
        command = [sys.executable, "-m", "tests.newsroom", *self._args]
        process = subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self._process = process
        deadline = threading.Timer(self._start_timeout_s, process.kill)
        deadline.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
        finally:
            deadline.cancel()
        if not line:
            code = self.stop()
            raise RuntimeError(f"the newsroom ended with {code} before it listened; its stderr says why")
        self.outlets = [ListedOutlet(**outlet) for outlet in json.loads(line)["outlets"]]

    def stop(self) -> int | None:
        """Ask the program to end, insist if it does not, and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        with process:
            process.terminate()
            try:
                return process.wait(self._stop_timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()

    def base(self, outlet: str) -> str:
        """Return where an outlet answers, without a slash at the end."""
        for listed in self.outlets:
            if listed.name == outlet:
                return listed.base
        raise KeyError(f"no outlet {outlet!r}; there are {[listed.name for listed in self.outlets]}")

    def requests(self) -> list[Request]:
        """Fetch the log of all outlets."""
        with urlopen(self.outlets[0].base + LOG_PATH, timeout=10) as answer:
            return [Request(**seen) for seen in json.load(answer)]

    def forget(self) -> None:
        """Empty the program's log."""
        with urlopen(HttpRequest(self.outlets[0].base + LOG_PATH, method="DELETE"), timeout=10):
            pass
