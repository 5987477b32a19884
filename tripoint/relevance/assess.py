"""Judging an article by every topic after one pass over its text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tripoint.domain.text import sentence_at, sentences
from tripoint.domain.types import Assessment, Hit, Sentence, Share, Zone
from tripoint.relevance.features import Features, read_features
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.lexicon import Lexicon
from tripoint.relevance.matcher import Match, Matcher
from tripoint.relevance.topic import FACETS, Topic

_EVIDENCE = 3
_UNGATED_MOST = 0.05  # what an article can score that does not name the core and a partner
_MOST_CHARACTERS = 400_000  # a hundred times a long article; more is no article, and its head is judged


class Judge:
    """Scores articles by topics that share one lexicon."""

    def __init__(self, topics: Sequence[Topic], lexicon: Lexicon, guesser: LanguageGuesser) -> None:
        self._topics = sorted(topics, key=lambda each: each.name)
        self._matcher = Matcher(lexicon)
        self._guesser = guesser

    def assess(self, title: str, text: str, language: str) -> tuple[Assessment, ...]:
        """Return one assessment for each topic; `language` may be empty, and is then guessed."""
        title, text = title[:2000], text[:_MOST_CHARACTERS]
        language = language or self._guesser.guess(f"{title}\n{text[:2000]}")
        spans = {Zone.TITLE: [(0, len(title))] if title else [], Zone.TEXT: sentences(text)}
        texts = {Zone.TITLE: title, Zone.TEXT: text}
        matches = {zone: self._matcher.find(each) for zone, each in texts.items()}
        return tuple(self._judge(topic, texts, spans, matches, language) for topic in self._topics)

    def _judge(
        self,
        topic: Topic,
        texts: dict[Zone, str],
        spans: dict[Zone, list[tuple[int, int]]],
        matches: dict[Zone, list[Match]],
        language: str,
    ) -> Assessment:
        hits = tuple(
            Hit(
                match.concept,
                topic.facet_of[match.concept],
                zone,
                texts[zone][match.start : match.end],
                match.start,
                match.end,
                sentence_at(spans[zone], match.start),
            )
            for zone in (Zone.TITLE, Zone.TEXT)
            for match in matches[zone]
            if match.concept in topic.facet_of
        )
        features = read_features(topic, hits, len(spans[Zone.TEXT]))
        shares, score = _score(topic, features)
        note = ""
        if language not in topic.languages:
            score, note = 0.0, f"language {language or 'unknown'} is not scored"
        counts = Counter(facet for facet, _ in {(hit.facet, hit.concept) for hit in hits})
        return Assessment(
            topic=topic.name,
            topic_version=topic.version,
            score=round(score, 4),
            threshold=topic.threshold,
            relevant=score >= topic.threshold,
            facets=tuple((facet, counts[facet]) for facet in FACETS if counts[facet]),
            hits=hits,
            shares=shares,
            evidence=_evidence(features, texts, spans),
            note=note,
        )


def _score(topic: Topic, features: Features) -> tuple[tuple[Share, ...], float]:
    shares = tuple(
        Share(name, round(value, 4), round(topic.weights[name] * value, 4)) for name, value in features.values.items()
    )
    logit = topic.bias + sum(topic.weights[name] * value for name, value in features.values.items())
    score = 1 / (1 + math.exp(-logit))
    if not features.is_gated:
        score *= _UNGATED_MOST
    return shares, score


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
    return tuple(found[:_EVIDENCE])
