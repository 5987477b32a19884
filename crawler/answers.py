"""What an answer of a server, or the lack of one, means for the candidate: pure, each case a line of a table."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Headers

from crawler.robots import RobotsForbidError, RobotsUnreachableError
from tripoint.domain.backfill import Answer
from tripoint.domain.evidence import SECRET_HEADERS
from tripoint.domain.text import one_line
from tripoint.domain.types import Failure, Step

_LONGEST_RETRY_AFTER_S = 24 * 3600.0
_HOLD_S = 300.0  # after a 429 that names no time
_RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")
_NO_PAGE = re.compile(
    r"^\s*(?:application/(?!xhtml|xml|json|rss|atom|feed|ld)|image/|video/|audio/|font/)", re.IGNORECASE
)

_REASONS: tuple[tuple[type[BaseException], str, bool], ...] = (
    (RobotsForbidError, "robots.txt forbids it", False),
    (RobotsUnreachableError, "robots.txt cannot be reached", True),
    (DownloadTimeoutError, "no answer in time", True),
    (DownloadConnectionRefusedError, "connection refused", True),
    (CannotResolveHostError, "the host name cannot be resolved", True),
    (ResponseDataLossError, "the answer was cut off", True),
    (DownloadCancelledError, "larger than the limit", False),
    (UnsupportedURLSchemeError, "no web address", False),
    (DownloadFailedError, "the connection broke", True),
)


def failure_of_status(step: Step, url: str, status: int, retry_after: str, now: datetime) -> Failure | None:
    """Return what is wrong with an answer by its status, None where nothing is."""
    if status < 400:
        return None
    retryable = status in _RETRYABLE_STATUS
    wait_s = read_retry_after(retry_after, now) if status in {429, 503} else None
    return Failure(step, url, f"HTTP {status}", retryable, wait_s)


def part_of(url: str, status: int, content_range: str, body: bytes, first: int) -> Answer | Failure:
    """Return some bytes of a file, or none where they were asked for behind its end (RFC 9110, 14.4).

    `status` is 206 or 416, `first` the byte from which they were asked for.
    """
    said = _RANGE.fullmatch(content_range)
    if said is None or (status == 206) == (said[1] is None):
        return Failure(Step.LISTING, url, f"HTTP {status} does not say which bytes it holds", retryable=False)
    if said[1] is not None and int(said[1]) != first:
        return Failure(Step.LISTING, url, "the server gave other bytes than were asked for", retryable=False)
    return Answer(url, status, "", body if status == 206 else b"", int(said[2]))


def failure_of_error(step: Step, url: str, error: BaseException) -> Failure:
    """Return why there is no answer."""
    for kind, reason, retryable in _REASONS:
        if isinstance(error, kind):
            return Failure(step, url, reason, retryable)
    reason = one_line(str(error))[:200] or type(error).__name__
    if isinstance(error, IgnoreRequest) and "DOWNLOAD_MAXSIZE" in str(error):
        return Failure(step, url, "larger than the limit", retryable=False)  # it grew so when it was unpacked
    if isinstance(error, IgnoreRequest):
        return Failure(step, url, "too many redirects" if "redirection" in reason else reason, retryable=False)
    return Failure(step, url, f"{type(error).__name__}: {reason}", retryable=True)


def read_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a server asks us to wait (RFC 9110, 10.2.3), at most a day."""
    value = value.strip()
    if value.isdigit():
        return min(float(value), _LONGEST_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    seconds = ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_S)


def fresh_for_s(cache_control: str, expires: str, now: datetime) -> float:
    """Return how long an answer says that it stays fresh (RFC 9111, 4.2.1); 0 where it does not say, or says no."""
    directives = {each.strip().lower() for each in cache_control.split(",")}
    if directives & {"no-cache", "no-store"}:
        return 0.0
    for directive in directives:
        if found := re.fullmatch(r'max-age\s*=\s*"?(\d{1,9})"?', directive):
            return float(found[1])
    try:
        until = parsedate_to_datetime(expires)
    except (ValueError, TypeError):
        return 0.0
    return max(((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds(), 0.0)


def hold_s(status: int, retry_after_s: float | None) -> float:
    """Return how long a whole host is to be left alone after an answer, 0 for not at all."""
    if status == 429:
        return retry_after_s or _HOLD_S
    return retry_after_s or 0.0 if status == 503 else 0.0  # without a time, one page may be at fault


def is_no_page(content_type: str) -> bool:
    """Return whether an answer is a picture, a PDF or the like."""
    return bool(_NO_PAGE.match(content_type))


def kept_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return the headers of an answer as evidence keeps them: none that could let somebody in as us."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in headers.items()
        if name.decode("latin-1").lower() not in SECRET_HEADERS
        for value in values
    )
