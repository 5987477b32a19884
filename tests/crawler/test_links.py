"""Links to articles on markup of many kinds, pages that follow each other, and what belongs to an outlet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.links import BAR, article_links, links_of, score_links
from crawler.listings import read_listing
from crawler.markup import parse_html
from crawler.outlet import is_own
from crawler.paging import next_page
from tests.crawler.test_reading import NOW, SOURCE
from tripoint.domain.types import Found, Source

PORTAL = """<body class="page-nav"><header><nav><a href="/">Trang chủ</a><a href="/the-gioi">Thế giới</a>
<a href="/the-gioi/quan-su">Quân sự</a></nav></header><div class="list-news-subfolder">
<article class="item-news"><div class="thumb"><a href="/nga-va-pakistan-ky-thoa-thuan-4678901.html"><img alt="ảnh"></a></div>
<h3 class="title-news"><a href="/nga-va-pakistan-ky-thoa-thuan-4678901.html">Nga và Pakistan ký thoả thuận hợp tác quân sự</a></h3></article>
<article class="item-news"><h3><a href="/my-noi-lai-vien-tro-4678902.html">Mỹ nối lại viện trợ cho Pakistan sau nhiều năm</a></h3></article>
</div><div class="tags"><a href="/chu-de/pakistan-nga-my-va-the-gioi-123456">Pakistan</a></div>
<footer><a href="/chinh-sach-bao-mat-thong-tin-ca-nhan-12345.html">Chính sách bảo mật thông tin cá nhân</a></footer></body>"""

MINISTRY = """<table><tr><td class="leftmenu"><ul id="menu"><li><a href="Default.aspx?id=1">Home</a></li>
<li><a href="Default.aspx?id=2">Organisation of the Ministry and its Departments</a></li></ul></td><td>
<a href="PressRelease.aspx?ItemID=771">Minister receives the ambassador of the Russian Federation</a><br>
<a href="PressRelease.aspx?ItemID=772">Joint exercise with the Special Forces concludes at Cherat</a><br>
<a href="PressRelease.aspx?ItemID=773">Chief of the General Staff visits the naval headquarters</a>
<a href="files/annual-report-of-the-ministry-2025.pdf">Annual report of the Ministry 2025 as a file</a></td></tr></table>"""

SOUP = """<div id="root"><div class="c1"><a href="/world"><span>World</span></a></div>
<div class="c7"><a href="/articles/c5y4kz1j9mdo"><div><span>Pakistan and Russia hold talks on air defence systems</span></div></a></div>
<div class="c7"><a href="/articles/c7y4kz1j9mda"><div><span>Washington weighs new sanctions over the missile programme</span></div></a></div>
<div class="c7"><a href="/articles/c9y4kz1j9mdb"><div><span>What the defence pact means for the region and beyond</span></div></a></div>
<div class="c9"><a href="https://social.example/share?id=12345">Share this story with all of your friends</a></div></div>"""

BLOG = """<main><header class="page-header"><h1>Defence</h1></header><article><header class="entry-header">
<h2 class="entry-title"><a rel="bookmark" href="https://www.paper.example/2026/11/new-frigate-joins-fleet/">New frigate joins the fleet</a></h2>
</header><p>It sailed. <a href="https://www.paper.example/2026/11/new-frigate-joins-fleet/">Read more</a></p>
<a href="https://www.paper.example/author/a-writer/">A. Writer</a></article></main>
<aside class="sidebar"><a href="https://www.paper.example/2026/10/the-most-read-story-of-october/">The most read story of October</a></aside>"""

CYRILLIC = """<base href="https://paper.example/ru/"><ul class="news-list">
<li><a href="news/2026-11-24/7001">Россия и Пакистан обсудили поставки техники</a></li>
<li><a href="news/2026-11-24/7002">Учения «Дружба» завершились в Пакистане</a></li></ul><a href="news/">Все новости</a>"""

SECTIONS = """<div><a href="/world/asia">Asia and the Pacific region in full</a><a href="/world/asia/one-two-three-four-five">Story number one of the day here</a>
<a href="/world/asia/six-seven-eight-nine-ten">Story number two of the day here</a></div>"""


@pytest.mark.parametrize(
    ("page", "url", "expected"),
    [
        (PORTAL, "/the-gioi", ["/nga-va-pakistan-ky-thoa-thuan-4678901.html", "/my-noi-lai-vien-tro-4678902.html"]),
        (MINISTRY, "/press/List.aspx", [f"/press/PressRelease.aspx?ItemID={n}" for n in (771, 772, 773)]),
        (SOUP, "/world", ["/articles/c5y4kz1j9mdo", "/articles/c7y4kz1j9mda", "/articles/c9y4kz1j9mdb"]),
        (BLOG, "/defence/", ["/2026/11/new-frigate-joins-fleet/", "/2026/10/the-most-read-story-of-october/"]),
        (CYRILLIC, "/ru/politics", ["/ru/news/2026-11-24/7001", "/ru/news/2026-11-24/7002"]),
        (SECTIONS, "/world", ["/world/asia/one-two-three-four-five", "/world/asia/six-seven-eight-nine-ten"]),
        ("<nav><a href='/a-b-c-d-e-12345'>Wrong place for a story</a></nav>", "/", []),
        ("<a href='/video/pakistan-army-shows-new-tank-12345.html'>Video: the army shows a new tank</a>", "/", []),
        ("<a href='http://[broken'>x</a><a href='/'>Home</a><a href=''>nothing</a>", "/x", []),
    ],
)
def test_articles_are_told_from_menus(page: str, url: str, expected: list[str]) -> None:
    tree = parse_html(page)
    assert tree is not None
    found = article_links(tree, f"https://www.paper.example{url}")
    assert [each.link.url.split("paper.example", 1)[1] for each in found] == expected


def test_a_picture_and_a_headline_are_one_link_with_the_words_of_the_headline() -> None:
    tree = parse_html(PORTAL)
    assert tree is not None
    links = [each for each in links_of(tree, "https://paper.example/the-gioi") if "4678901" in each.url]
    assert [each.text for each in links] == ["Nga và Pakistan ký thoả thuận hợp tác quân sự"]
    assert links[0].place.in_heading


def test_place_decides_between_equal_addresses() -> None:
    tree = parse_html(
        "<footer><a href='/one-two-three-four'>Same words here today</a></footer><p>"
        "<a href='/six-five-four-three'>Same words here again</a></p><h2><a href='/ten-nine-eight-seven'>Same words here now</a></h2>"
    )
    assert tree is not None
    foot, prose, head = (
        each.score for each in score_links(links_of(tree, "https://a.example/x"), "https://a.example/x")
    )
    assert foot < prose < head
    assert foot < BAR


def test_an_articles_pattern_decides_alone() -> None:
    tree = parse_html(
        "<nav><a href='/n/1'>a</a></nav><h2><a href='/one-two-three-four-five'>A headline of some length</a></h2>"
    )
    assert tree is not None
    found = article_links(tree, "https://a.example/x", r"/n/\d+$")
    assert [each.link.url for each in found] == ["https://a.example/n/1"]


@pytest.mark.parametrize(
    ("page", "url", "expected"),
    [
        ('<head><link rel="next" href="/news/more-7"></head>', "/news", "/news/more-7"),
        ('<a rel="nofollow next" href="?start=20">Older</a>', "/news", "/news?start=20"),
        ('<a href="/news?page=1">1</a><a href="/news?page=2">2</a><a href="/news?page=9">9</a>', "/news", "/news?page=2"),
        ('<a href="/news?page=2">2</a><a href="/news?page=3">3</a>', "/news?page=2", "/news?page=3"),
        ('<a href="/tin/trang-2.htm">2</a>', "/tin.htm", "/tin/trang-2.htm"),
        ('<a href="/tin/trang-4.htm">4</a><a href="/tin/trang-3.htm">3</a>', "/tin/trang-2.htm", "/tin/trang-3.htm"),
        ('<a href="/the-gioi-p2">2</a>', "/the-gioi", "/the-gioi-p2"),
        ('<a href="/world/page/2/">Older</a>', "/world/", "/world/page/2/"),
        ('<a href="/list.aspx?cat=7&amp;trang=2">2</a><a href="/list.aspx?cat=8&amp;trang=2">other</a>', "/list.aspx?cat=7",
         "/list.aspx?cat=7&trang=2"),
        ('<a href="/sport?page=2">another section</a>', "/news", ""),
        ('<a href="https://other.example/news?page=2">2</a>', "/news", ""),
        ('<link rel="next" href="https://other.example/n">', "/news", ""),
        ('<link rel="next" href="/news">', "/news", ""),
        ('<a href="/news/page-3-of-the-report-is-out.html">x</a>', "/news", ""),
        ('<a href="javascript:next()">2</a>', "/news", ""),
    ],
)  # fmt: skip
def test_the_next_page_of_a_section(page: str, url: str, expected: str) -> None:
    tree = parse_html(page + "<p>x</p>")
    assert tree is not None
    found = next_page(tree, f"https://paper.example{url}")
    assert found == (f"https://paper.example{expected}" if expected else "")


BBC = replace(SOURCE, homepage="https://www.bbc.example/vietnamese", feeds=("https://feeds.example/bbc/rss",))


@pytest.mark.parametrize(
    ("url", "source", "own"),
    [
        ("https://www.bbc.example/vietnamese/articles/c1", BBC, True),
        ("https://bbc.example/vietnamese", BBC, True),
        ("https://www.bbc.example/news/articles/c1", BBC, False),
        ("https://www.bbc.example/vietnamesefood/1", BBC, False),
        ("https://feeds.example/bbc/other", BBC, False),
        ("https://english.paper.example/a", replace(SOURCE, homepage="https://paper.example/"), True),
        ("https://notpaper.example/a", replace(SOURCE, homepage="https://paper.example/"), False),
        ("https://paper.example/any/a", replace(SOURCE, homepage="https://www.paper.example/index.html"), True),
        (
            "https://news.example/a",
            replace(SOURCE, homepage="https://a.example/", sections=("https://news.example/s",)),
            True,
        ),
        ("http://127.0.0.2:81/a", replace(SOURCE, homepage="http://127.0.0.2:80/"), False),
    ],
)
def test_what_belongs_to_an_outlet(url: str, source: Source, own: bool) -> None:
    assert is_own(url, source) is own


def test_links_of_an_article_stay_with_its_outlet_and_its_own_words_come_first() -> None:
    page = (
        "<article><h1>Here</h1><p>Talks, <a href='/2026/11/20/first-round-of-talks'>as reported</a>, and elsewhere"
        " <a href='https://other.example/2026/11/20/not-of-this-outlet-at-all'>their report</a>.</p></article><aside>"
        "<h3><a href='/2026/11/19/the-most-read-story-of-all'>The most read story of all these days</a></h3></aside>"
    )
    source = replace(SOURCE, homepage="https://a.example/")
    listing = read_listing(page.encode(), "text/html", "https://a.example/2026/11/24/here", source, Found.LINK, NOW)
    assert [each.url for each in listing.candidates] == [
        "https://a.example/2026/11/20/first-round-of-talks",
        "https://a.example/2026/11/19/the-most-read-story-of-all",
    ]
    assert {each.found_by for each in listing.candidates} == {Found.LINK}
