"""Where records begin and end, in whole files and in damaged ones."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from io import BytesIO

import pytest
from fastwarc.warc import ArchiveIterator

from crawler.warc.spans import NoWarcError, Stepper, Walked, check_start, walk
from tests.backfill.warc_files import info, packed, record

MOST = 100_000
URLS = [f"https://a.example/{number}" for number in range(20)]
RECORDS = [info(), *(record(url, f"<p>{url}</p>".encode() * (number + 1)) for number, url in enumerate(URLS))]


def whole(body: bytes) -> Walked:
    return walk(body, 0, MOST, is_last=True)


def by_pieces(body: bytes, size: int) -> tuple[list[str], list[tuple[int, str]]]:
    """Walk through a file in pieces, as the search does."""
    urls, problems, at, is_lost = [], [], 0, False
    while at < len(body):
        walked = walk(body[at : at + size], at, MOST, is_last=at + size >= len(body), is_lost=is_lost)
        assert walked.until > at or walked.problems, f"no step forward at {at}"
        urls += [each.url for each in walked.records]
        problems += [(each.at, each.reason) for each in walked.problems]
        if any(each.is_cut for each in walked.problems):
            break
        at, is_lost = walked.until, walked.is_lost
    return urls, problems


@pytest.mark.parametrize("size", [2500, 3001, 8000, 1_000_000])
@pytest.mark.parametrize("form", ["packed", "plain"])
def test_pieces_of_any_size_hold_the_same_records(form: str, size: int) -> None:
    body = packed(RECORDS) if form == "packed" else b"".join(RECORDS)
    urls, problems = by_pieces(body, size)
    assert urls == ["", *URLS]
    assert problems == []


def test_many_small_records_are_walked_through_in_several_turns() -> None:
    body = packed(RECORDS)
    urls, at, turns = [], 0, 0
    while at < len(body):
        walked = walk(body[at:], at, MOST, is_last=True, most_records=6)
        assert len(walked.records) <= 6
        urls += [each.url for each in walked.records]
        at, turns = walked.until, turns + 1
    assert urls == ["", *URLS]
    assert turns == 4


@pytest.mark.parametrize("form", ["packed", "plain"])
def test_each_span_is_one_record_for_other_tools(form: str) -> None:
    body = packed(RECORDS) if form == "packed" else b"".join(RECORDS)
    for each in whole(body).records[1:]:
        (found,) = ArchiveIterator(BytesIO(body[each.start : each.end]))
        assert (found.headers["WARC-Target-URI"], found.record_date) == (each.url, each.captured)


def damaged(records: Sequence[bytes], at: int, byte: int) -> bytes:
    """Pack records, one of them with a wrong byte."""
    members = [gzip.compress(each, mtime=0) for each in records]
    wrong = bytearray(members[at])
    wrong[byte] ^= 0xFF
    members[at] = bytes(wrong)
    return b"".join(members)


@pytest.mark.parametrize("byte", [0, 3, 30, -1, -6])
@pytest.mark.parametrize("size", [2500, 1_000_000])
def test_a_damaged_record_costs_itself_alone(byte: int, size: int) -> None:
    urls, problems = by_pieces(damaged(RECORDS, 7, byte), size)
    assert urls == ["", *URLS[:6], *URLS[7:]]
    assert len(problems) == 1


def test_a_plain_record_with_a_wrong_length_costs_itself_alone() -> None:
    wrong = RECORDS[3].replace(b"Content-Length: ", b"Content-Length: 1", 1)
    urls, problems = by_pieces(b"".join([*RECORDS[:3], wrong, *RECORDS[4:]]), 1_000_000)
    assert urls == ["", *URLS[:2], *URLS[3:]]
    assert [reason for _, reason in problems] == ["a record is shorter or longer than it says"]


@pytest.mark.parametrize("form", ["packed", "plain"])
@pytest.mark.parametrize("missing", [1, 40, 120])
def test_a_file_that_is_cut_off_is_said_to_be(form: str, missing: int) -> None:
    body = packed(RECORDS) if form == "packed" else b"".join(RECORDS)
    missing += 4 if form == "plain" else 0  # the empty lines behind the last record hold nothing
    found = whole(body[:-missing])
    assert [each.url for each in found.records] == ["", *URLS[:-1]]
    (problem,) = found.problems
    assert problem.is_cut
    assert found.until == problem.at == found.records[-1].end


def test_a_page_that_holds_a_record_forges_none() -> None:
    forged = record("https://forged.example/", b"<p>forged</p>")
    body = [info(), record(URLS[0], b"<pre>\r\n\r\n" + forged + gzip.compress(forged) + b"</pre>"), *RECORDS[2:]]
    for said in (b"".join(body), packed(body)):
        assert by_pieces(said, 4000)[0] == ["", *URLS]


def test_a_long_record_is_stepped_over() -> None:
    long = record("https://a.example/film", bytes(MOST + 5), head="HTTP/1.1 200 OK\r\nContent-Type: video/mp4")
    plain = [info(), long, *RECORDS[1:]]
    first = walk(b"".join(plain)[:2000], 0, MOST, is_last=False)
    assert [each.url for each in first.records] == ["", "https://a.example/film"]
    assert first.until == len(info()) + len(long)
    stepper = Stepper()
    member = gzip.compress(long)
    parts = [member[:20], member[20:] + b"next"]
    assert [stepper.feed(each) for each in parts] == [None, len(member) - 20]


def test_more_than_a_record_says_is_refused() -> None:
    bomb = record(URLS[0], b"<p>a</p>").replace(b"</p>", b"</p>" + bytes(5_000_000))
    found = whole(packed([info(), bomb, *RECORDS[2:]]))
    assert [each.url for each in found.records] == ["", *URLS[1:]]
    assert [each.reason for each in found.problems] == ["a record is longer than it says"]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", "it is empty"),
        (b"<html>", "does not begin as a WARC file"),
        (gzip.compress(b"<html>"), "does not begin as a WARC file"),
        (b"\x1f\x8bnonsense", "cannot be unpacked"),
        (gzip.compress(b"".join(RECORDS)), "packed as a whole"),
    ],
    ids=["empty", "page", "packed page", "no gzip", "packed as a whole"],
)
def test_what_is_no_warc_is_refused(head: bytes, said: str) -> None:
    with pytest.raises(NoWarcError, match=said):
        check_start(head)


def test_what_is_a_warc_is_not_refused() -> None:
    check_start(packed(RECORDS))
    check_start(b"".join(RECORDS))
