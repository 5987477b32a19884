"""Evidence: the page of a relevant article is kept as fetched, its pack opens in other tools, a change is seen."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from fastwarc.warc import WarcRecordType
from scrapy.http import Headers
from warcio.archiveiterator import ArchiveIterator

from crawler.answers import kept_headers
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.evidence import EvidenceStore, KeptPage
from tests.house import House
from tests.storage.test_search import judged
from tripoint.app.evidence_pack import verify_pack, warc
from tripoint.domain.text import content_hash
from tripoint.domain.types import Article, Candidate, Clues, Decision, Found, Page, Placement, PlacementKind

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
URL = "https://a.example/1"
BODY = "<html>Tập trận \x00 …</html>".encode() * 50
HEADERS = (("Content-Type", "text/html"), ("Content-Encoding", "br"), ("Content-Length", "7"), ("X-Odd", "a\r\nb"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database."""
    opened = open_database(url)
    yield opened
    opened.close()


def keep(database: Database, body: str, score: float, page: Page | None) -> int:
    article = Article(URL, URL, "T", body, NOW, "vi", (), "A", "a", content_hash("T", body), NOW)
    kind = PlacementKind.NEW if body == "one" else PlacementKind.REVISION
    decision = Decision(Placement("s", kind), (judged(score, "actor.russia"),))
    candidate = Candidate(URL, "a", Found.FEED, NOW)
    return ArticleStore(database).keep(candidate, article, Clues(), lambda _known: decision, page).article_id


def page(body: bytes = BODY, at: datetime = NOW) -> Page:
    return Page(URL, f"{URL}?final", 200, "text/html", body, at, HEADERS)


def test_each_revision_of_a_relevant_article_keeps_its_page(database: Database) -> None:
    number = keep(database, "one", 0.9, page())
    keep(database, "two", 0.9, page(b"second", NOW + timedelta(days=1)))
    keep(database, "three", 0.1, page(b"third"))  # no longer relevant
    first, second = EvidenceStore(database).of(number)
    assert (first.body, first.sha256) == (BODY, hashlib.sha256(BODY).hexdigest())
    assert (first.url, first.headers, first.fetched_at) == (f"{URL}?final", HEADERS, NOW)
    assert (second.revision, second.body) == (2, b"second")


def test_what_is_old_is_forgotten_and_the_article_stays(database: Database) -> None:
    number = keep(database, "one", 0.9, page())
    keep(database, "two", 0.9, page(b"second", NOW + timedelta(days=1)))
    store = EvidenceStore(database)
    tried = store.prune(NOW + timedelta(hours=1), is_tried=True)
    assert tried.pages == 1
    assert tried.bytes > 0
    assert len(store.of(number)) == 2
    assert store.prune(NOW + timedelta(hours=1)) == tried
    assert [each.revision for each in store.of(number)] == [2]
    assert ArticleStore(database).get(number) is not None


def test_what_fails_half_way_keeps_no_page(database: Database) -> None:
    with pytest.raises(TypeError):
        keep(database, "one", 0.9, replace(page(), body=None))  # type: ignore[arg-type]
    assert ArticleStore(database).counts().articles == 0


def test_no_secret_is_kept() -> None:
    headers = Headers({"Set-Cookie": ["sid=1", "b=2"], "Content-Type": ["text/html"], "X-A": ["1", "2"]})
    assert kept_headers(headers) == (("Content-Type", "text/html"), ("X-A", "1"), ("X-A", "2"))


def kept(body: bytes = BODY, status: int = 200) -> KeptPage:
    return KeptPage(1, URL, status, HEADERS, body, hashlib.sha256(body).hexdigest(), NOW)


@pytest.mark.parametrize("body", [BODY, b"", b"\r\n\r\nWARC/1.1\r\n\r\n", gzip.compress(b"x", mtime=0)])
def test_other_tools_open_the_warc(body: bytes) -> None:
    written = warc([kept(body), kept(b"more", 404)], NOW)
    with_warcio = []
    for record in ArchiveIterator(BytesIO(written), check_digests="raise"):
        if record.rec_type == "response":
            with_warcio.append((record.rec_headers["WARC-Target-URI"], record.content_stream().read()))
            assert record.http_headers.get_header("Content-Encoding") is None
            assert record.http_headers.get_header("X-Odd") == "a b"
            assert record.rec_headers["WARC-Date"] == "2026-11-24T08:00:00Z"
    assert with_warcio == [(URL, body), (URL, b"more")]
    found = [
        (record.http_headers.status_code, record.verify_block_digest(), record.reader.read())
        for record in FastIterator(BytesIO(written), record_types=WarcRecordType.response, parse_http=False)
        if record.parse_http() is None
    ]
    assert [(status, text) for status, _, text in found] == [(200, body), (404, b"more")]


@pytest.fixture
def crawled(reading_house: House) -> House:
    """Return a house that crawled the written outlets."""
    reading_house.settings["evidence"] = {"keep_days": 30.0}
    reading_house.run("crawl")
    return reading_house


def test_a_crawl_keeps_pages_and_a_pack_proves_them(crawled: House) -> None:
    relevant = crawled.rows("SELECT DISTINCT article_id FROM assessments WHERE relevant ORDER BY 1")
    assert relevant
    assert crawled.rows("SELECT DISTINCT article_id FROM evidence ORDER BY 1") == relevant
    number = str(relevant[0][0])
    said: Any = crawled.json("evidence", number, "--output", "pack")
    pack = crawled.folder / "pack"
    assert sorted(said["files"]) == sorted(each.name for each in pack.iterdir())
    (record,) = [
        each.content_stream().read()
        for each in ArchiveIterator(BytesIO((pack / "pages.warc.gz").read_bytes()), check_digests="raise")
        if each.rec_type == "response"
    ]
    address = json.loads((pack / "article.json").read_text(encoding="utf-8"))["url"]
    with urlopen(address) as served:
        assert record == served.read()
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["pages"][0]["sha256"] == hashlib.sha256(record).hexdigest()
    assert json.loads((pack / "assessment.json").read_text(encoding="utf-8"))[0]["relevant"]
    assert json.loads((pack / "assessment.json").read_text(encoding="utf-8"))[0]["shares"]
    assert "as it was written" in crawled.run("evidence", "--verify", "pack").stdout
    assert "not empty" in crawled.run("evidence", number, "--output", "pack", code=2).stderr
    _tampered(crawled, pack)


def _tampered(house: House, pack: Path) -> None:
    text = pack / "article.txt"
    text.write_bytes(text.read_bytes() + b".")
    (pack / "assessment.json").unlink()
    (pack / "note.txt").write_text("mine", encoding="utf-8")
    told = house.run("evidence", "--verify", "pack", code=1).stdout
    assert told.split("\n")[:3] == ["article.txt: changed", "assessment.json: missing", "note.txt: not of this pack"]


def test_pruning_and_mistakes(crawled: House) -> None:
    assert "0 pages" in crawled.run("evidence", "--prune", "--dry-run").stdout
    assert "one thing at a time" in crawled.run("evidence", "1", "--prune", code=2).stderr
    assert "no readable manifest.json" in crawled.run("evidence", "--verify", ".", code=2).stderr
    crawled.settings["evidence"]["keep_days"] = 0.0
    assert "set keep_days" in crawled.run("evidence", "--prune", code=2).stderr


def test_a_manifest_cannot_point_outside(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"files": {"../x": {"sha256": ""}}}', encoding="utf-8")
    assert verify_pack(tmp_path) == ("../x: missing",)
