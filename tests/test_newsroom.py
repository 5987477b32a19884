"""The newsroom itself: what the product's tests take for granted of it, asked over real sockets."""

from __future__ import annotations

import http.client
import time
from urllib.parse import urlsplit

import feedparser
import pytest

from tests.newsroom import (
    Charset,
    DeskOutlet,
    Drip,
    EmptyBody,
    Encoded,
    Malformed,
    NewsroomProcess,
    NewsroomThread,
    Redirect,
    Slow,
    Status,
    TooMany,
    Truncated,
)

OUTLET = "bien-thuy"


def get(room: NewsroomThread, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(room.base(OUTLET)).netloc, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_unchanged_answers_cost_a_304(room: NewsroomThread) -> None:
    for path in ("/rss.xml", "/atom.xml", "/feed.json", "/sitemap.xml", "/news-sitemap.xml"):
        status, headers, body = get(room, path)
        assert (status, bool(body)) == (200, True)
        assert get(room, path, {"If-None-Match": headers["etag"]})[0] == 304
        assert get(room, path, {"If-Modified-Since": headers["last-modified"]})[0] == 304


def test_feeds_list_every_page(room: NewsroomThread, desk: list[DeskOutlet]) -> None:
    pages = next(each for each in desk if each.outlet.name == OUTLET).pages
    for path in ("/rss.xml", "/atom.xml"):
        parsed = feedparser.parse(get(room, path)[2])
        assert not parsed.bozo
        assert {each.title for each in parsed.entries} == {page.page.title for page in pages}


def test_behaviours_are_what_they_are_called(room: NewsroomThread, desk: list[DeskOutlet]) -> None:
    path = next(each for each in desk if each.outlet.name == OUTLET).pages[0].page.path
    usual = get(room, path)[2]
    room.behave(OUTLET, path, Status(500, times=1))
    assert [get(room, path)[0], get(room, path)[0]] == [500, 200]
    room.behave(OUTLET, path, TooMany(retry_after_s=7))
    assert get(room, path)[1]["retry-after"] == "7"
    room.behave(OUTLET, path, Redirect("/elsewhere"))
    assert get(room, path)[1]["location"].endswith("/elsewhere")
    room.behave(OUTLET, path, EmptyBody())
    assert get(room, path)[2] == b""
    room.behave(OUTLET, path, Malformed("<broken"))
    assert get(room, path)[2] == b"<broken"
    room.behave(OUTLET, path, Charset("utf-16"))
    assert "Nga" in get(room, path)[2].decode("utf-16")
    room.behave(OUTLET, path, Encoded("gzip"))
    assert get(room, path, {"Accept-Encoding": "gzip"})[1]["content-encoding"] == "gzip"
    assert "content-encoding" not in get(room, path)[1]
    room.behave(OUTLET, path, Drip(bytes_per_chunk=1000, delay_s=0.001))
    assert get(room, path)[2] == usual
    room.behave(OUTLET, path, Truncated(50))
    with pytest.raises(http.client.IncompleteRead):
        get(room, path)
    room.behave(OUTLET, path, Slow(0.2))
    begun = time.monotonic()
    assert get(room, path)[0] == 200
    assert time.monotonic() - begun >= 0.2
    room.behave(OUTLET, path, None)
    assert get(room, path)[2] == usual


def test_it_runs_as_a_program_and_keeps_a_log() -> None:
    with NewsroomProcess(["--desk"]) as room:
        assert len(room.outlets) == 4
        host = urlsplit(room.base(OUTLET)).netloc
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("GET", "/robots.txt")
        assert connection.getresponse().status == 200
        connection.close()
        assert [(each.outlet, each.path) for each in room.requests()] == [(OUTLET, "/robots.txt")]
