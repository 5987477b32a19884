"""Asks whether a locked library is known to be vulnerable, and says plainly what nobody could be asked about.

    python -m tests.advisories

pip-audit alone is not enough: where PyPI's mirror knows no advisories it leaves every library out, says "No known
vulnerabilities found" and exits 0. Exit 1 where something is known; where nobody could be asked only under
ADVISORIES_REQUIRED=1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-container.lock")
SERVICES = ("pypi", "osv")
TIMEOUT_S = 60  # a network that swallows what is sent must not hold the check up for long

Ask = Callable[[str], str]
"""Asks a service about all libraries; returns pip-audit's JSON, nothing where it could not be asked."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one service says."""

    asked: tuple[str, ...]  #: libraries that it knows
    left_out: tuple[str, ...]
    vulnerable: tuple[str, ...]  #: library, version, advisory, and where it is mended


def read(said: str) -> Known:
    """Return what pip-audit's JSON says; nothing at all is nobody asked."""
    libraries: list[dict[str, Any]] = json.loads(said)["dependencies"] if said.strip() else []
    known = [each for each in libraries if "skip_reason" not in each]
    found = [
        f"{each['name']} {each['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version yet'}"
        for each in known
        for one in each["vulns"]
    ]
    left_out = tuple(each["name"] for each in libraries if "skip_reason" in each)
    return Known(tuple(each["name"] for each in known), left_out, tuple(found))


def judged(ask: Ask, services: Sequence[str] = SERVICES, *, must_ask: bool = False) -> tuple[int, list[str]]:
    """Return the exit code, and lines to print: of the first service that knows any library."""
    for service in services:
        known = read(ask(service))
        if not known.asked:
            continue
        lines = [f"advisories: {each}" for each in known.vulnerable]
        lines.append(
            f"advisories: {service} was asked about {len(known.asked)} libraries: {len(known.vulnerable)} known"
        )
        if known.left_out:
            lines.append(f"advisories: NOT ASKED about {len(known.left_out)}: {', '.join(known.left_out)}")
        return int(bool(known.vulnerable) or (must_ask and bool(known.left_out))), lines
    lines = [f"advisories: NOT ASKED, nothing is known: neither {' nor '.join(services)} answers from here"]
    return int(must_ask), lines


def ask_pip_audit(service: str) -> str:
    """Ask a service; a failure is one that could not be asked, and its last line is shown."""
    locks = [word for lock in LOCKS for word in ("--requirement", str(ROOT / lock))]
    wanted = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    command = [sys.executable, "-m", "pip_audit", *locks, *wanted, "--vulnerability-service", service]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"advisories: {service} did not answer within {TIMEOUT_S} s\n")
        return ""
    if not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        sys.stderr.write(f"advisories: {service}: {last[:300]}\n")
    return done.stdout


if __name__ == "__main__":
    code, lines = judged(ask_pip_audit, must_ask=bool(os.environ.get("ADVISORIES_REQUIRED")))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(code)
