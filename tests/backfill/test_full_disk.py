"""A disk that fills up while the past is searched: one line, and the same command goes on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.backfill.conftest import ASKED
from tests.house import House
from tests.newsroom.past import PastOutlet, relevant
from tests.newsroom.past_world import PastWorld

SMALL, LARGE = "size=6m", "size=100m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small disk; it takes the right to do so."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_costs_nothing_but_time(
    reader: House, past: PastWorld, outlets: list[PastOutlet], disk: Path
) -> None:
    reader.settings["database"] = {"url": f"sqlite:///{disk / 'tripoint.db'}"}
    arguments = ("backfill", *ASKED, "--via", "archive", "--quiet", "--alert", "none")
    assert not reader.json(*arguments, "--limit", "40")["complete"]
    _fill(disk / "filler")
    full = reader.run(*arguments, code=1)
    assert "full — free some space on that disk; nothing was half-written" in full.stderr
    assert len(full.stderr.strip().splitlines()) == 1
    under_way = len(past.fetched()) - 40
    assert under_way < 200
    (disk / "filler").unlink()
    done = reader.json(*arguments)
    assert done["complete"]
    assert sorted(each["title"] for each in done["relevant"]) == sorted(relevant(outlets))
    assert len(set(past.fetched())) == 240
    assert len(past.fetched()) <= 240 + under_way


def _fill(file: Path) -> None:
    """Write until there is no room left but for a few pages of a database."""
    with suppress(OSError), file.open("wb", buffering=0) as out:
        while out.write(bytes(4096)):
            pass
    os.truncate(file, file.stat().st_size - 64 * 1024)
