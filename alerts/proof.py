"""A made-up alert and digest that use every field, to try a person's templates before a real alert needs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tripoint.domain.digests import VOLUME_DAYS, DayVolume, Digest, DigestDay, DigestItem, DigestStory, Period
from tripoint.domain.types import Evidence, Marked, Named, Phrase

_AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
FULL_ALERT = Evidence(
    title="A title",
    outlet="An outlet",
    url="https://outlet.example/report",
    published=_AT,
    fetched_at=_AT,
    language="en",
    topic="a topic",
    score=0.9,
    threshold=0.5,
    sentences=(Marked("Russia met Pakistan.", ((0, 6),)),),
    facets=(("actor", ("Russia", "Pakistan")),),
    concepts=(Named("actor", "actor.russia", "Russia"),),
    what_is_new="a denial",
    corroboration="An outlet only",
    remarks=(Phrase("given_up", (("channel", "chat"), ("answer", "404"))),),
)
BARE_ALERT = Evidence(
    title="A title",
    outlet="An outlet",
    url="",
    published=None,
    fetched_at=_AT,
    language="",
    topic="",
    score=0.0,
    threshold=0.0,
    sentences=(),
)


def full_digest() -> Digest:
    """Return a digest of two reports of one story."""
    items = (
        DigestItem("story", "new", replace(FULL_ALERT, what_is_new=""), _AT),
        DigestItem("story", "update:1", FULL_ALERT, _AT),
    )
    days = (DigestDay(_AT.date(), (DigestStory("story", items),)),)
    volume = tuple(DayVolume(_AT.date() - timedelta(days=each), each) for each in reversed(range(VOLUME_DAYS)))
    return Digest(Period.DAILY, "rule", _AT, _AT, "UTC", days, volume, ("a topic",), left_out=2)
