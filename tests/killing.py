"""Killing a command as a power cut would, with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command that cannot defend itself, and wait until its workers noticed; an orphan is an error."""
    workers = _children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    for each in workers:
        _wait_until_gone(each)


def _children(pid: int) -> list[int]:
    """Return the processes below a process."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    below = [int(each) for each in found]
    return [*below, *(one for each in below for one in _children(each))]


def _wait_until_gone(pid: int) -> None:
    for _ in range(500):
        if not _is_alive(pid):
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"worker {pid} outlived its killed parent")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
