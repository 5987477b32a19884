"""Pages that lead inside, and pages that are bombs: refused or ended within bounds, and the other sources go on."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import brotli
import pytest
from aiohttp import web

from crawler.guard import AddressGuard
from tests.house import DEADLINE_S, House
from tests.newsroom import DeskOutlet, Drip, Huge, Malformed, NewsroomThread, Redirect, RedirectLoop
from tests.newsroom.exchange import Exchange

INSIDE = (
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:101::1", "nonsense",
)  # fmt: skip
OUTSIDE = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("address", INSIDE)
def test_inside_addresses_are_refused(address: str) -> None:
    guard = AddressGuard()
    assert not guard.admits("news.example", address)
    assert address in guard.refusal("News.Example")


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_admitted(address: str) -> None:
    guard = AddressGuard()
    assert guard.admits("news.example", address)
    assert guard.refusal("news.example") == ""


def test_chosen_hosts_and_networks_are_allowed_and_nothing_beside_them() -> None:
    guard = AddressGuard(["Intranet.example", "10.1.0.0/16", "::1"])
    assert guard.admits("intranet.example", "192.168.1.1")
    assert guard.admits("any.example", "10.1.255.1")
    assert guard.admits("any.example", "::1")
    assert not guard.admits("any.example", "10.2.0.1")
    assert not guard.admits("sub.intranet.example", "192.168.1.1")


def test_a_name_that_first_leads_out_and_then_inside_is_refused_the_second_time() -> None:
    guard = AddressGuard()
    assert guard.admits("rebind.example", "8.8.8.8")
    assert not guard.admits("rebind.example", "127.0.0.1")
    assert guard.admits("rebind.example", "8.8.8.8")
    assert guard.refusal("rebind.example") == ""


def _outlet(desk: list[DeskOutlet], name: str) -> DeskOutlet:
    return next(each for each in desk if each.outlet.name == name)


@pytest.mark.parametrize("spelling", ["{host}", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_an_inside_host_is_fetched(
    spelling: str, house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = _outlet(desk, "indus-courier")
    base = urlsplit(room.base("indus-courier"))
    house.settings["crawl"]["allowed_hosts"] = []
    house.settings["crawl"]["obey_robots"] = False
    house.reads([(outlet.outlet, f"http://{spelling.format(host=base.hostname)}:{base.port}")])
    report = json.loads(house.run("crawl", "--quiet", "--json").stdout.splitlines()[-1])
    assert report["results"] == {"listings failed": 1}
    assert room.requests == []
    ((error,),) = house.rows("select error from listings")
    assert "inside the network" in error or "cannot be resolved" in error or "host" in error


def test_a_redirect_inside_is_refused_where_it_leads_and_the_rest_is_read(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet, secret = _outlet(desk, "indus-courier"), _outlet(desk, "bien-thuy")
    pages = [each.page.path for each in outlet.pages if each.kind == "article"]
    room.behave("indus-courier", pages[0], Redirect(room.base("bien-thuy") + secret.pages[0].page.path))
    room.behave("indus-courier", pages[1], Redirect("http://169.254.169.254/latest/meta-data/"))
    house.settings["crawl"]["allowed_hosts"] = [urlsplit(room.base("indus-courier")).hostname]
    house.reads([(outlet.outlet, room.base("indus-courier"))])
    house.run("crawl", "--quiet")
    assert room.count("bien-thuy") == 0
    reasons = {url.split("/", 3)[3]: reason for url, reason in house.rows("select url, reason from frontier")}
    for path in pages[:2]:
        assert "leads to an address inside the network" in reasons[path[1:]]
    assert house.rows("select count(*) from articles") == [(len(pages) - 2,)]


@dataclass(frozen=True, slots=True)
class Bomb:
    """A few packed bytes that unpack to very many."""

    coding: str
    size_bytes: int = 200_000_000

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the bomb, whatever was asked."""
        packed = _PACKED[self.coding]
        answer = exchange.usual.with_body(packed)
        return exchange.respond(replace(answer, headers={"Content-Encoding": self.coding}))


_ZEROS = bytes(200_000_000)
_PACKED = {"gzip": gzip.compress(_ZEROS, 9), "br": brotli.compress(_ZEROS, quality=5)}
del _ZEROS


def _measured(house: House, *arguments: str) -> int:
    """Run a verb and return the most memory that it or one of its workers had, in bytes, as the system counts it."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *house.command(*arguments)],
        capture_output=True,
        text=True,
        env=house.environ(),
        cwd=house.folder,
        timeout=DEADLINE_S,
        check=True,
    )
    return int(done.stdout.splitlines()[-1]) * 1024


_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _lol() -> str:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">{lines}]><rss><channel><title>&l9;</title></channel></rss>'


def test_bombs_end_and_the_other_sources_are_read(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    outlet = _outlet(desk, "bien-thuy")
    paths = [each.page.path for each in outlet.pages if each.kind == "article"]
    items = "<item><title>One</title></item>" * 100_000
    bombs = {
        paths[0]: (Bomb("gzip"), "larger than the limit"),
        paths[1]: (Bomb("br"), "larger than the limit"),
        paths[2]: (Huge(50_000_000), "larger than the limit"),
        paths[3]: (Drip(bytes_per_chunk=8, delay_s=0.2), "no answer in time"),
        paths[4]: (RedirectLoop(), "too many redirects"),
    }
    for path, (behaviour, _) in bombs.items():
        room.behave("bien-thuy", path, behaviour)
    room.behave("indus-courier", "/rss.xml", Malformed(_lol(), "application/rss+xml"))
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'
    room.behave("quan-su-24h", "/rss.xml", Malformed(feed, "application/rss+xml"))
    house.settings["crawl"] |= {"timeout_s": 2.0, "max_page_bytes": 4_000_000, "extract_timeout_s": 5.0}
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
    most = _measured(house, "crawl", "--quiet")
    assert most < 450_000_000  # it is 250 without bombs; each of them would unpack to 200 more
    reasons = {url.split("/", 3)[3]: reason for url, reason in house.rows("select url, reason from frontier")}
    assert {path: reasons[path[1:]] for path in bombs} == {path: reason for path, (_, reason) in bombs.items()}
    listings: dict[str, str] = dict(house.rows("select source, error from listings"))  # type: ignore[arg-type]
    assert listings["quan-su-24h"] == "2000 entries, and not one with a link"
    assert "lollol" not in json.dumps(listings)
    fine = {each.outlet.name for each in desk} - {"bien-thuy", "indus-courier", "quan-su-24h"}
    read: dict[str, int] = dict(house.rows("select source, count(*) from articles group by source"))  # type: ignore[arg-type]
    for each in desk:
        if each.outlet.name in fine:
            assert read[each.outlet.name] == sum(page.kind == "article" for page in each.pages)
    assert read["bien-thuy"] == len(paths) - len(bombs)


def test_a_feed_of_a_million_items_is_read_from_its_first(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = _outlet(desk, "indus-courier")
    base = room.base("indus-courier")
    paths = [each.page.path for each in outlet.pages if each.kind == "article"][:2]
    items = (
        "".join(f"<item><title>One</title><link>{base}{path}</link></item>" for path in paths) + "<item/>" * 1_000_000
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'
    room.behave("indus-courier", "/rss.xml", Malformed(feed, "application/rss+xml"))
    house.settings["crawl"]["follow_links"] = "none"
    house.reads([(outlet.outlet, base)])
    assert _measured(house, "crawl", "--quiet") < 450_000_000
    assert house.rows("select status, listed from listings") == [("read", 2)]
    assert house.rows("select count(*) from articles") == [(2,)]
