"""The page of a filled archive, made once for all tests that only look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.newsroom import load_desk
from tests.web.archive import fill, sources_of
from tests.web.served import Served, serving, settings_in
from tripoint.app.seeds import load_seeds


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a filled archive."""
    now = datetime.now(UTC)
    desk = load_desk(now)
    seeds = replace(load_seeds(), sources=sources_of(desk))
    with serving(settings_in(tmp_path_factory.mktemp("page")), seeds) as served:
        fill(seeds, served.stores, desk, now)
        yield served
