"""The catalogue by its commands: shown, checked live, switched off and on, and carried in and out as OPML."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.house import House
from tests.newsroom import DeskOutlet, Malformed, NewsroomThread, Redirect, Status
from tripoint.app.catalogue import as_toml, from_opml, set_key, to_opml
from tripoint.app.seeds import load_seeds, parse_sources
from tripoint.domain.errors import MendError
from tripoint.domain.seedfile import read_seed

_SOURCES = load_seeds().sources


def test_a_check_says_what_works_and_stores_nothing(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    names = [each.outlet.name for each in desk]
    room.behave(names[0], "/rss.xml", Redirect("/feed-of-today.xml"))
    room.behave(names[0], "/feed-of-today.xml", Malformed(_feed(desk[0], room), "application/rss+xml"))
    room.behave(names[1], "/rss.xml", Status(403))
    room.behave(names[2], "/rss.xml", Malformed("<rss version='2.0'><channel><title>x</title></channel></rss>"))
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
    done = house.run("sources", "check", "--json", code=1)
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert {name: each["verdict"] for name, each in found.items()} == {
        names[0]: "moved",
        names[1]: "forbidden",
        names[2]: "empty",
        names[3]: "works",
    }
    assert found[names[0]]["listings"][0]["moved_to"].endswith("/feed-of-today.xml")
    assert "HTTP 403" in found[names[1]]["detail"]
    assert not (house.folder / "tripoint.db").exists()

    house.run("sources", "check", names[3], "--write")
    verified = {each["name"]: each["verified"] for each in house.json("sources", "list")}
    assert verified == {name: name == names[3] for name in names}
    house.run("sources", "check", names[1], "--write", code=1)
    assert "did you mean" in house.run("sources", "check", names[3][:-1], code=2).stderr


def _feed(outlet: DeskOutlet, room: NewsroomThread) -> str:
    page = next(each for each in outlet.pages if each.kind == "article").page
    link = room.base(outlet.outlet.name) + page.path
    item = f"<item><title>One</title><link>{link}</link></item>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{item}</channel></rss>'


def test_a_source_is_shown_with_what_its_visits_brought(reading_house: House, desk: list[DeskOutlet]) -> None:
    name = desk[0].outlet.name
    before = reading_house.json("sources", "show", name)
    assert (before["articles"], before["visits"]) == (0, [])
    reading_house.run("crawl", "--quiet")
    after = reading_house.json("sources", "show", name)
    assert after["articles"] == sum(page.kind == "article" for page in desk[0].pages)
    assert after["visits"][0]["status"] == "read"
    assert after["visits"][0]["due_at"] > after["visits"][0]["polled_at"]
    assert "last new" in reading_house.run("sources", "show", name).stdout


def test_a_disabled_source_is_not_read_until_it_is_enabled_again(
    reading_house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    name = desk[0].outlet.name
    reading_house.run("sources", "disable", name)
    reading_house.run("crawl", "--quiet")
    assert room.count(name) == 0
    reading_house.run("sources", "enable", name)
    reading_house.run("crawl", "--quiet")
    assert room.count(name) > 1


def test_opml_goes_out_and_comes_back(house: House, tmp_path: Path) -> None:
    file = tmp_path / "feeds.opml"
    text = to_opml(_SOURCES)
    file.write_text(text, encoding="utf-8")
    feeds = [feed for each in _SOURCES for feed in each.feeds]
    found, present = from_opml(text.encode(), [], language="en", country="US", timezone="UTC")
    assert [each.feeds[0] for each in found] == feeds
    assert present == 0
    assert {each.language for each in found} == {"vi", "en"}
    shown = house.run("sources", "import", str(file), "--dry-run")
    assert f"{len(feeds)} would be added" in shown.stderr
    assert house.json("sources", "list") == []
    house.run("sources", "import", str(file))
    listed = house.json("sources", "list")
    assert len(listed) == len(feeds)
    assert not any(each["verified"] for each in listed)
    again = house.run("sources", "import", str(file))
    assert "0 added" in again.stderr
    out = house.run("sources", "export").stdout
    assert out.count("<outline ") == len(feeds)


def test_an_opml_file_from_elsewhere_becomes_names_and_no_markup() -> None:
    body = """<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml version="1.0"><body>
    <outline text="Group"><outline text="Báo &amp; Đài &lt;b&gt;" xmlUrl="https://a.example/rss"/></outline>
    <outline title="B&#225;o &amp; &#272;&#224;i &lt;b&gt;" xmlUrl="https://b.example/rss" htmlUrl="javascript:alert(1)"/>
    <outline text="&x;" xmlUrl="https://c.example/rss"/><outline text="no" xmlUrl="file:///etc/passwd"/>
    <outline text="twice" xmlUrl="https://a.example/rss"/></body></opml>"""
    found, present = from_opml(body.encode(), [], language="vi", country="VN", timezone="Asia/Ho_Chi_Minh")
    assert [each.name for each in found] == ["bao-dai-b", "bao-dai-b-2", "c-example"]
    assert found[1].homepage == "https://b.example/"
    assert present == 1
    again = parse_sources([read_seed("x.toml", as_toml(found))])
    assert again == tuple(found)
    assert tomllib.loads(as_toml(found))["source"][0]["outlet"] == "Báo & Đài <b>"


@pytest.mark.parametrize("body", [b"", b"not xml", b"<opml><body><outline text='x'/></body></opml>"])
def test_what_is_no_opml_is_refused(body: bytes) -> None:
    with pytest.raises(MendError):
        from_opml(body, [], language="en", country="US", timezone="UTC")


def test_one_entry_changes_and_nothing_else_moves() -> None:
    text = '# head\n[[source]]\nname = "a"  # one\nfeeds = ["x"]\n\n[[source]]\nname = "b"\nenabled = true\n'
    assert set_key(text, "a", "enabled", "false") == text.replace('"a"  # one\n', '"a"  # one\nenabled = false\n')
    assert set_key(text, "b", "enabled", "false") == text.replace("enabled = true", "enabled = false")
    assert set_key(text, "c", "enabled", "false") is None


def test_an_outlet_is_found_from_its_address_shown_and_added(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[0].outlet
    base = room.base(outlet.name)
    page = (
        f'<html lang="{outlet.language}"><head><title>Tin &amp; Tức</title>'
        '<link rel="alternate" type="application/rss+xml" href="/rss.xml">'
        '<link rel="alternate" type="application/rss+xml" href="/gone.xml">'
        '<link rel="alternate" type="application/atom+xml" href="http://127.0.0.99:9/atom.xml">'
        '<link rel="alternate" hreflang="en" href="/en/"></head><body>x</body></html>'
    )
    room.behave(outlet.name, "/", Malformed(page, "text/html; charset=utf-8"))
    room.behave(outlet.name, "/robots.txt", Malformed(f"User-agent: *\nSitemap: {base}/sitemap.xml\n", "text/plain"))
    shown = house.run("sources", "add", base + "/", "--dry-run")
    assert house.json("sources", "list") == []
    assert f"feed\t{base}/rss.xml" in shown.stdout
    added = house.run(
        "sources", "add", base + "/", "--country", outlet.country, "--timezone", outlet.timezone, "--name", "mine"
    )
    assert "added mine" in added.stdout
    (entry,) = house.json("sources", "list")
    assert (entry["name"], entry["outlet"], entry["language"]) == ("mine", "Tin & Tức", outlet.language)
    assert entry["feeds"] == [f"{base}/rss.xml"]
    assert entry["sitemaps"] == [f"{base}/sitemap.xml"]
    house.run("crawl", "--quiet")
    articles = sum(each.kind == "article" for each in desk[0].pages)
    assert house.rows("select count(*) from articles") == [(articles,)]
    again = house.run("sources", "add", base + "/", code=2)
    assert "mine has it already" in again.stderr


def test_common_paths_are_tried_where_a_page_names_no_feed(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[1].outlet
    base = room.base(outlet.name)
    room.behave(outlet.name, "/", Malformed("<html><body>nothing</body></html>", "text/html"))
    room.behave(outlet.name, "/robots.txt", Status(404))
    unsaid = house.run("sources", "add", base, code=2)
    assert "does not say its language" in unsaid.stderr
    house.run("sources", "add", base, "--language", outlet.language)
    (entry,) = house.json("sources", "list")
    assert f"{base}/rss.xml" in entry["feeds"]


def test_what_cannot_be_added_says_why(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    base = room.base(desk[0].outlet.name)
    room.behave(desk[0].outlet.name, "*", Status(403))
    assert "HTTP 403" in house.run("sources", "add", base, code=2).stderr
    assert "no web address" in house.run("sources", "add", "nonsense", code=2).stderr
    house.settings["crawl"]["allowed_hosts"] = []
    assert "inside the network" in house.run("sources", "add", base, code=2).stderr
