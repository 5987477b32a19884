"""Killed at random moments and resumed, a search ends as if nothing had happened; `make kills` does it thirty times."""

from __future__ import annotations

import random

from crawler.settings import UNREAD, WINDOW
from tests.backfill.conftest import ASKED
from tests.backfill.killed import asked_too_often, search_and_kill, windows_asked_too_often
from tests.house import House
from tests.newsroom.past import PastOutlet, relevant
from tests.newsroom.past_world import PastWorld

KILLS = 5
PER_HOST = 2  # requests in flight to one host, as the settings have it


def test_five_kills_change_nothing(reader: House, past: PastWorld, outlets: list[PastOutlet]) -> None:
    arguments = (*ASKED, "--via", "archive")
    killed = search_and_kill(reader, past, arguments, KILLS, usual=310, dice=random.Random(20180809))  # noqa: S311
    done = reader.json("backfill", *arguments, "--quiet")
    (archive,) = done["providers"]
    assert done["complete"]
    assert [archive[each] for each in ("windows", "found", "new", "known", "lost")] == [72, 240, 240, 0, 0]
    assert sorted(each["title"] for each in done["relevant"]) == sorted(relevant(outlets))
    assert reader.rows("select count(*), count(distinct canonical_url) from articles") == [(240, 240)]
    assert reader.rows("select count(*) from alerts where rule = 'backfill'") == [(1,)]
    assert len(set(past.fetched())) == 240
    assert asked_too_often(past, killed) == []
    assert windows_asked_too_often(past, killed) == []
    assert killed.most <= len(outlets) * (WINDOW * PER_HOST + UNREAD)
