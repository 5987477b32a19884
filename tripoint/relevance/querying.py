"""Queries made of a topic: the names of its two sides, and the few words that tell its acts, in one language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from tripoint.domain.backfill import Terms
from tripoint.domain.text import slug, strip_marks
from tripoint.relevance.lexicon import Alias, Lexicon
from tripoint.relevance.topic import Topic

_NAMES_A_CONCEPT = 4
_SHORT = 6  # characters of a name that people write in place of the full one
_ACT_WORDS = 8
_LEAST_ACT_SHARE = 0.03  # of the aliases that a word must be worth, to be asked for
_COMMON = frozenset("of to in the and for at with on by from a an".split())


def terms_of(topic: Topic, lexicon: Lexicon, language: str) -> Terms:
    """Return core, partners and acts as groups of words, of each of which an article must hold one."""
    core = _names(_chief(topic.core), lexicon, language)
    partners = _names(_chief(topic.partners), lexicon, language)
    acts = [id_ for id_, facet in topic.facet_of.items() if facet in {"act", "platform"}]
    words = act_words([each.text.lower() for each in _aliases(acts, lexicon, language)], language)
    return Terms(language, tuple(group for group in (core, partners, words) if group))


def slugs_of(topic: Topic, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the core's names as they stand in addresses: without marks, one hyphen between two words."""
    names = [each for language in topic.languages for each in _names(_chief(topic.core), lexicon, language)]
    slugs = map(slug, names)
    return tuple(dict.fromkeys(each for each in slugs if len(each) > 3))


def act_words(aliases: Iterable[str], language: str) -> tuple[str, ...]:
    """Return the fewest words that stand in most of the aliases; in Vietnamese a word is two syllables.

    Greedy: the word that covers most of what is not covered yet comes next.
    """
    left = {alias: _words(alias, language) for alias in aliases}
    least = max(2.0, _LEAST_ACT_SHARE * len(left))
    chosen: list[str] = []
    while left and len(chosen) < _ACT_WORDS:
        counted = Counter(word for words in left.values() for word in words)
        word, count = max(counted.items(), key=lambda each: (each[1], each[0]), default=("", 0))
        if count < least:
            break
        chosen.append(word)
        left = {alias: words for alias, words in left.items() if word not in words}
    return tuple(chosen)


def _words(alias: str, language: str) -> set[str]:
    parts = re.findall(r"[^\W_]+(?:-[^\W_]+)*", alias)
    if language == "vi":
        return {" ".join(pair) for pair in pairwise(parts)}
    return {each for each in parts if each not in _COMMON and len(each) > 3}


def _chief(concepts: Iterable[str]) -> list[str]:
    """Return the states themselves: ids that do not go on from another one of the set."""
    chosen = sorted(concepts)
    return [each for each in chosen if not any(each.startswith(f"{other}_") for other in chosen)]


def _names(concepts: Iterable[str], lexicon: Lexicon, language: str) -> tuple[str, ...]:
    names: dict[str, str] = {}
    for concept in concepts:
        # A guarded name is often the commonest one ("Nga", "Mỹ", "US"), and a search engine needs no guard; one that
        # means this only beside certain words does not.
        free = [
            each.text
            for each in _aliases([concept], lexicon, language)
            if each.text[:1].isupper() and not (each.needs or each.after or each.before)
        ]
        bare = {strip_marks(each) for each in free if strip_marks(each) != each}
        known = [each for each in free if each not in bare and "'" not in each]
        short = [each for each in known if len(each.split()) == 1][:_NAMES_A_CONCEPT]
        guarded = [each for each in known if each not in short and len(each) <= _SHORT]
        names |= {each.lower(): each for each in (*short, *guarded)}
    return tuple(names.values())


def _aliases(concepts: Iterable[str], lexicon: Lexicon, language: str) -> list[Alias]:
    wanted = set(concepts)
    return [
        alias
        for concept in lexicon.concepts
        if concept.id in wanted
        for alias in concept.aliases
        if alias.language == language
    ]
