"""Judging an article by every topic after one pass over its text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from tripoint.domain.text import sentence_with, sentences, unmark
from tripoint.domain.types import Assessment, Hit, Sentence, Share, Zone
from tripoint.relevance.features import Features, Layout, read_features
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.layout import Line, asides, listing, read_lines
from tripoint.relevance.lexicon import Lexicon
from tripoint.relevance.matcher import Match, Matcher
from tripoint.relevance.topic import FACETS, Topic, Weights

_EVIDENCE = 3
_LEAD = 3  # sentences that tell what an article is about
_UNGATED_MOST = 0.05  # what an article can score that does not name the core and a partner
_MOST_CHARACTERS = 400_000  # a hundred times a long article; more is no article, and its head is judged


class Judge:
    """Scores articles by topics that share one lexicon."""

    def __init__(self, topics: Sequence[Topic], lexicon: Lexicon, guesser: LanguageGuesser) -> None:
        self._topics = sorted(topics, key=lambda each: each.name)
        self._matcher = Matcher(lexicon)
        self._guesser = guesser

    def topic(self, name: str) -> Topic:
        """Return a topic by name; raises `KeyError` for one that is not judged."""
        return {each.name: each for each in self._topics}[name]

    def assess(self, title: str, text: str, language: str) -> tuple[Assessment, ...]:
        """Return one assessment for each topic; `language` may be empty, and is then guessed."""
        language = language or self._guesser.guess(f"{title[:2000]}\n{text[:2000]}")
        texts, spans, matches, layout = self._read(title, text)
        return tuple(self._judge(topic, texts, spans, matches, layout, language) for topic in self._topics)

    def measure(self, title: str, text: str) -> dict[str, Features]:
        """Return the features of a text for each topic by name, whatever its language."""
        texts, spans, matches, layout = self._read(title, text)
        return {topic.name: read_features(topic, _hits(topic, texts, spans, matches), layout) for topic in self._topics}

    def _read(
        self, title: str, text: str
    ) -> tuple[dict[Zone, str], dict[Zone, list[tuple[int, int]]], dict[Zone, list[Match]], Layout]:
        title, text = title[:2000], text[:_MOST_CHARACTERS]
        texts = {Zone.TITLE: title, Zone.TEXT: text}
        spans = {Zone.TITLE: [(0, len(title))] if title else [], Zone.TEXT: sentences(text)}
        folded = unmark(text)
        matches = {Zone.TITLE: self._matcher.find(title), Zone.TEXT: self._matcher.find_in(folded)}
        lines = read_lines(text, is_composed=folded.is_composed)
        return texts, spans, matches, _layout(lines, spans[Zone.TEXT], has_title=bool(title))

    def _judge(
        self,
        topic: Topic,
        texts: dict[Zone, str],
        spans: dict[Zone, list[tuple[int, int]]],
        matches: dict[Zone, list[Match]],
        layout: Layout,
        language: str,
    ) -> Assessment:
        hits = _hits(topic, texts, spans, matches)
        features = read_features(topic, hits, layout)
        weight_of = topic.weights.of
        shares = tuple(_share(name, value, weight_of[name]) for name, value in features.values.items())
        score = score_of(topic.weights, features)
        note = ""
        if language not in topic.languages:
            score, note = 0.0, f"language {language or 'unknown'} is not scored"
        counts = Counter({hit.concept: hit.facet for hit in hits}.values())
        return Assessment(
            topic=topic.name,
            topic_version=topic.version,
            score=round(score, 4),
            threshold=topic.threshold,
            relevant=score >= topic.threshold,
            facets=tuple((facet, counts[facet]) for facet in FACETS if facet in counts),
            hits=hits,
            shares=shares,
            evidence=_evidence(features, texts, spans),
            note=note,
        )


@lru_cache(maxsize=4096)
def _share(feature: str, value: float, weight: float) -> Share:
    """Return a feature's share; values are mostly small fractions, and met again and again."""
    return Share(feature, round(value, 4), round(weight * value, 4))


def _hits(
    topic: Topic, texts: dict[Zone, str], spans: dict[Zone, list[tuple[int, int]]], matches: dict[Zone, list[Match]]
) -> tuple[Hit, ...]:
    hits = []
    facet_of = topic.facet_of
    for zone in (Zone.TITLE, Zone.TEXT):
        text = texts[zone]
        starts = [start for start, _ in spans[zone]]
        sentence, following = sentence_with(starts, 0)
        for concept, _, start, end in matches[zone]:
            if facet := facet_of.get(concept):
                if start >= following:  # matches come in their order
                    sentence, following = sentence_with(starts, start)
                hits.append(Hit(concept, facet, zone, text[start:end], start, end, sentence))
    return tuple(hits)


def _layout(lines: Sequence[Line], spans: Sequence[tuple[int, int]], *, has_title: bool) -> Layout:
    count = len(spans)
    aside = asides(lines, spans)
    lead = tuple(islice((index for index in range(count) if index not in aside), _LEAD))
    return Layout(count - len(aside), aside, lead, listing(lines), has_title)


def score_of(weights: Weights, features: Features) -> float:
    """Return the score, 0 to 1."""
    logit = weights.bias + sum(weights.of[name] * value for name, value in features.values.items())
    score = 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
    return score if features.is_gated else score * _UNGATED_MOST


def _evidence(
    features: Features, texts: dict[Zone, str], spans: dict[Zone, list[tuple[int, int]]]
) -> tuple[Sentence, ...]:
    """Return the sentences of the body that speak most for the article; the title is shown anyway."""
    found = []
    for passage in features.passages:
        unit = passage.unit
        if unit.zone is Zone.TEXT and unit.index < len(spans[Zone.TEXT]):
            start, end = spans[Zone.TEXT][unit.index]
            found.append(Sentence(unit.zone, unit.index, start, end, texts[Zone.TEXT][start:end]))
            if len(found) == _EVIDENCE:
                break
    return tuple(found)
