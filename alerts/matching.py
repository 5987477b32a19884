"""Whether an article is what a rule asks for, and which condition does not hold: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from tripoint.domain.policies import Rule, least_score
from tripoint.domain.types import Article, Assessment, Placement


def best_for(rule: Rule, relevant: Sequence[Assessment]) -> Assessment | None:
    """Return the judgement that speaks most for an article, of those that a rule is about."""
    topics = rule.when.topics
    about = [each for each in relevant if not topics or each.topic in topics]
    return max(about, key=lambda each: each.score, default=None)


def why_not(rule: Rule, article: Article, best: Assessment | None, placement: Placement) -> str:
    """Return the first condition of a rule that does not hold, "" when all do."""
    if best is None:
        return f"it is about none of {', '.join(rule.when.topics)}"
    return next(_failing(rule, article, best, placement), "")


def _failing(rule: Rule, article: Article, best: Assessment, placement: Placement) -> Iterator[str]:
    when = rule.when
    least = max(when.min_score, least_score(when.grade, best.threshold))
    if best.score < least:
        yield f"score {best.score:.2f} for {best.topic}, {least - best.score:.2f} below the rule's {least:.2f}"
    concepts = {each.concept for each in best.hits}
    for facet, wanted in when.facets:
        if not any(fnmatchcase(concept, each) for concept in concepts for each in wanted):
            yield f"it names none of the {facet} {', '.join(wanted)}"
    if when.languages and article.language not in when.languages:
        yield f"its language is {article.language or 'unknown'}, the rule asks for {', '.join(when.languages)}"
    if when.sources and article.source not in when.sources:
        yield f"it is by {article.source}, the rule asks for {', '.join(when.sources)}"
    if placement.independent < when.independent:
        yield f"{placement.independent} independent reports, the rule asks for {when.independent}"
