"""Beyond feeds: pages of a section, indexes of sitemaps, links in articles one step far, all of it bounded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crawler.listings import read_listing
from storage.database import open_database
from storage.frontier import FrontierStore
from tests.crawler.test_reading import NOW, SOURCE
from tests.house import House
from tests.newsroom import DeskOutlet, Malformed, NewsPage, NewsroomThread, Status
from tripoint.domain.types import Candidate, Found, Poll, PollStatus, Repair, Validators

ROBOTS = "User-agent: *\nAllow: /\n"  # no sitemap


def _crawl(house: House) -> dict[str, int]:
    results: dict[str, int] = json.loads(house.run("crawl", "--json", "--quiet").stdout.splitlines()[-1])["results"]
    return results


def _section(slugs: list[str], following: str = "") -> Malformed:
    rows = "".join(
        f'<article><h2><a href="/2026/11/24/{each}/">A headline about {each}</a></h2></article>' for each in slugs
    )
    return Malformed(f'<main>{rows}</main><a rel="next" href="{following}">next</a>', "text/html; charset=utf-8")


def _slugs(page: int) -> list[str]:
    return [f"story-number-{page}-{n}-of-the-day" for n in range(3)]


@pytest.fixture
def paged(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> tuple[House, str, str]:
    """Return a house that reads one section of five pages, its outlet, and the path of the section."""
    outlet = desk[0].outlet
    outlet.robots = ROBOTS
    house.reads([(outlet, room.base(outlet.name))], ["section"])
    file = house.folder / "seeds" / "sources" / "newsroom.toml"
    lines = file.read_text().splitlines()
    path = "/section/paged"
    lines = [
        f'sections = ["{room.base(outlet.name)}{path}"]' if each.startswith("sections") else each for each in lines
    ]
    file.write_text("\n".join(lines))
    for number in range(1, 6):
        here = path if number == 1 else f"{path}/page/{number}"
        room.behave(outlet.name, here, _section(_slugs(number), f"{path}/page/{number + 1}"))
    return house, outlet.name, path


def test_further_pages_are_read_while_all_is_new_and_no_further_than_the_bound(
    paged: tuple[House, str, str], room: NewsroomThread
) -> None:
    house, name, path = paged
    assert _crawl(house)["further pages read"] == 2
    assert [room.count(name, f"{path}/page/{n}") for n in (2, 3, 4)] == [1, 1, 0]
    assert len(house.rows("select 1 from frontier where found_by = 'section'")) == 9
    assert "further pages read" not in _crawl(house)  # all of the first page is known
    assert room.count(name, f"{path}/page/2") == 1


def test_what_a_section_dropped_is_found_on_its_second_page(
    paged: tuple[House, str, str], room: NewsroomThread
) -> None:
    house, name, path = paged
    _crawl(house)
    room.behave(name, path, _section(_slugs(7), f"{path}/page/2"))
    room.behave(name, f"{path}/page/2", _section([*_slugs(8), *_slugs(1)], f"{path}/page/3"))
    results = _crawl(house)
    assert results["gaps repaired"] == 1
    assert room.count(name, f"{path}/page/3") == 1  # only in the first crawl
    ((seen, reason),) = house.rows("select is_seen, reason from coverage")
    assert seen
    assert reason.startswith("repaired from ")
    assert f"{path}/page/2: 3 more" in reason


def test_a_page_that_fails_ends_the_way_on(paged: tuple[House, str, str], room: NewsroomThread) -> None:
    house, name, path = paged
    room.behave(name, f"{path}/page/2", Status(404))
    assert _crawl(house)["further pages not read"] == 1
    assert room.count(name, f"{path}/page/3") == 0


def _linked(desk: list[DeskOutlet], room: NewsroomThread) -> tuple[str, str]:
    """Let an article on topic link to an unlisted one, which links to another, and to another outlet's."""
    outlet = next(each for each in desk if each.outlet.name == "indus-courier")
    told = next(each for each in outlet.pages if each.kind == "article" and each.grade >= 2 and each.is_fresh)
    base, elsewhere = room.base(outlet.outlet.name), room.base("bien-thuy")
    one, two = "/2026/11/20/the-first-round-of-the-talks/", "/2026/11/19/what-was-said-before-the-talks/"
    room.forget()
    body = (
        told.page.body(base)
        .decode()
        .replace(
            "</p>",
            f'<a href="{base}{one}">the first round of the talks</a> <a href="{elsewhere}{one}">theirs too here</a></p>',
            1,
        )
    )
    room.publish(outlet.outlet.name, replace(told.page, html=body.encode()))
    for path, following in ((one, two), (two, one)):
        html = body.replace(f"{base}{one}", f"{base}{following}").replace(told.page.title, f"Talks {path}")
        page = NewsPage(
            path, html.encode(), f"Talks {path}", datetime.now(UTC), "defence", in_feed=False, in_sitemap=False
        )
        room.publish(outlet.outlet.name, page)
    house_outlet = outlet.outlet.name
    return house_outlet, one


def test_links_of_a_relevant_article_are_followed_one_step_within_its_outlet(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    name, one = _linked(desk, room)
    house.reads([(each.outlet, room.base(name)) for each in desk if each.outlet.name == name])
    assert _crawl(house)["articles with links followed"] >= 1
    assert room.count(name, one) == 1
    assert room.count(name, "/2026/11/19/what-was-said-before-the-talks/") == 0
    assert room.count("bien-thuy") == 0
    assert house.rows("select count(*) from articles where url like '%first-round-of-the-talks%'") == [(1,)]


def test_links_are_left_alone_if_the_settings_say_so(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    name, one = _linked(desk, room)
    house.settings["crawl"]["follow_links"] = "none"
    house.reads([(each.outlet, room.base(name)) for each in desk if each.outlet.name == name])
    _crawl(house)
    assert room.count(name, one) == 0


@pytest.mark.parametrize("setting", ["max_waiting_per_host", "max_new_per_run"])
def test_a_bound_is_kept_said_and_made_up_for(
    setting: str, house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    outlet.robots = ROBOTS
    listed = sum(each.in_feed for each in outlet.pages)
    house.settings["crawl"] |= {setting: listed - 2, "follow_links": "none"}
    house.reads([(outlet, room.base(outlet.name))])
    assert _crawl(house)["bounds reached"] == 1
    assert house.rows("select count(*) from frontier") == [(listed - 2,)]
    (health,) = house.json("sources", "health")
    assert health["state"] == "degraded"
    assert f"2 new addresses left out: crawl.{setting} is reached" in health["reason"]
    assert "bounds reached" not in _crawl(house)
    assert house.rows("select count(*) from frontier") == [(listed,)]
    (health,) = house.json("sources", "health")
    assert health["state"] == "healthy"


def _poll(at: datetime, listed: int) -> Poll:
    return Poll("https://a.example/rss", "a", Found.FEED, at, PollStatus.READ, Validators("e"), listed)


def _candidates(*numbers: int) -> list[Candidate]:
    return [Candidate(f"https://a.example/story-{n}", "a", Found.FEED, NOW) for n in numbers]


def test_a_blind_stretch_is_tried_again_later_and_not_for_ever(url: str) -> None:
    database = open_database(url)
    store = FrontierStore(database)
    store.record_poll(_poll(NOW, 2), _candidates(1, 2))
    at = NOW + timedelta(hours=1)
    store.record_poll(_poll(at, 2), _candidates(3, 4))
    looked = (1, 1.5, 2, 3, 8, 9, 33, 40, 60, 100)
    tries = [each for each in looked if store.to_repair("https://a.example/rss", NOW + timedelta(hours=each))]
    assert tries == [1, 2, 8, 33]
    assert store.to_repair("https://b.example/rss", at) == []
    repair = Repair("https://a.example/rss", "a", NOW, at, "https://a.example/sitemap.xml", reaches_back=True)
    assert store.repair(repair, _candidates(5), room=0).mended is False  # not all was taken on
    assert store.repair(repair, _candidates(5)).mended is True
    assert store.repair(repair, _candidates(6)).mended is False
    database.close()


def test_a_bound_counts_hosts_apart_and_what_was_given_first_is_taken(url: str) -> None:
    database = open_database(url)
    store = FrontierStore(database, max_waiting_per_host=2)
    other = [replace(each, url=each.url.replace("a.example", "b.example")) for each in _candidates(1, 2, 3)]
    entered = store.enter([*_candidates(1, 2, 3), *other])
    assert [each.url for each in entered.fresh] == [
        *(f"https://a.example/story-{n}" for n in (1, 2)),
        *(f"https://b.example/story-{n}" for n in (1, 2)),
    ]
    assert (entered.left_out, entered.bound) == (2, "max_waiting_per_host")
    assert store.enter(_candidates(1, 2)).left_out == 0  # what is known is not left out
    polled = store.record_poll(_poll(NOW, 3), _candidates(2, 3, 4))
    assert (polled.new, polled.left_out) == (0, 2)
    assert store.validators("https://a.example/rss") == Validators()  # the next visit asks for the whole
    database.close()


def test_an_index_of_sitemaps_gives_the_newest_children_first() -> None:
    def index(*children: tuple[str, str]) -> list[str]:
        rows = "".join(f"<sitemap><loc>https://a.example/{loc}</loc>{mod}</sitemap>" for loc, mod in children)
        body = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</sitemapindex>'
        listing = read_listing(body.encode(), "", "https://a.example/s.xml", SOURCE, Found.SITEMAP, NOW)
        return [each.rsplit("/", 1)[-1] for each in listing.sitemaps]

    numbered = [(f"post-sitemap{n}.xml", "") for n in (1, 2, 9, 10)]
    assert index(*numbered) == ["post-sitemap10.xml", "post-sitemap9.xml", "post-sitemap2.xml"]
    months = [(f"sitemap-2026-{m:02}.xml", "") for m in (9, 10, 11)]
    assert index(*months, ("news-sitemap.xml", "")) == [
        "news-sitemap.xml",
        "sitemap-2026-11.xml",
        "sitemap-2026-10.xml",
    ]
    dated = [("a.xml", "<lastmod>2026-11-01</lastmod>"), ("b.xml", "<lastmod>2026-11-24</lastmod>")]
    assert index(*dated) == ["b.xml", "a.xml"]


def test_an_index_that_names_an_index_is_followed(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    outlet = desk[0].outlet
    base = room.base(outlet.name)
    index = f"<sitemapindex><sitemap><loc>{base}/sitemap.xml</loc></sitemap></sitemapindex>"
    room.behave(outlet.name, "/sitemaps/index.xml", Malformed(index, "application/xml"))
    house.reads([(outlet, base)], ["sitemap"])
    file = house.folder / "seeds" / "sources" / "newsroom.toml"
    file.write_text(file.read_text().replace("/sitemap.xml", "/sitemaps/index.xml"))
    _crawl(house)
    assert house.rows("select count(*) from frontier where found_by = 'sitemap'") == [
        (sum(each.in_sitemap for each in outlet.pages),)
    ]


def test_a_sitemap_lists_what_changed_last_first() -> None:
    rows = "".join(f"<url><loc>https://a.example/{n}</loc><lastmod>2026-11-{n}</lastmod></url>" for n in (10, 24, 17))
    listing = read_listing(
        f"<urlset>{rows}</urlset>".encode(), "", "https://a.example/s.xml", SOURCE, Found.SITEMAP, NOW
    )
    assert [each.url[-2:] for each in listing.candidates] == ["24", "17", "10"]
