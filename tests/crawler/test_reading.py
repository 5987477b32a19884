"""Dates, charsets, listings, addresses and robots: each rule a line of a table."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.answers import failure_of_status, read_retry_after
from crawler.extract.page import read_page
from crawler.listings import UnreadableListingError, read_listing
from crawler.markup import decode
from crawler.moments import read_any, read_day_first
from crawler.settings import CrawlSettings, scrapy_settings
from tests.newsroom.charsets import encode_text
from tripoint.domain.types import Article, Candidate, Found, NotArticle, Page, Source, Step
from tripoint.domain.urls import canonical_url, normalise_url

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SOURCE = Source("a", "A", "vi", "VN", "Asia/Ho_Chi_Minh", "https://a.example/")
BODY = "<p>" + "Một câu đủ dài để trình đọc trang tin rằng đây là thân bài của một bản tin thật. " * 5 + "</p>"


def read(
    html: str | bytes, content_type: str = "text/html", url: str = "https://a.example/bai-1.html"
) -> Article | NotArticle:
    body = html.encode() if isinstance(html, str) else html
    return read_page(Page(url, url, 200, content_type, body, NOW), Candidate(url, "a", Found.FEED, NOW), SOURCE)


def article(html: str | bytes, **kwargs: str) -> Article:
    found = read(html, **kwargs)
    assert isinstance(found, Article), found
    return found


@pytest.mark.parametrize(
    "text",
    [
        "Thứ năm, 09/08/2018, 15:15 (GMT+7)",
        "Thứ Năm, ngày 9 tháng 8 năm 2018, 15:15",
        "09/08/2018 15:15",
        "15:15 09/08/2018",
        "15:15 | 09/08/2018",
        "15:15 GMT+7, 09/08/2018",
        "09-08-2018 - 15:15 PM (GMT+7)",
        "Cập nhật lúc 15h15, Thứ 5 ngày 09/08/2018",
    ],
)
def test_vietnamese_dates_are_day_first(text: str) -> None:
    moment = read_day_first(text, HANOI)
    assert moment is not None
    assert (moment.at, moment.date_only) == (datetime(2018, 8, 9, 8, 15, tzinfo=UTC), False)


@pytest.mark.parametrize("text", ["© 2026", "Bản quyền 2018", "31/02/2018", "99:99 09/08/2018x", "", "1.234.567"])
def test_what_is_no_date_is_none(text: str) -> None:
    moment = read_day_first(text, HANOI)
    assert moment is None or moment.date_only


def test_a_day_without_a_time_stays_that_day() -> None:
    moment = read_any("2018-08-09", HANOI)
    assert moment is not None
    assert moment.date_only
    assert moment.at.astimezone(HANOI).date().isoformat() == "2018-08-09"


def test_the_shown_date_beats_the_year_of_the_copyright() -> None:
    """Trap: htmldate alone gave 2026-01-01 for this page."""
    html = (
        "<html><head><title>Một tiêu đề đủ dài</title></head><body><h1>Một tiêu đề đủ dài</h1>"
        f'<span class="date">Thứ năm, 09/08/2018, 15:15 (GMT+7)</span>{BODY}<footer>© 2026 Báo A</footer></body></html>'
    )
    assert article(html).published == datetime(2018, 8, 9, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("charset", "content_type", "declared"),
    [
        ("utf-8", "text/html", ""),
        ("utf-8", "text/html; charset=iso-8859-1", ""),
        ("utf-16", "text/html", ""),
        ("utf-16-le", "text/html", ""),
        ("windows-1258", "text/html; charset=windows-1258", ""),
        ("windows-1258", "text/html", '<meta charset="windows-1258">'),
    ],
)
def test_every_charset_gives_the_same_text(charset: str, content_type: str, declared: str) -> None:
    html = f"<html><head>{declared}<title>Thỏa thuận</title></head><body><h1>Thỏa thuận quốc phòng</h1>{BODY}</body></html>"
    found = article(encode_text(html, charset), content_type=content_type)
    assert found.title == "Thỏa thuận quốc phòng"
    assert "thân bài của một bản tin thật" in found.text


def test_garbage_is_decoded_to_something() -> None:
    assert decode(b"\xff\xff\x00abc", "text/html; charset=nonsense")


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("https://a.example/bai-1.html?utm_source=x", "https://a.example/bai-1.html"),
        ("https://other.example/copy.html", "https://a.example/bai-1.html"),
        ("https://a.example/", "https://a.example/bai-1.html"),
        ("/bai-2.html", "https://a.example/bai-2.html"),
    ],
)
def test_a_canonical_link_is_believed_on_its_own_site(link: str, wanted: str) -> None:
    html = (
        f'<html><head><link rel="canonical" href="{link}"></head><body><h1>Một tiêu đề đủ dài</h1>{BODY}</body></html>'
    )
    assert article(html).canonical_url == wanted


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://m.a.example/x.html?utm_medium=rss&b=2&a=1", "https://a.example/x.html?a=1&b=2"),
        ("https://www.a.example/amp/x/", "https://a.example/x"),
        ("https://a.example/x/amp/", "https://a.example/x"),
        ("https://amp.a.example/x.amp.html#top", "https://a.example/x.html"),
        ("https://a.example/x?fbclid=1&ref=rss&page=1", "https://a.example/x"),
        ("https://a.example/x?ref=42&page=2", "https://a.example/x?page=2&ref=42"),
        ("http://127.0.0.2:8080/x/?amp=1", "http://127.0.0.2:8080/x"),
        ("HTTPS://A.Example:443/a/../b", "https://a.example/b"),
    ],
)
def test_all_addresses_of_a_page_are_one(url: str, wanted: str) -> None:
    assert canonical_url(url) == wanted


@given(
    st.from_regex(
        r"https?://[a-z]{1,8}\.(?:m\.)?example(?:/[a-z.%]{0,8}){0,4}/?(?:\?[a-z_&=1-9]{0,20})?", fullmatch=True
    )
)
def test_the_canonical_spelling_is_stable(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://a.example/", "mailto:a@b", "", "http://", "file:///etc/passwd"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no web address"):
        normalise_url(url)


RSS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>A</title><ttl>15</ttl>
<item><title>Một &amp; hai</title><link>/bai-1.html?utm_source=rss</link><pubDate>Thu, 09 Aug 2018 15:15:00 +0700</pubDate></item>
<item><title>Ba</title><guid>https://a.example/bai-3.html</guid><pubDate>9/8/2018 15:15</pubDate></item>
<item><title>lạc</title></item></channel></rss>"""


def test_a_feed_is_read_day_first_and_relative() -> None:
    listing = read_listing(RSS.encode(), "text/xml", "https://a.example/rss", SOURCE, Found.FEED, NOW)
    found = [(each.url, each.title, each.published) for each in listing.candidates]
    moment = datetime(2018, 8, 9, 8, 15, tzinfo=UTC)
    assert found == [
        ("https://a.example/bai-1.html?utm_source=rss", "Một & hai", moment),
        ("https://a.example/bai-3.html", "Ba", moment),
    ]
    assert listing.ttl_s == 900


def test_a_packed_news_sitemap_keeps_its_titles() -> None:
    """Trap: Scrapy's own parser drops everything in the news namespace."""
    xml = (
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://a.example/b-1.html</loc>'
        "<news:news><news:publication_date>2018-08-09T15:15+07:00</news:publication_date><news:title>T</news:title>"
        "</news:news></url></urlset>"
    )
    listing = read_listing(gzip.compress(xml.encode()), "", "https://a.example/s.xml.gz", SOURCE, Found.SITEMAP, NOW)
    (one,) = listing.candidates
    assert (one.title, one.published) == ("T", datetime(2018, 8, 9, 8, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"", Found.FEED, "empty"),
        (b"<html><body>hello</body></html>", Found.FEED, "an HTML page instead of a feed"),
        (b'{"items": 3}', Found.FEED, "`items` is no list"),
        (b"{not json", Found.FEED, "no JSON Feed"),
        (b"<rss", Found.SITEMAP, "no sitemap"),
        (b"\x1f\x8bgarbage", Found.SITEMAP, "damaged gzip"),
        (b"<html><body>none</body></html>", Found.SECTION, "not one that looks like an article"),
    ],
)
def test_a_listing_without_anything_says_why(body: bytes, kind: Found, why: str) -> None:
    with pytest.raises(UnreadableListingError, match=why):
        read_listing(body, "text/html", "https://a.example/l", SOURCE, kind, NOW)


def test_entities_of_a_listing_are_never_opened() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>https://a.example/&a;</loc></url></urlset>'
    listing = read_listing(bomb, "", "https://a.example/s.xml", SOURCE, Found.SITEMAP, NOW)
    assert "root" not in repr(listing)


@pytest.mark.parametrize(
    ("status", "header", "retryable", "wait_s"),
    [
        (404, "", False, None),
        (410, "5", False, None),
        (429, "120", True, 120.0),
        (503, "", True, None),
        (500, "9", True, None),
    ],
)
def test_what_a_status_means(status: int, header: str, retryable: bool, wait_s: float | None) -> None:
    failure = failure_of_status(Step.FETCH, "u", status, header, NOW)
    assert failure is not None
    assert (failure.retryable, failure.retry_after_s) == (retryable, wait_s)


def test_retry_after_may_be_a_date_and_is_never_for_ever() -> None:
    assert read_retry_after("Tue, 24 Nov 2026 08:02:00 GMT", NOW) == 120.0
    assert read_retry_after("99999999", NOW) == 86_400.0
    assert read_retry_after("soon", NOW) is None


def test_unsafe_defaults_of_scrapy_are_off() -> None:
    """Trap: a code-execution server per crawl, Telnet, file access, a gigabyte a page, no check of certificates."""
    settings = scrapy_settings(CrawlSettings("Tripoint/1"))
    assert settings["REMOTE_CONTROL_ENABLED"] is False
    assert settings["TELNETCONSOLE_ENABLED"] is False
    assert settings["MEMUSAGE_ENABLED"] is False
    assert settings["DOWNLOAD_VERIFY_CERTIFICATES"] is True
    assert {scheme for scheme, handler in settings["DOWNLOAD_HANDLERS"].items() if handler} == {"http", "https"}
    assert settings["DOWNLOAD_MAXSIZE"] <= 16 * 2**20
    assert "crawler.robots.RobotsMiddleware" in settings["DOWNLOADER_MIDDLEWARES"]


def test_deep_and_wide_pages_end() -> None:
    assert read("<div>" * 20_000 + "x") is not None
    assert read("<a href='" + "x" * 500_000 + "'>") is not None
