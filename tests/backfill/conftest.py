"""A house that reads the outlets of the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.backfill.reading import house_that_reads
from tests.house import House
from tests.newsroom.indexes import Indexes
from tests.newsroom.past import PastOutlet, past_outlets
from tests.newsroom.past_world import PastWorld

FIRST, END = date(2018, 7, 15), date(2018, 9, 15)
ASKED = ("--since", "2018-07-15", "--until", "2018-09-14")


@pytest.fixture
def outlets() -> list[PastOutlet]:
    """Return a small past: two months, 240 pages, 24 of them relevant."""
    return past_outlets(240, FIRST, END, 24)


@pytest.fixture
def past(outlets: list[PastOutlet]) -> Iterator[PastWorld]:
    """Serve it."""
    with PastWorld(outlets, [Indexes]) as world:
        yield world


@pytest.fixture
def reader(past: PastWorld, tmp_path: Path, server: str) -> House:
    """Return a house that knows its outlets."""
    return house_that_reads(past, tmp_path / "house", server)
