"""Search on the page, as feeds and by the API: the same is found, with or without marks, and others can read it."""

from __future__ import annotations

import re

import feedparser
import pytest
import requests
from lxml import etree

from tests.web.archive import HOSTILE
from tests.web.served import Served
from tests.web.test_door import TIMEOUT_S, TOKEN, closed
from tests.web.test_pages import get

__all__ = ["closed"]

ATOM = "{http://www.w3.org/2005/Atom}"


def fetch(page: Served, path: str, **headers: str) -> requests.Response:
    return requests.get(page.address + path, headers=headers, timeout=TIMEOUT_S)


def numbers(said: str) -> list[int]:
    """Return the articles that a page of results links to."""
    return [int(each) for each in re.findall(r'class="h3"><a href="/articles/(\d+)"', said)]


def test_words_are_found_with_and_without_marks(page: Served) -> None:
    marked, bare = (numbers(get(page, f"/search?q={words}&order=newest")) for words in ("tập trận", "tap tran"))
    assert marked
    assert marked == bare
    assert "<mark" in get(page, "/search?q=tap+tran")


@pytest.mark.parametrize(
    "asked",
    [
        "q=Pakistan&language=en&relevant=true",
        "q=concept:actor.russia+-cricket&since=9d&until=1d&min_score=0.5",
        "q=tap+tran+OR+joint+exer*&topic=russia-pakistan-us&outlet=hostile&outlet={outlet}",
    ],
)
def test_page_api_and_feeds_find_the_same(page: Served, asked: str) -> None:
    asked = asked.format(outlet=page.seeds.sources[0].name)
    shown = numbers(get(page, f"/search?{asked}&order=newest"))
    assert shown
    api = fetch(page, f"/api/v1/search?{asked}&order=newest&limit=20").json()
    assert [each["id"] for each in api["articles"]] == shown
    json_feed = fetch(page, f"/feeds/search.json?{asked}").json()
    atom = etree.fromstring(fetch(page, f"/feeds/search.atom?{asked}").content)
    urls = [each.find(f"{ATOM}link[@rel='alternate']").get("href") for each in atom.findall(f"{ATOM}entry")]  # type: ignore[union-attr]
    assert [each["url"] for each in json_feed["items"]] == urls
    assert [each["url"] for each in api["articles"]] == urls[:20]


def test_a_long_list_goes_on(page: Served) -> None:
    found: list[int] = []
    path = "/search?order=newest"
    while path:
        said = get(page, path)
        found += numbers(said)
        following = re.search(r'rel="next" href="([^"]+)"', said)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(found) == len(set(found)) == page.stores.articles.counts().articles


def test_what_cannot_be_understood_is_said(page: Served) -> None:
    answer = fetch(page, '/search?q="tap')
    assert answer.status_code == 400
    assert "search, character" in answer.text
    for path in ("/api/v1/search?q=(", "/feeds/search.atom?q=(", "/feeds/search.atom?sinse=7d"):
        assert fetch(page, path).status_code == 400


def test_a_feed_is_one_that_readers_read(page: Served) -> None:
    answer = fetch(page, "/feeds/search.atom?q=Pakistan")
    read = feedparser.parse(answer.content)
    assert not read.bozo
    assert {entry.author for entry in read.entries} >= {"<b>Hostile & Sons</b>"} or len(read.entries) == 50
    titles = {each.find(f"{ATOM}title").text for each in etree.fromstring(answer.content).findall(f"{ATOM}entry")}  # type: ignore[union-attr]
    assert HOSTILE[0] in titles
    assert len({entry.id for entry in read.entries}) == len(read.entries)
    json_feed = fetch(page, "/feeds/search.json?q=Pakistan")
    assert json_feed.headers["content-type"].startswith("application/feed+json")
    assert HOSTILE[0] in {each["title"] for each in json_feed.json()["items"]}


def test_a_feed_that_is_known_is_not_sent_again(page: Served) -> None:
    first = fetch(page, "/feeds/topics/russia-pakistan-us.atom")
    assert first.status_code == 200
    again = fetch(page, "/feeds/topics/russia-pakistan-us.atom", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_topics_feed_holds_what_it_calls_relevant(page: Served) -> None:
    items = fetch(page, "/feeds/topics/russia-pakistan-us.json").json()["items"]
    assert len(items) == page.stores.articles.counts().relevant
    assert fetch(page, "/feeds/topics/nothing.json").status_code == 404


def test_the_sources_are_read_back(page: Served) -> None:
    root = etree.fromstring(fetch(page, "/feeds/sources.opml").content)
    assert {each.get("xmlUrl") for each in root.iter("outline") if each.get("xmlUrl")} == {
        url for source in page.seeds.sources for _, url in source.listings
    }


@pytest.mark.parametrize("path", ["/feeds/search.atom", "/feeds/search.json", "/feeds/sources.opml"])
def test_behind_a_token_a_feed_has_a_key_of_its_own(closed: Served, path: str) -> None:
    assert fetch(closed, path).status_code == 401
    assert fetch(closed, f"{path}?key=wrong").status_code == 401
    said = fetch(closed, "/search", Authorization=f"Bearer {TOKEN}").text
    key = re.search(r"/feeds/search\.atom\?key=([0-9a-f]+)", said)
    assert key
    answer = fetch(closed, f"{path}?key={key[1]}")
    assert answer.status_code == 200
    assert key[1] not in answer.text
    assert fetch(closed, f"/alerts?key={key[1]}").url.endswith("/login?next=/alerts")
