"""The way through the house, on one screen.

    candidate ─ crawler ─> article ─ assess ─> place ─ who must hear? ─> archive and outbox, in one transaction

Nothing here reads, writes or waits: the archive and the policy are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tripoint.domain.ports import Archive, Assessor
from tripoint.domain.types import (
    Article,
    Assessment,
    Candidate,
    Decision,
    Failure,
    Hearing,
    Kept,
    Known,
    NotArticle,
    Page,
    Placement,
)
from tripoint.stories.placement import Placer

WhoMustHear = Callable[[Placement, Article, Sequence[Assessment], datetime], Hearing]
"""The alert policy: a pure function of what was decided about an article, and the time."""

_NEAR = 0.5  # of the threshold: what comes near it is grouped, since a later report may make the story relevant


class Pipeline:
    """Finishes candidates: each call is one transaction of the archive, or raises and leaves the candidate pending."""

    def __init__(
        self,
        assessor: Assessor,
        placer: Placer,
        archive: Archive,
        who_must_hear: WhoMustHear,
        clock: Callable[[], datetime],
    ) -> None:
        self._assessor = assessor
        self._placer = placer
        self._archive = archive
        self._who_must_hear = who_must_hear
        self._clock = clock

    def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        """Assess an article, then decide and write inside the transaction that knows what is stored already."""
        assessments = self._assessor.assess(article.title, article.text, article.language)
        now = self._clock()
        relevant = [each for each in assessments if each.score >= each.threshold * _NEAR]
        concepts = frozenset(hit.concept for each in relevant for hit in each.hits)
        clues, place = self._placer.recognise(article, concepts, now, is_grouped=bool(relevant))

        def decide(known: Known) -> Decision:
            placement = place(known)
            hearing = self._who_must_hear(placement, article, assessments, now)
            return Decision(placement, assessments, hearing.alerts, hearing.rulings)

        return self._archive.keep(candidate, article, clues, decide, page)

    def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        """Record a page that holds no article."""
        self._archive.keep_not_article(candidate, page, self._clock())

    def failure(self, candidate: Candidate, failure: Failure) -> None:
        """Record what went wrong; the archive sets when it is tried again."""
        self._archive.keep_failure(candidate, failure, self._clock())
