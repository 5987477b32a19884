"""A digest as plain text: days, their stories, and what each report adds."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from tripoint.domain.digests import Digest, DigestStory, Period
from tripoint.domain.text import one_line

_HEADINGS = {
    Period.HOURLY: "The last hour",
    Period.DAILY: "The day",
    Period.WEEKLY: "The week",
    Period.OVERFLOW: "More than the limit lets through",
    Period.OLD: "Found now, and older",
}
_BARS = "▁▂▃▄▅▆▇█"


def headline(digest: Digest) -> str:
    """Return what a digest is, in one line."""
    stories = f"{digest.stories} {'story' if digest.stories == 1 else 'stories'}"
    return f"{_HEADINGS[digest.period]}: {stories} ({', '.join(digest.topics)})"


def as_text(digest: Digest) -> str:
    """Return the whole digest, without an end of line at the end."""
    return "\n".join([headline(digest), *_body(digest)])


def _body(digest: Digest) -> Iterator[str]:
    counts = [each.reports for each in digest.volume]
    yield f"last {len(counts)} days {_chart(counts)} {sum(counts)} reports"
    for day in digest.days:
        yield f"\n{day.day:%A %Y-%m-%d}"
        for story in day.stories:
            yield from _story(story, digest.timezone)
    if digest.left_out:
        yield f"\nand {digest.left_out} more: tripoint stories --since 30d"


def _story(story: DigestStory, zone: str) -> Iterator[str]:
    head = story.headline.evidence
    yield f"\n- {one_line(head.title)}"
    yield f"  {one_line(head.outlet)} · score {head.score:.2f}"
    for item in story.items:
        if item.evidence.what_is_new:
            yield f"  {item.at.astimezone(ZoneInfo(zone)):%H:%M} new: {one_line(item.evidence.what_is_new)}"
    if head.corroboration:
        yield f"  {one_line(head.corroboration)}"
    yield f"  {head.url}"


def _chart(counts: list[int]) -> str:
    most = max(counts, default=0) or 1
    return "".join(_BARS[round(each / most * (len(_BARS) - 1))] for each in counts)
