"""The score in words: how clearly an article is what is watched, and who does what with which arms. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.phrases import words
from tripoint.domain.policies import Grade, least_score
from tripoint.domain.types import Evidence

_MOST = {"actor": 3, "act": 2, "platform": 3, "forum": 1, "person": 1}  # of each kind, in the order of the sentence


def assessed(evidence: Evidence, language: str, *, with_threshold: bool = True) -> str:
    """Return such as "clearly relevant (0.97): Pakistan and Russia, arms sale, Mi-35M"; "" where nothing was judged.

    Countries and acts are named in the reader's language; what has no name there, such as an aircraft, as the article
    has it.
    """
    if not evidence.threshold and not evidence.score:
        return ""
    phrase = words(language)
    grade = next(
        (each for each in reversed(Grade) if evidence.score >= least_score(each, evidence.threshold)), Grade.RELEVANT
    )
    figures = f"{evidence.score:.2f}"
    if with_threshold:
        figures += f", {phrase['alerts_from']} {evidence.threshold:.2f}"
    named = ", ".join(_named(evidence, language))
    return f"{phrase[f'grade_{grade}']} ({figures})" + (f": {named}" if named else "")


def _named(evidence: Evidence, language: str) -> Iterator[str]:
    for kind, most in _MOST.items():
        found = [each for each in evidence.concepts if each.facet == kind]
        labels = list(dict.fromkeys(_label(each.concept, each.words, language) for each in found))[:most]
        if kind == "actor" and len(labels) > 1:
            yield f"{', '.join(labels[:-1])} {words(language)['and']} {labels[-1]}"
        else:
            yield from _short(labels)


def _label(concept: str, text: str, language: str) -> str:
    """Return the name of a concept; an army or ministry goes by its country."""
    phrase = words(language)
    for name in (concept, concept.split("_")[0]):
        if name in phrase:
            return phrase[name]
    return text


def _short(labels: Sequence[str]) -> Iterator[str]:
    """Leave out what another label says more exactly: "F-16" beside "F-16C"."""
    for each in labels:
        if not any(each != other and each in other for other in labels):
            yield each
