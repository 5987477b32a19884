"""A page that only a script could write is told apart from a short one, a broken one and an article."""

from __future__ import annotations

import pytest

from crawler.listings import UnreadableListingError, read_listing
from crawler.markup import parse_html
from crawler.scripted import needs_script
from tests.crawler.test_reading import NOW, SOURCE
from tests.house import House
from tests.newsroom import DeskOutlet, Malformed, NewsroomThread
from tripoint.domain.types import Found

REACT = (
    '<html><head><title>The Daily</title><script defer src="/static/js/main.8f.js"></script></head><body>'
    '<noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>'
)
SHELL = (
    "<html><head><title>Tin tức</title></head><body><app-root><p>Đang tải…</p></app-root>"
    '<script type="module" src="/main.js"></script></body></html>'
)
BUNDLE = f"<html><body><p>Loading</p><script>{'window.state=1;' * 400}</script></body></html>"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (REACT, "enable JavaScript"),
        (SHELL, "<app-root> is empty"),
        ('<html><body><div id="__next"></div><script src="/n.js"></script></body></html>', "#__next is empty"),
        ('<body><p>Bạn cần bật JavaScript để xem trang.</p><script src="/n.js"></script></body>', "bật JavaScript"),
        (
            "<body><noscript>JavaScript must be enabled</noscript><script>go()</script></body>",
            "JavaScript must be enabled",
        ),
        (BUNDLE, "characters of scripts"),
        # not so: no script at all, data that is no program, text that is there without a script, a small counter
        ('<body><div id="root"></div></body>', ""),
        ('<body><div id="app"></div><script type="application/ld+json">{"a": 1}</script></body>', ""),
        (f'<body><div id="app"><p>{"The minister spoke. " * 30}</p></div><script src="/n.js"></script></body>', ""),
        ('<body><p>Not found</p><script src="/counter.js"></script></body>', ""),
        ('<body><noscript><img src="/pixel.gif"></noscript><p>Gone</p><script>count()</script></body>', ""),
    ],
)
def test_what_says_that_a_script_is_needed(page: str, said: str) -> None:
    tree = parse_html(page)
    assert tree is not None
    found = needs_script(tree)
    assert said in found
    assert bool(said) == bool(found)


def test_a_section_that_a_script_fills_says_so() -> None:
    with pytest.raises(UnreadableListingError, match="needs a script: it says"):
        read_listing(REACT.encode(), "text/html", "https://a.example/world", SOURCE, Found.SECTION, NOW)


def test_health_tells_pages_that_need_a_script_from_pages_that_broke(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    scripted, broken, mixed = desk[0].outlet, desk[1].outlet, desk[2].outlet
    for outlet in (scripted, broken):
        for page in outlet.pages:
            body = REACT if outlet is scripted else "<html><body><p>Maintenance.</p></body></html>"
            room.behave(outlet.name, page.path, Malformed(body))
    room.behave(mixed.name, next(each.page.path for each in desk[2].pages if each.kind == "article"), Malformed(REACT))
    house.reads([(each, room.base(each.name)) for each in (scripted, broken, mixed)])
    house.run("crawl", "--quiet")
    health = {each["name"]: each for each in house.json("sources", "health")}
    assert health[scripted.name]["state"] == "parse-broken"
    assert health[scripted.name]["reason"].startswith("needs a script: ")
    assert health[broken.name]["state"] == "parse-broken"
    assert "script" not in health[broken.name]["reason"]
    assert health[mixed.name]["state"] == "healthy"
    assert health[mixed.name]["reason"].startswith("needs a script: 1 of the last ")
    kinds = dict(house.rows("select source, kind from not_articles where kind = 'script'"))
    assert set(kinds) == {scripted.name, mixed.name}
