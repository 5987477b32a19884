"""What others saw, held against an archive in which each way of missing something was arranged."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.backfill.conftest import ASKED
from tests.backfill.reading import write_catalogue
from tests.backfill.test_indexes import served
from tests.house import House
from tests.newsroom.exchange import Answer
from tests.newsroom.indexes import Indexes
from tests.newsroom.past import PastOutlet, PastPage
from tests.newsroom.past_world import PastWorld
from tripoint.domain.audit import Known, Verdict, judged
from tripoint.domain.backfill import Find
from tripoint.domain.coverage import Span

NOON = datetime(2018, 8, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BLIND = Span(NOON - HOUR, NOON + HOUR, is_seen=False, reason="it listed nothing")
SEEN = Span(NOON - HOUR, NOON + HOUR, is_seen=True)


@pytest.mark.parametrize(
    ("find", "source", "known", "spans", "verdict"),
    [
        (Find("u"), "a", Known(7, 0.9, 0.5, True), (), Verdict.HELD),
        (Find("u"), "", Known(7, 0.9, 0.5, True), (), Verdict.HELD),
        (Find("u"), "a", Known(7, 0.2, 0.5, False), (), Verdict.BELOW),
        (Find("u", published=NOON), "", None, (), Verdict.NO_SOURCE),
        (Find("u", is_opaque=True), "", None, (), Verdict.NO_SOURCE),
        (Find("u", is_opaque=True), "a", None, (SEEN,), Verdict.HIDDEN),
        (Find("u"), "a", Known(state="pending"), (), Verdict.WAITING),
        (Find("u"), "a", Known(state="not_article", reason="a menu"), (SEEN,), Verdict.NOT_EXTRACTED),
        (Find("u", published=NOON), "a", None, (BLIND,), Verdict.BLIND),
        (Find("u", seen=NOON), "a", None, (BLIND,), Verdict.BLIND),
        (Find("u", seen=NOON + 2 * HOUR), "a", None, (SEEN,), Verdict.BLIND),
        (Find("u", published=NOON), "a", None, (SEEN,), Verdict.NOT_LISTED),
        (Find("u"), "a", None, (SEEN,), Verdict.NOT_LISTED),
    ],
)
def test_each_way_of_missing_something_has_its_reason(
    find: Find, source: str, known: Known | None, spans: tuple[Span, ...], verdict: Verdict
) -> None:
    assert judged(find, source, known, spans)[0] is verdict


@pytest.fixture
def index(past: PastWorld) -> Indexes:
    """Return the indexes of the world."""
    found = past.index_sites[0]
    assert isinstance(found, Indexes)
    return found


def arrange(house: House, pages: dict[str, list[PastPage]]) -> dict[str, str]:
    """Let the archive miss some pages, each in its way; return their titles with the verdict."""
    first, second, third = pages["coast-daily"][:3]
    fourth, other = pages["ban-tin-bien"][0], pages["volga-wire"][0]
    with closing(sqlite3.connect(house.folder / "tripoint.db")) as connection, connection:

        def drop(page: PastPage, state: str = "", reason: str = "") -> None:
            connection.execute("delete from articles where title = ?", (page.title,))
            like = (f"%{page.path}",)
            connection.execute("delete from backfill_finds where url like ?", like)
            if state:
                connection.execute(f"update frontier set state = '{state}', reason = '{reason}' where url like ?", like)  # noqa: S608
            else:
                connection.execute("delete from frontier where url like ?", like)

        def cover(source: str, page: PastPage, *, is_seen: bool) -> None:
            start, until = (
                f"{page.published.astimezone(UTC) + hours:%Y-%m-%d %H:%M:%S.000000}" for hours in (-HOUR, HOUR)
            )
            row = (f"http://{source}/", source, start, until, is_seen, "" if is_seen else "it listed nothing", 0)
            columns = "url, source, start, until, is_seen, reason, repair_tries"
            connection.execute(f"insert into coverage ({columns}) values (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

        drop(first)
        cover("coast-daily", first, is_seen=False)
        drop(second, "not_article", "it is a menu")
        drop(third, "pending")
        scored = "update assessments set score = 0.125, relevant = 0 where article_id in "
        connection.execute(f"{scored} (select id from articles where title = ?)", (fourth.title,))  # noqa: S608
        drop(other)
        cover("volga-wire", other, is_seen=True)
        for page in pages["nhat-bao-song"]:
            drop(page)
    missed = {first: "blind interval", second: "not extracted", third: "not fetched yet", fourth: "scored below"}
    missed |= {other: "never listed", **dict.fromkeys(pages["nhat-bao-song"], "source not in the catalogue")}
    return {page.title: reason for page, reason in missed.items()}


def test_what_we_missed_is_told_with_its_reason(
    reader: House, past: PastWorld, index: Indexes, outlets: list[PastOutlet]
) -> None:
    reader.run("backfill", *ASKED, "--via", "gdelt", "--quiet", "--alert", "none")
    seen = served(outlets, "english")
    pages = {outlet.name: [page for page in outlet.pages if page in seen] for outlet in outlets}
    expected = arrange(reader, pages)
    write_catalogue(reader, past, without="nhat-bao-song")
    before = len(past.fetched())
    done = reader.run("audit", *ASKED, "--via", "gdelt", "--json", "--quiet", code=3)
    said = json.loads(done.stdout)
    reasons = {each["title"]: each["reason"] for each in said["missed"]}
    assert reasons == expected
    assert said["sampled"] == len(seen)
    assert said["verdicts"] == {**Counter(expected.values()), "held": len(seen) - len(expected)}
    assert said["recall"] == pytest.approx(1 - len(expected) / len(seen))
    below = next(each for each in said["missed"] if each["reason"] == "scored below")
    assert "has 0.12, alerts from" in below["detail"]
    assert len(past.fetched()) == before
    assert reader.rows("select count(*) from frontier where state = 'pending'") == [(1,)]
    told = reader.run("audit", *ASKED, "--via", "gdelt", "--at-least", "0.2").stdout
    assert "blind interval\t" in told
    assert f"{len(seen) - len(expected)} of {len(seen)} are held" in told
    assert "`tripoint sources add URL` adds a source" in told


def test_an_index_that_answers_nothing_makes_no_audit(reader: House, index: Indexes) -> None:
    index.trouble["gdelt"] = [Answer(b"<html>Maintenance</html>", "text/html")] * 6
    done = reader.run("audit", *ASKED, "--via", "gdelt", "--quiet", code=1)
    assert "tripoint: nobody could be asked: gdelt: GDELT says: Maintenance" in done.stderr
    assert "Traceback" not in done.stderr
