"""What a running command says on stderr, read as it comes so that no full pipe ever stops it."""

from __future__ import annotations

import subprocess
import threading

DEADLINE_S = 60.0


class Heard:
    """Collects the lines of a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def lines(self) -> list[str]:
        """Return what was said so far."""
        with self._news:
            return list(self._lines)

    def wait_for(self, text: str, after: int = 0) -> str:
        """Return the first line from number `after` on that holds a text; fails where none comes in time."""
        with self._news:

            def found() -> str | None:
                return next((each for each in self._lines[after:] if text in each), None)

            self._news.wait_for(lambda: found() is not None or self._ended, DEADLINE_S)
            line = found()
        assert line is not None, f"nobody said {text!r}:\n" + "\n".join(self.lines)
        return line

    def send(self, number: int) -> int:
        """Send a signal; returns how many lines were said before."""
        said = len(self.lines)
        self._process.send_signal(number)
        return said

    def end(self, number: int) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self._process.send_signal(number)
        code = self._process.wait(DEADLINE_S)
        self._thread.join(DEADLINE_S)
        for pipe in (self._process.stderr, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code
