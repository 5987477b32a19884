"""The same pages from a PostgreSQL: each is served, and says what the one from a SQLite says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.newsroom import load_desk
from tests.postgres import new_database
from tests.web.archive import HOSTILE, fill, sources_of
from tests.web.served import Served, serving, settings_in
from tests.web.test_door import TIMEOUT_S
from tripoint.app.seeds import load_seeds

PATHS = (
    "/",
    "/?days=30",
    "/alerts",
    "/alerts?state=dead",
    "/sources",
    "/sources/hostile",
    "/calibration?threshold=0.6&days=365",
    "/search?q=tap+tran+chung",
    "/search?q=concept%3Aplatform.mi35",
    "/feeds/search.atom?q=pakistan",
    "/api/v1/stories",
    "/api/v1/alerts",
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[tuple[Served, Served]]:
    """Serve the same archive from both databases."""
    now = datetime.now(UTC)
    desk = load_desk(now)
    seeds = replace(load_seeds(), sources=sources_of(desk))
    folder: Path = tmp_path_factory.mktemp("both")
    address = new_database(postgres, f"web{abs(hash(str(folder)))}")
    with serving(settings_in(folder), seeds) as lite, serving(settings_in(folder, address), seeds) as server:
        for each in (lite, server):
            fill(seeds, each.stores, desk, now)
        yield lite, server


def said(page: Served, path: str) -> str:
    answer = requests.get(page.address + path, headers={"Accept-Language": "vi"}, timeout=TIMEOUT_S)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
    # What differs from one visit to the next: where it is served, tokens, and the minute of now.
    text = answer.text.replace(page.address, "")
    text = re.sub(r'(name="csrf" value|nonce|key)="[^"]*"|urn:uuid:[0-9a-f-]+', "", text)
    text = re.sub(r'"id":\d+|tin số \d+', "", text)  # PostgreSQL uses up a number for an alert that is known, too
    return re.sub(r"\d\d\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?", "", text)


@pytest.mark.parametrize("path", PATHS)
def test_both_databases_give_the_same_page(both: tuple[Served, Served], path: str) -> None:
    lite, server = both
    assert said(server, path) == said(lite, path)


def test_a_story_and_its_articles_too(both: tuple[Served, Served]) -> None:
    lite, server = both
    for title in HOSTILE[:2]:
        story, article = lite.story_of(title), lite.article_of(title)
        assert (server.story_of(title), server.article_of(title)) == (story, article)
        for path in (f"/stories/{story}", f"/articles/{article}"):
            assert said(server, path) == said(lite, path)
