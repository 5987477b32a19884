"""A story put together for whoever looks at it: command line, page, feeds and API say the same of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tripoint.app.seeds import Seeds
from tripoint.domain.errors import MendError
from tripoint.domain.types import Assessment, Hit, Marked, Report, Sentence
from tripoint.stories.corroboration import Corroboration, corroborate

if TYPE_CHECKING:
    from tripoint.app.wiring import Stores
    from tripoint.relevance.assess import Judge

_AGE = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_SENTENCES = 2  # of each report, side by side


@dataclass(frozen=True, slots=True)
class ToldStory:
    """A story with what stands behind it."""

    reports: tuple[Report, ...]  #: oldest first
    behind: Corroboration

    @property
    def key(self) -> str:
        """Its key."""
        return self.reports[0].story

    @property
    def headline(self) -> Report:
        """The first relevant report: what was told."""
        return next((each for each in self.reports if each.is_relevant), self.reports[0])

    @property
    def newest(self) -> Report:
        """The report that came last."""
        return max(self.reports, key=lambda each: (each.seen_at, each.article_id))


@dataclass(frozen=True, slots=True)
class ToldSentence:
    """A sentence that says why a report is relevant."""

    report: Report
    marked: Marked


def stories_since(
    seeds: Seeds, stores: Stores, start: datetime, now: datetime, *, relevant_only: bool = True, limit: int = 500
) -> list[ToldStory]:
    """Return the stories with a report since then, the one with the newest report first."""
    found = stores.stories.since(start, relevant_only=relevant_only, limit=limit)
    concepts = stores.stories.concepts([each[0].story for each in found])
    return [_told(seeds, each, concepts[each[0].story], now) for each in found]


def told_story(seeds: Seeds, stores: Stores, prefix: str, now: datetime) -> ToldStory:
    """Return the story that begins so, or that the article of this number is of; raises `MendError` for none."""
    reports = stores.stories.reports(stores.stories.find(prefix))
    key = reports[0].story
    return _told(seeds, reports, stores.stories.concepts([key])[key], now)


def _told(seeds: Seeds, reports: Sequence[Report], concepts: frozenset[str], now: datetime) -> ToldStory:
    return ToldStory(tuple(reports), corroborate(seeds.wires, seeds.countries, reports, concepts, now))


def telling_sentences(judge: Judge, stores: Stores, reports: Sequence[Report]) -> list[ToldSentence]:
    """Return the sentences that say why, in the order of the reports; of copies none."""
    found = []
    for report in reports:
        stored = stores.articles.get(report.article_id) if report.copy_of is None else None
        if stored is None:
            continue
        article = stored.article
        best = max(judge.assess(article.title, article.text, article.language), key=lambda one: one.score)
        evidence = sorted(best.evidence, key=lambda one: one.index)[:_SENTENCES]
        found += [ToldSentence(report, marked_sentence(best, each)) for each in evidence]
    return found


def marked_sentence(assessment: Assessment, sentence: Sentence) -> Marked:
    """Return a sentence with the hits in it marked."""

    def inside(hit: Hit) -> bool:
        return hit.zone is sentence.zone and sentence.start <= hit.start and hit.end <= sentence.end

    spans = [(hit.start - sentence.start, hit.end - sentence.start) for hit in assessment.hits if inside(hit)]
    return Marked(sentence.text, tuple(sorted(spans)))


def story_as_json(story: ToldStory) -> dict[str, Any]:
    """Return a story as scripts read it."""
    behind = story.behind
    return {
        "story": story.key,
        "title": story.headline.title,
        "first_seen": behind.first.seen_at,
        "first_outlet": behind.first.outlet,
        "corroboration": behind.line,
        "independent": behind.independent,
        "outlets": behind.outlets,
        "countries": behind.countries,
        "wires": behind.wires,
        "languages": behind.languages,
        "silent": behind.silent,
        "reports": [_report_as_json(each) for each in story.reports],
    }


def _report_as_json(report: Report) -> dict[str, Any]:
    return {
        "article": report.article_id,
        "outlet": report.outlet,
        "language": report.language,
        "title": report.title,
        "url": report.url,
        "published": report.published,
        "seen": report.seen_at,
        "placement": report.placement,
        "copy_of": report.copy_of,
        "what_is_new": report.what_is_new,
        "is_material": report.is_material,
        "because": report.because,
        "wire": report.origin.wire if report.origin else None,
        "wire_how": report.origin.how if report.origin else None,
        "is_relevant": report.is_relevant,
    }


def moment(since: str, now: datetime) -> datetime:
    """Return the moment that is meant: so long before now, or a time, in UTC where it has no zone."""
    if age := _AGE.fullmatch(since.strip()):
        return now - timedelta(hours=int(age[1]) * _HOURS[age[2]])
    try:
        at = datetime.fromisoformat(since.strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise MendError(
            f'"{since}" is no time', "write 24h, 7d, 2w, or 2026-11-24 or 2026-11-24T08:00+07:00"
        ) from error
