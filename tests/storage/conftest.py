"""What the tests of the storage have in common: each runs on both databases, or says why not."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def on_both_databases(request: pytest.FixtureRequest) -> None:
    """Fail a test that takes neither `url` nor `empty_url` and is not marked `one_database`, with the reason."""
    is_on_both = not {"url", "empty_url"}.isdisjoint(request.fixturenames)
    marked = request.node.get_closest_marker("one_database")
    if marked is None:
        assert is_on_both, "take the database of `url` or `empty_url`, or mark the test: one_database(reason)"
    else:
        assert len(marked.args) == 1, "one_database(reason) says why"
        assert not is_on_both, "it runs on both databases: take the mark away"
