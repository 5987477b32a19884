"""Searching WARC files on this machine, by the command line."""

from __future__ import annotations

import gzip
import json
import random
import signal
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from crawler.warc.local import Sieve, warc_files
from crawler.warc.sift import Passed, by_text
from tests.backfill.warc_files import HTML, base_of, info, knows, packed, record, records_of, write
from tests.house import House
from tests.newsroom.past import PastOutlet, html_of, past_outlets, relevant, utc
from tripoint.domain.backfill import Wanted
from tripoint.domain.errors import SettingsError
from tripoint.domain.when import read_days

ASKED = ("--since", "2018-07-15", "--until", "2018-09-14", "--alert", "none")
_RELEVANT = "select title from articles a join assessments s on s.article_id = a.id where s.relevant"
KILLS = 4


@pytest.fixture
def outlets() -> list[PastOutlet]:
    """Return a small past: two months, 80 pages, 16 of them relevant."""
    return past_outlets(80, date(2018, 7, 15), date(2018, 9, 15), 16)


@pytest.fixture
def reader(house: House, outlets: list[PastOutlet]) -> House:
    """Return a house that knows three of the four outlets."""
    knows(house, outlets[:3])
    return house


def search(house: House, *via: Path, arguments: tuple[str, ...] = (), code: int = 0) -> dict[str, Any]:
    """Search files, and return what the verb says of them."""
    chosen = [part for each in via for part in ("--via", f"warc:{each}")]
    done = house.run("backfill", *ASKED, *chosen, "--quiet", "--json", *arguments, code=code)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def titles(house: House) -> list[str]:
    """Return the titles of the relevant articles that are stored."""
    return sorted(title for (title,) in house.rows(_RELEVANT))


def windows(house: House) -> dict[str, tuple[str, str]]:
    """Return state and reason of each file."""
    rows = house.rows("select address, state, reason from backfill_windows")
    return {Path(address).name: (state, reason) for address, state, reason in rows}


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc"])
def test_what_a_file_holds_is_found_once(reader: House, outlets: list[PastOutlet], tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, records_of(outlets))
    done = search(reader, file)
    (warc,) = done["providers"]
    assert done["complete"]
    assert titles(reader) == sorted(relevant(outlets))
    assert warc["found"] == warc["new"] == warc["fetched"] == warc["relevant"] == 16
    told = {
        (
            page.title,
            outlet.title if outlet in outlets[:3] else "nhat-bao-song.example",
            f"{utc(page.published):%F %H:%M}",
        )
        for outlet in outlets
        for page in outlet.pages
        if page.is_relevant
    }
    assert set(reader.rows("select title, outlet, substr(published, 1, 16) from articles")) == told
    assert reader.rows("select count(*) from evidence") == [(16,)]
    assert "161 records" in windows(reader)[name][1]


def test_the_same_command_again_reads_nothing(reader: House, outlets: list[PastOutlet], tmp_path: Path) -> None:
    file = write(tmp_path / "a.warc.gz", records_of(outlets))
    search(reader, file)
    file.unlink()
    file.write_bytes(info())
    assert search(reader, file)["complete"]
    reader.run("backfill", "forget", "1")
    (again,) = search(reader, write(file, records_of(outlets)))["providers"]
    assert (again["found"], again["known"], again["new"]) == (16, 16, 0)
    assert reader.rows("select count(*), max(revision) from articles") == [(16, 1)]


def test_without_the_prematch_known_outlets_are_read_whole(
    reader: House, outlets: list[PastOutlet], tmp_path: Path
) -> None:
    reader.settings["backfill"] = {"prematch": False}
    search(reader, write(tmp_path / "a.warc.gz", records_of(outlets)))
    assert titles(reader) == sorted(relevant(outlets))
    by_source = dict(reader.rows("select source, count(*) from articles group by 1"))
    assert by_source == {"coast-daily": 20, "volga-wire": 20, "ban-tin-bien": 20, "nhat-bao-song-example": 4}


def test_a_folder_is_read_and_damage_costs_what_it_hits(
    reader: House, outlets: list[PastOutlet], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    (folder / "deeper").mkdir(parents=True)
    write(folder / "good.warc.gz", records_of(outlets[:1]))
    members = [gzip.compress(each, mtime=0) for each in records_of(outlets[1:2])]
    hit = next(at for at, each in enumerate(records_of(outlets[1:2])) if b"type: response" in each.lower())
    members[hit] = members[hit][:60] + b"\x00\x00\x00" + members[hit][63:]
    (folder / "deeper" / "damaged.warc.gz").write_bytes(b"".join(members))
    (folder / "cut.warc.gz").write_bytes(packed(records_of(outlets[2:3]))[:-50])
    (folder / "none.warc").write_bytes(b"<html>")
    (folder / "notes.txt").write_bytes(b"not asked for")
    done = search(reader, folder, code=1)
    assert not done["complete"]
    said = windows(reader)
    assert said["good.warc.gz"][0] == "done"
    assert said["damaged.warc.gz"][0] == "capped"
    assert said["damaged.warc.gz"][1].startswith("a record cannot be unpacked, at byte ")
    assert said["cut.warc.gz"][0] == "failed"
    assert said["cut.warc.gz"][1].startswith("it is cut off in the middle of a record, at byte ")
    assert said["none.warc"] == ("failed", "it does not begin as a WARC file")
    lost = {page.title for each in outlets[1:3] for page in (each.pages[0], each.pages[-1])}
    assert relevant(outlets[:3]) - lost <= set(titles(reader)) <= relevant(outlets[:3])
    write(folder / "cut.warc.gz", records_of(outlets[2:3]))  # its download ended
    reader.run("backfill", "resume", "--quiet", "--alert", "none", code=1)  # for the file that is none
    assert windows(reader)["cut.warc.gz"][0] == "done"
    assert relevant(outlets[2:3]) <= set(titles(reader))


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.warc.gz", b"<html>", "does not begin as a WARC file"),
        ("a.warc", b"", "it is empty"),
        ("a.warc.gz", gzip.compress(info() * 3), "packed as a whole"),
        ("", b"", "there is no .warc or .warc.gz file below it"),
        ("missing.warc", None, "No such file"),
    ],
    ids=["page", "empty", "whole", "folder", "missing"],
)
def test_what_is_no_warc_is_refused(tmp_path: Path, name: str, body: bytes | None, said: str) -> None:
    path = tmp_path / "warcs" / name
    path.parent.mkdir(exist_ok=True)
    if name and body is not None:
        path.write_bytes(body)
    with pytest.raises(SettingsError, match=said):
        warc_files(path if name else path.parent)


def test_a_refusal_is_one_line(reader: House) -> None:
    done = reader.run("backfill", *ASKED, "--via", "warc:tripoint.toml", code=2)
    assert "tripoint.toml: it does not begin as a WARC file — name a .warc or .warc.gz file" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_killed_at_any_moment_it_goes_on_and_takes_nothing_twice(
    reader: House, outlets: list[PastOutlet], tmp_path: Path
) -> None:
    reader.settings["backfill"] = {"prematch": False}
    file = write(tmp_path / "a.warc.gz", records_of(outlets))
    dice = random.Random(11)  # noqa: S311 - chance spreads the kills
    cursors = []
    for _ in range(KILLS):
        process = reader.start("backfill", *ASKED, "--via", f"warc:{file}")
        assert process.stderr is not None
        for _ in range(dice.randrange(1, 16)):
            process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        cursors += [cursor for (cursor,) in reader.rows("select cursor from backfill_windows")]
    assert search(reader, file)["complete"]
    assert cursors == sorted(cursors, key=lambda each: int(each.partition('"at": ')[2].partition(",")[0] or 0))
    assert titles(reader) == sorted(relevant(outlets))
    assert reader.rows("select count(*), count(distinct canonical_url), max(revision) from articles") == [(64, 64, 1)]
    assert reader.rows("select count(*) from backfill_finds where not was_known") == [(64,)]
    assert "161 records" in windows(reader)["a.warc.gz"][1]


def test_ctrl_c_and_a_limit_stop_it_for_now(reader: House, outlets: list[PastOutlet], tmp_path: Path) -> None:
    file = write(tmp_path / "a.warc.gz", records_of(outlets))
    process = reader.start("backfill", *ASKED, "--via", f"warc:{file}")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    before = len(titles(reader))
    first = search(reader, file, arguments=("--limit", "3"))
    assert not first["complete"]
    assert len(titles(reader)) == before + 3
    assert search(reader, file)["complete"]
    assert titles(reader) == sorted(relevant(outlets))


def test_languages_sources_and_words_choose(reader: House, outlets: list[PastOutlet], tmp_path: Path) -> None:
    file = write(tmp_path / "a.warc.gz", records_of(outlets))
    search(reader, file, arguments=("--source", "volga-wire"))
    assert titles(reader) == sorted(relevant(outlets[1:2]))
    search(reader, file, arguments=("--lang", "vi"))
    vietnamese = [each for each in outlets if each.language == "vi"]
    assert titles(reader) == sorted(relevant(outlets[1:2]) | relevant(vietnamese))
    reader.json("backfill", "harbour", "library", *ASKED, "--via", f"warc:{file}", "--quiet")
    added = [title for (title,) in reader.rows("select title from articles where title like '%harbour%'")]
    asked = {
        page.title for each in outlets for page in each.pages if "harbour" in page.title and "library" in page.title
    }
    assert asked
    assert sorted(added) == sorted(asked)


@pytest.mark.parametrize(
    ("said", "text", "passed"),
    [
        ("fr", "La fenêtre de l'hôtel à Pâques", Passed.OTHER_LANGUAGE),
        ("ro", "Pădurea și orașul", Passed.OTHER_LANGUAGE),
        ("en", "Hội đồng cảng mở thư viện", None),
        ("fr", "H&#7897;i &#273;&#7891;ng c&#7843;ng", None),
        ("vi", "Hoi dong cang", None),
    ],
)
def test_letters_that_others_use_too_are_no_vietnamese(said: str, text: str, passed: Passed | None) -> None:
    sift = Sieve(False, 1000).sift(Wanted(read_days("2018-08", date(2020, 1, 1)), (), (), languages=("vi",)))
    assert by_text(f'<html lang="{said}"><p>{text}</p></html>', "", sift) == passed


def test_records_of_every_kind(reader: House, outlets: list[PastOutlet], tmp_path: Path) -> None:
    outlet = outlets[0]
    pages = [page for page in outlet.pages if page.is_relevant]
    bodies = [html_of(outlet, page, base_of(outlet)) for page in pages]
    urls = [base_of(outlet) + page.path for page in pages]
    ok = f"HTTP/1.1 200 OK\r\n{HTML}\r\n"
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(bodies[0]), bodies[0])
    records = [
        info(),
        record(f"<{urls[0]}>", chunked, head=f"{ok}Transfer-Encoding: chunked"),
        record(urls[1], gzip.compress(bodies[1]), head=f"{ok}Content-Encoding: gzip\r\nSet-Cookie: hidden=4711"),
        record(urls[2], bodies[2], head=f"{ok}Content-Encoding: gzip"),  # undone, and still said
        record(urls[3], bodies[3], head="", kind="resource", content_type="text/html"),
        record(urls[3] + "?", b"", kind="revisit"),
        record("dns:coast-daily.example", b"", head="", content_type="text/dns"),
        record(f"{base_of(outlet)}/gone", bodies[0], head=f"HTTP/1.1 404 Not Found\r\n{HTML}"),
        record(f"{base_of(outlet)}/picture", bodies[0], head="HTTP/1.1 200 OK\r\nContent-Type: image/png"),
        record(f"{base_of(outlet)}/2001/02/03/old", bodies[0]),
        record(f"{base_of(outlet)}/early", bodies[0], captured="2018-07-01T00:00:00Z"),
        record(f"{base_of(outlet)}/huge", bodies[0] + b" " * 9_000_000),
        record("https://[bad/", bodies[0]),
    ]
    search(reader, write(tmp_path / "a.warc", records))
    assert titles(reader) == sorted(page.title for page in pages)
    counted = Counter(windows(reader)["a.warc"][1].partition(": ")[2].split(", "))
    assert set(counted) == {"6 no pages", "4 read", "2 of other days", "1 too large"}
    assert b"hidden=4711" not in (reader.folder / "tripoint.db").read_bytes()
