"""What a digest makes of what was held: days of the reader's calendar, stories within them, and the chart's numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.alerts.test_messages import evidence
from tripoint.domain.digests import MOST_STORIES, VOLUME_DAYS, DigestItem, Held, Period, gather

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def item(story: str, at: datetime, score: float = 0.9, kind: str = "new") -> DigestItem:
    return DigestItem(story, kind, replace(evidence(f"{story} {kind} {at:%d %H}"), score=score), at)


def held(*items: DigestItem, relevant_at: tuple[datetime, ...] = ()) -> Held:
    return Held("rule", "mail", Period.DAILY, NOW - timedelta(days=2), items, relevant_at)


def test_reports_are_parted_by_the_readers_day_and_then_by_story() -> None:
    evening = datetime(2026, 11, 23, 18, tzinfo=UTC)  # 24 November 01:00 in Hanoi
    found = gather(
        held(
            item("a", evening - timedelta(hours=3)),
            item("a", evening, kind="update:1"),
            item("b", evening + timedelta(hours=1), score=0.99),
            item("a", evening + timedelta(hours=2), score=0.5, kind="update:2"),
        ),
        NOW,
        "Asia/Ho_Chi_Minh",
    )
    told = [(day.day, [(each.story, [one.kind for one in each.items]) for each in day.stories]) for day in found.days]
    assert told == [
        (date(2026, 11, 24), [("b", ["new"]), ("a", ["update:1", "update:2"])]),
        (date(2026, 11, 23), [("a", ["new"])]),
    ]
    assert (found.stories, found.reports, found.left_out) == (2, 4, 0)
    assert [each.day for each in gather(held(item("a", evening)), NOW, "America/New_York").days] == [date(2026, 11, 23)]


def test_the_best_stories_are_shown_and_the_others_counted() -> None:
    many = [item(f"s{each:02d}", NOW, score=each / 100) for each in range(MOST_STORIES + 5)]
    found = gather(held(*many), NOW, "UTC")
    shown = {each.story for day in found.days for each in day.stories}
    assert (len(shown), found.left_out, found.stories) == (MOST_STORIES, 5, MOST_STORIES + 5)
    assert "s04" not in shown
    assert "s05" in shown


def test_the_volume_has_a_number_for_each_of_the_last_30_days() -> None:
    days = [NOW - timedelta(days=each) for each in (0, 0, 1, 29, 30)]
    found = gather(held(item("a", NOW), relevant_at=tuple(days)), NOW, "UTC")
    assert len(found.volume) == VOLUME_DAYS
    assert {each.day: each.reports for each in found.volume if each.reports} == {
        date(2026, 11, 24): 2,
        date(2026, 11, 23): 1,
        date(2026, 10, 26): 1,
    }
