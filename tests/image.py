"""Builds the image by an engine that is there, and looks at it from inside while it runs.

    python -m tests.image --engine docker

It runs as docs/operations.md has it, but without any network, so that nobody is asked for news. Exit 1 at the first thing that is not
as promised; what was made is removed again, but for the layers that the engine keeps.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "tripoint:check"
DATA = "/var/lib/tripoint"
HEALTHY_WITHIN_S = 120.0
STOPS_WITHIN_S = 15.0
CLOSED = ("--read-only", "--tmpfs=/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


class Engine:
    """Docker, podman, or what takes the same words."""

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine to its end."""
        return subprocess.run([*self._command, *words], cwd=ROOT, capture_output=True, text=True, check=False)

    def say(self, *words: str) -> str:
        """Return what a command printed; raises `SystemExit` with its error."""
        done = self.run(*words)
        if done.returncode:
            raise SystemExit(f"image: {shlex.join(words)}: {(done.stderr or done.stdout).strip()[-2000:]}")
        return done.stdout.strip()


def main() -> None:
    """Build, run, look, stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default=next(filter(shutil.which, ("docker", "podman")), "docker"))
    parser.add_argument("--build-args", default="", help="more words for `build`, such as --isolation=chroot")
    parser.add_argument("--run-args", default="", help="more words for `run`")
    asked = parser.parse_args()
    engine = Engine(asked.engine)
    build = ("build", *shlex.split(asked.build_args), "-f", "deploy/Containerfile", "-t", IMAGE, ".")
    _tell(f"building by {asked.engine} …")
    begun = time.monotonic()
    engine.say(*build)
    _tell(f"built in {time.monotonic() - begun:.0f} s")
    with _running(engine, shlex.split(asked.run_args)) as container:
        _become_healthy(engine, container)
        _look_inside(engine, container)
        _stop(engine, container)


@contextmanager
def _running(engine: Engine, more: list[str]) -> Iterator[str]:
    name = f"tripoint-check-{uuid.uuid4().hex[:8]}"
    engine.say("volume", "create", name)
    try:
        volume = f"{name}:{DATA}"
        engine.say("run", "-d", "--name", name, *CLOSED, "--network", "none", "-v", volume, *more, IMAGE)
        yield name
    finally:
        engine.run("rm", "-f", name)
        engine.run("volume", "rm", name)


def _become_healthy(engine: Engine, container: str) -> None:
    """Run what the image calls its health check until it says yes, as the engine would."""
    kind, *check = json.loads(engine.say("inspect", "--format", "{{json .Config.Healthcheck.Test}}", container))
    _promise("the health check is a command", kind == "CMD")
    begun, refused = time.monotonic(), 0
    while engine.run("exec", container, *check).returncode:
        refused += 1
        if time.monotonic() - begun > HEALTHY_WITHIN_S:
            raise SystemExit(f"image: not healthy in time: {engine.run('logs', container).stderr[-2000:]}")
        time.sleep(0.5)
    _tell(f"healthy after {time.monotonic() - begun:.0f} s; the check said no {refused} times before")


def _look_inside(engine: Engine, container: str) -> None:
    def inside(*words: str) -> subprocess.CompletedProcess[str]:
        return engine.run("exec", container, *words)

    _promise("it is nobody in particular", inside("id", "-u").stdout.strip() == "10001")
    _promise("its root cannot be written", bool(inside("touch", "/opt/tripoint/x").returncode))
    status = inside("cat", "/proc/1/status").stdout
    _promise(
        "it has no right of root's", "CapEff:\t0000000000000000" in status and "CapBnd:\t0000000000000000" in status
    )
    _promise("it gets none", "NoNewPrivs:\t1" in status)
    jobs = json.loads(inside("tripoint", "jobs", "--json").stdout)
    _promise("its jobs run", {"poll", "deliver", "selfcheck"} <= {each["name"] for each in jobs})
    modes = inside("stat", "-c", "%a", DATA, f"{DATA}/tripoint.db").stdout.split()
    _promise("its data are closed", modes == ["700", "600"])
    _promise("a backup can be made", not inside("tripoint", "backup", DATA).returncode)
    _promise("a second one is refused", "works on this database" in inside("tripoint", "run").stderr)


def _stop(engine: Engine, container: str) -> None:
    begun = time.monotonic()
    engine.say("stop", "-t", "30", container)
    took_s = time.monotonic() - begun
    code = engine.say("inspect", "--format", "{{.State.ExitCode}}", container)
    _promise(f"it ended by itself, in {took_s:.1f} s", code == "0" and took_s < STOPS_WITHIN_S)


def _promise(said: str, holds: bool) -> None:
    if not holds:
        raise SystemExit(f"image: NOT SO: {said}")
    _tell(said)


def _tell(line: str) -> None:
    sys.stdout.write(f"image: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
