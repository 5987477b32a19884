"""`tripoint search` as people and scripts use it: marked hits, filters that mend mistakes, exports of every hit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet

from storage.database import open_database
from storage.search import SearchHit
from tests.house import House
from tests.newsroom import DeskOutlet
from tests.storage.test_search import judged, keep
from tripoint.app.export import write_csv, write_json_lines, write_parquet
from tripoint.domain.errors import MendError
from tripoint.domain.types import Marked

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def full_house(house: House, desk: list[DeskOutlet]) -> House:
    """Return a house with an archive."""
    house.reads([(each.outlet, "http://127.0.0.1:9") for each in desk])
    name = desk[0].outlet.name
    database = open_database(house.database)
    keep(database, "one", "=HYPERLINK tập trận", "Nga tập\x1b[31m trận.", judged(0.9, "platform.mi35"), source=name)
    for number in range(30):
        keep(database, f"k{number}", f"Drill {number}", "A joint drill.", days=number + 1, language="en", source=name)
    database.close()
    return house


def test_hits_are_listed_with_their_words_marked(full_house: House) -> None:
    said = full_house.run("search", "tap tran")
    assert "=HYPERLINK **tập** **trận**" in said.stdout
    assert "\x1b" not in said.stdout
    assert "score 0.90" in said.stdout
    many = full_house.run("search", "drill", "--lang", "en")
    assert many.stdout.count("https://") == 20
    assert "--offset 20" in many.stderr
    assert "nothing found; fewer words" in full_house.run("search", "zebra").stderr
    assert "near it are platform.mi35" in full_house.run("search", "concept:platform.mi36").stderr


def test_a_concept_finds_both_languages_after_a_crawl(reading_house: House) -> None:
    reading_house.run("crawl")
    in_hits = reading_house.rows(
        "SELECT DISTINCT a.id FROM hits h JOIN assessments s ON s.id = h.assessment_id"
        " JOIN articles a ON a.id = s.article_id WHERE h.concept = 'actor.russia'"
    )
    found = reading_house.json("search", "concept:actor.russia", "--limit", "1000")["hits"]
    assert sorted(each["article"] for each in found) == sorted(number for (number,) in in_hits)
    assert {each["language"] for each in found} == {"vi", "en"}


def test_json_carries_spans(full_house: House) -> None:
    found = full_house.json("search", "concept:platform.mi35 tập")
    (hit,) = found["hits"]
    start, end = hit["title_spans"][0]
    assert hit["title"][start:end] == "tập"
    assert (found["is_more"], hit["score"], hit["relevant"]) == (False, 0.9, True)


def test_the_filters_leave_what_they_name(full_house: House, desk: list[DeskOutlet]) -> None:
    name = desk[0].outlet.name
    marked = "=HYPERLINK tập trận"
    for arguments, found in (
        (("--since", "2026-11-22T00:00Z"), {marked, "Drill 0", "Drill 1"}),
        (("drill", "--until", "2026-11-22T00:00Z", "--since", "2026-11-20T12:00Z"), {"Drill 2"}),
        (("--min-score", "0.8"), {marked}),
        (("tap tran", "--outlet", name, "--lang", "vi", "--min-score", "0.95"), set()),
        (("tap tran", "--outlet", name, "--lang", "vi", "--min-score", "0.85"), {marked}),
        (("drill", "--outlet", desk[1].outlet.name), set()),
    ):
        hits = full_house.json("search", *arguments, "--limit", "100")["hits"]
        assert {each["title"] for each in hits} == found, arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", '"tập'), "character 1: this quotation mark is never closed"),
        (("search", "x", "--outlet", "nobody"), "there is no outlet `nobody`"),
        (("search", "x", "--topic", "russia-pakistan-u"), "did you mean `russia-pakistan-us`?"),
        (("search", "x", "--since", "soon"), '"soon"'),
        (("search", "x", "--csv", "--jsonl"), "more than one form"),
        (("search", "x", "--parquet"), "--output hits.parquet"),
        (("search", "x", "--output", "f"), "add --csv"),
        (("search", "x", "--since", "2026-02-01", "--until", "2026-01-01"), "since is not before until"),
    ],
)
def test_a_mistake_is_told_with_the_mend(full_house: House, arguments: tuple[str, ...], said: str) -> None:
    assert said in full_house.run(*arguments, code=2).stderr


def test_exports_hold_every_hit(full_house: House) -> None:
    rows = list(csv.DictReader(io.StringIO(full_house.run("search", "drill", "--csv").stdout)))
    assert [each["title"] for each in rows] == [f"Drill {number}" for number in range(30)]
    assert len(full_house.run("search", "drill", "--jsonl", "--limit", "3").stdout.splitlines()) == 3
    said = full_house.run("search", "--parquet", "--output", "all.parquet")
    assert "31 articles in all.parquet" in said.stderr
    table = parquet.read_table(full_house.folder / "all.parquet")
    assert table.num_rows == 31
    assert table.schema.field("published").type.tz == "UTC"
    full_house.run("search", "--csv", "--output", "all.csv")
    assert (full_house.folder / "all.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert "cannot write" in full_house.run("search", "--csv", "--output", "no/where.csv", code=1).stderr


def hit(title: str) -> SearchHit:
    return SearchHit(
        1,
        "s",
        "a",
        "A",
        "vi",
        "https://a.example",
        Marked(title, ()),
        Marked("…", ()),
        None,
        False,
        NOW,
        0.5,
        True,
        0.0,
    )


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "＝1"])
def test_a_spreadsheet_runs_no_title(title: str) -> None:
    file = io.StringIO()
    assert write_csv([hit(title)], file) == 1
    (row,) = csv.DictReader(io.StringIO(file.getvalue()))
    assert row["title"] == f"'{title}"


def test_exports_of_nothing_are_whole_files(tmp_path: Path) -> None:
    nothing: Sequence[SearchHit] = ()
    assert (write_csv(nothing, io.StringIO()), write_json_lines(nothing, io.StringIO())) == (0, 0)
    assert write_parquet(nothing, tmp_path / "x.parquet") == 0
    assert parquet.read_table(tmp_path / "x.parquet").num_rows == 0
    file = io.StringIO()
    write_json_lines([hit("a\nb")], file)
    assert json.loads(file.getvalue())["title"] == "a\nb"


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MendError, match="tripoint\\[parquet\\]"):
        write_parquet([], tmp_path / "x.parquet")
