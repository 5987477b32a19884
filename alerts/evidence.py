"""What an alert tells of an article: its telling sentences with the hits marked, cut to what fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tripoint.domain.text import one_line
from tripoint.domain.types import Article, Assessment, Evidence, Hit, Marked, Named, Sentence

_LONGEST_SENTENCE = 320
# Kinds of hit that say why a sentence matched; what speaks against an article is not marked.
_MARKED_FACETS = frozenset({"actor", "act", "force", "platform", "forum", "person"})
_NAMED_FACETS = ("actor", "act", "platform", "forum", "person", "force")
_MOST_NAMED = 5
_DONE = frozenset({"act", "forum"})


def make_evidence(article: Article, assessment: Assessment, timezone: str) -> Evidence:
    """Return what an alert tells of an article, frozen at this moment."""
    return Evidence(
        title=article.title,
        outlet=article.outlet,
        url=article.url,
        published=article.published,
        fetched_at=article.fetched_at,
        language=article.language,
        topic=assessment.topic,
        score=assessment.score,
        threshold=assessment.threshold,
        sentences=tuple(mark(each, assessment.hits) for each in sorted(assessment.evidence, key=lambda s: s.index)),
        timezone=timezone,
        facets=tuple(named_facets(assessment.hits)),
        concepts=tuple(_concepts(assessment.hits)),
    )


def named_facets(hits: Sequence[Hit]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return the words in which an article names each kind of thing, a concept once, the first few."""
    for facet in _NAMED_FACETS:
        first = {hit.concept: hit.surface for hit in reversed(hits) if hit.facet == facet}
        if first:
            yield facet, tuple(dict.fromkeys(_flat(each) for each in reversed(first.values())))[:_MOST_NAMED]


def _concepts(hits: Sequence[Hit]) -> Iterator[Named]:
    """Return each concept that speaks for an article, in the order of the article."""
    first: dict[str, Named] = {}
    for hit in hits:
        if hit.facet in _NAMED_FACETS:
            first.setdefault(hit.concept, Named(hit.facet, hit.concept, _flat(hit.surface)))
    yield from first.values()


def mark(sentence: Sentence, hits: Sequence[Hit]) -> Marked:
    """Return a sentence with the spans of its hits; a long one is cut around them, and says so with an ellipsis."""
    inside = [
        hit for hit in hits if hit.zone is sentence.zone and sentence.start <= hit.start and hit.end <= sentence.end
    ]
    marked = _MARKED_FACETS
    if not any(hit.facet in _DONE for hit in inside):
        marked |= {"move"}  # a common verb is worth a mark only where it alone says what was done
    spans = [(hit.start - sentence.start, hit.end - sentence.start) for hit in inside if hit.facet in marked]
    return _cut(_flat(sentence.text), sorted(spans))


def _flat(text: str) -> str:
    """Return the sentence on one line without moving any character."""
    return "".join(" " if one_line(each) == "" else each for each in text)


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> Marked:
    if len(text) <= _LONGEST_SENTENCE:
        return Marked(text, tuple(spans))
    first = spans[0][0] if spans else 0
    start = max(0, min(first - 60, len(text) - _LONGEST_SENTENCE))
    end = start + _LONGEST_SENTENCE
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(lead) - start
    kept = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
    return Marked(f"{lead}{text[start:end]}{tail}", kept)
