"""After hours in which nothing ran: what waited is told first, the rest by its importance, and no host gets a burst."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from storage import tables
from tests.house import DEADLINE_S, House
from tests.newsroom import DeskOutlet, NewsroomThread
from tests.newsroom.exchange import Request
from tests.operation.heard import Heard
from tests.receiver import Receiver, Reply

DELAY_S = 0.15
SLACK_S = 0.12  # what arrives late makes the next seem early
AWAY_H = 30  # so that what is done once a day was due

POLICIES = """
[[rule]]
name = "at-once"
channels = ["chat"]

[[rule]]
name = "daily"
channels = ["paper"]
digest = { every = "daily", at = "07:00" }
"""

WHILE_AWAY = {"indus-courier": ("officer-exchange", "druzhba"), "continental-wire": ("arabian-monsoon",)}
LEFT_THE_FEED = "druzhba"
PAGES = 6  # of each outlet; the more, the longer it takes


def let_pass(house: House, hours: int) -> None:
    """Move all that the database says of moments back, so that it looks as if so long had passed; not what pages say."""
    with closing(sqlite3.connect(house.folder / "tripoint.db")) as connection, connection:
        for table in tables.metadata.tables.values():
            moments = [each.name for each in table.c if isinstance(each.type, tables.UtcDateTime)]
            for name in (each for each in moments if each != "published"):
                moved = f"""strftime('%Y-%m-%d %H:%M:%f', "{name}", '-{hours} hours') || '000'"""
                connection.execute(f'update "{table.name}" set "{name}" = {moved}')  # noqa: S608 - names are ours


class Chat:
    """Refuses all at first, and remembers when it took what."""

    def __init__(self) -> None:
        self.is_open = False
        self.asked = 0
        self.taken_at: list[float] = []

    def answer(self, path: str, _count: int) -> Reply:
        """Answer as a webhook does."""
        if path == "/paper":
            return 200, {}, ""
        self.asked += 1
        if not self.is_open:
            return 503, {}, ""
        self.taken_at.append(time.monotonic())
        return 200, {}, ""


@contextmanager
def running(house: House) -> Iterator[Heard]:
    """Run the service while the block lasts."""
    heard = Heard(house.start("run"))
    try:
        yield heard
    finally:
        assert heard.end(signal.SIGTERM) == 0, heard.lines


def until(house: House, query: str, wanted: Any, heard: Heard) -> None:
    """Wait until a query answers so."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            found = house.rows(query)[0][0]
        except sqlite3.OperationalError:  # not made yet
            found = None
        if found == wanted:
            return
        assert time.monotonic() < end, (query, found, heard.lines)
        time.sleep(0.05)


def assert_no_burst(requests: list[Request]) -> None:
    """Check of every host that any number of requests took as long as the delay wants."""
    moments = sorted(each.at for each in requests)
    for (first, begun), (last, ended) in combinations(enumerate(moments), 2):
        assert ended - begun > (last - first) * DELAY_S - SLACK_S, (requests[0].outlet, last - first, ended - begun)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_day_without_the_service_is_made_up_for(house: House, desk: list[DeskOutlet]) -> None:
    chosen = [each for each in desk if each.outlet.name in WHILE_AWAY]
    events = {page.page.title: page.event for each in chosen for page in each.pages if page.is_told}
    missed = [
        (each.outlet.name, page.page, page.event)
        for each in chosen
        for page in each.pages
        if page.event in WHILE_AWAY[each.outlet.name]
    ]
    for each in chosen:
        old = [page.page for page in each.pages if page.event not in WHILE_AWAY[each.outlet.name]]
        each.outlet.pages[:] = [page for page in old if not page.path.startswith("/section")][:PAGES]
    served = {page.path for each in chosen for page in each.outlet.pages} | {page.path for _, page, _ in missed}
    chat = Chat()
    with NewsroomThread([each.outlet for each in chosen]) as room, Receiver(chat.answer) as receiver:
        house.reads([(each.outlet, room.base(each.outlet.name)) for each in chosen])
        base = room.base("continental-wire")
        house.also_reads("the-wire-again", "The Wire Again", base, f'feeds = ["{base}/atom.xml"]')
        (house.folder / "seeds" / "policies.toml").write_text(POLICIES, encoding="utf-8")
        house.settings["crawl"] |= {"delay_s": DELAY_S, "follow_links": "none", "revisit_h": [20.0]}
        house.settings["run"] = dict.fromkeys(("interval_s", "min_interval_s", "max_interval_s"), 3600.0)
        house.settings["channels"] = {name: {"url_env": name.upper()} for name in ("chat", "paper")}
        house.environment = {name.upper(): f"json://{receiver.address}/{name}" for name in ("chat", "paper")}

        with running(house) as heard:
            until(house, _READ, 1, heard)
        waited = {json.loads(text)["title"] for (text,) in house.rows(_WAITING)}
        assert waited
        assert not receiver.accepted
        known = dict(house.rows("select canonical_url, id from articles"))

        let_pass(house, AWAY_H)
        for each in chosen:
            for page in each.outlet.pages:  # nothing that was known is listed any more: the feed rolled on
                room.publish(each.outlet.name, replace(page, in_feed=False))
        for name, page, event in missed:
            room.publish(name, replace(page, in_feed=event != LEFT_THE_FEED))
        room.forget()
        chat.is_open = True
        with running(house) as heard:
            until(house, _CAUGHT_UP, 1, heard)
            started = [name for (name,) in house.rows("select name from jobs order by started_at")]
            until(house, _READ, 1, heard)
            until(house, "select count(*) from alerts where state = 'pending'", 0, heard)
        seen = room.requests

    # Alerts that waited came first, before any host was asked.
    assert len(chat.taken_at) >= len(waited)
    assert chat.taken_at[len(waited) - 1] < min(each.at for each in seen)

    # Then the jobs, by what docs/operations.md calls their importance, one after another.
    assert [each for each in started if each in ORDER] == list(ORDER)

    # No host was asked faster than it is otherwise, although two sources share one.
    for each in chosen:
        assert_no_burst([one for one in seen if one.outlet == each.outlet.name])
    polled = Counter((each.outlet, each.path) for each in seen)
    assert {path: number for (_, path), number in polled.items() if path.endswith(("rss.xml", "atom.xml"))} == {
        "/rss.xml": 1,
        "/atom.xml": 1,
    }

    # What was published meanwhile is there, what had left the feed too; all is there once and told once.
    stored = dict(house.rows("select canonical_url, id from articles"))
    assert known.items() < stored.items()
    assert {url for url in stored if url not in known} == {
        f"{room.base(name)}{page.path}".rstrip("/") for name, page, _ in missed
    }
    papers = [body["title"] for path, body in receiver.received if path == "/paper"]
    told = [body["title"] for body in receiver.accepted if body["title"] not in papers]
    assert len(papers) == 1, papers
    assert sorted(events[each.removeprefix("[Tripoint] ").rpartition(" — ")[0]] for each in told) == sorted(
        {page.event for each in chosen for page in each.pages if page.is_told and page.page.path in served}
    )


ORDER = ("escalate", "poll", "digests", "repair", "revisit", "retention", "maintain", "selfcheck")
_READ = "select (select count(*) from listings) = 3 and not exists (select 1 from frontier where state = 'pending')"
_CAUGHT_UP = "select min(started_at) > datetime('now', '-1 hour') and count(*) = count(started_at) from jobs"
_WAITING = "select evidence from alerts where state = 'pending' and channel = 'chat'"
