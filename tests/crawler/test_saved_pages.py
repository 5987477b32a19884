"""Twelve real pages through the newsroom: by feed, by sitemap and by section, against what is known of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.house import House
from tests.newsroom import NewsroomThread, outlet_from_saved_pages

PAGES = Path(__file__).resolve().parents[3] / "shared" / "data" / "pages"
pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason=f"the saved pages are not at {PAGES}")

# What cannot be met, and why; an entry that is met after all fails the test.
UNMET = {
    ("EuronewsEN_2024_04_30.html.gz", "title"): (
        "JSON-LD, <h1> and <title> say 'reports of information leaks', og:title alone says 'reports of leaks'"
    ),
    ("TheTelegraph_2023_08_30.html.gz", "last"): "the last 'paragraph' is a link to a shop below the article",
}


@pytest.mark.parametrize("listing", ["feed", "sitemap", "section"])
def test_each_saved_page_is_read_as_known(listing: str, house: House) -> None:
    outlet = outlet_from_saved_pages(PAGES, PAGES / "expected.jsonl")
    house.settings["crawl"]["max_page_bytes"] = 16 * 1024 * 1024
    with NewsroomThread([outlet]) as room:
        house.reads([(outlet, room.base(outlet.name))], [listing])
        _accept_every_path(house)
        house.run("crawl", "--quiet")
    stored = {
        urlsplit(url).path: (title, text, published)
        for url, title, text, published in house.rows("select url, title, text, published from articles")
    }
    unmet = set()
    for expected in _expected():
        title, text, published = stored[urlsplit(expected["url"]).path]
        found = {
            "title": title == expected["title"],
            "published": _is_same_minute(published, expected["published"]),
            "first": _flat(expected["first"]) in _flat(text),
            "last": _flat(expected["last"]) in _flat(text),
        }
        unmet |= {(expected["file"], what) for what, good in found.items() if not good}
    assert unmet == set(UNMET)


def _accept_every_path(house: House) -> None:
    """Let the section page list addresses of twelve different outlets: each has a pattern of its own."""
    file = house.folder / "seeds" / "sources" / "newsroom.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\narticle_pattern = '/[^/]*[a-z0-9]-[^/]*/?[^/]*$'\n", "utf-8")


def _expected() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (PAGES / "expected.jsonl").read_text(encoding="utf-8").splitlines()]


def _is_same_minute(stored: str, expected: str) -> bool:
    wanted = datetime.fromisoformat(expected)
    wanted = wanted.replace(tzinfo=UTC) if wanted.tzinfo is None else wanted.astimezone(UTC)
    found = datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return abs((found - wanted).total_seconds()) < 60


def _flat(text: str) -> str:
    return " ".join(text.split())
