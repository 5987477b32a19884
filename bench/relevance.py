"""Articles a second through the matcher on one core, against the length of the text and the number of aliases.

The texts are the project's own examples, joined and cut to four kilobytes, so that the bench runs in any clone. They
are the hardest there is, each sentence being about the topic; real articles that were not chosen are measured beside
them where they are at hand (../shared/data), and pages, to compare with what reading them costs.
"""

from __future__ import annotations

import gzip
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import trafilatura

from bench.throughput import pages_at_hand
from tripoint.app.calibrated import load_examples
from tripoint.app.seeds import load_seeds, packaged_seeds
from tripoint.domain.text import fold
from tripoint.relevance.assess import Judge
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.lexicon import Alias, Concept, Lexicon
from tripoint.relevance.matcher import Matcher

_BYTES = 4096
_ROUNDS = 5
_MOST = 1_000
_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_ALIASES = (500, 5_000, 50_000)


def main() -> None:
    """Measure CPU time, and print medians and ratios."""
    seeds = load_seeds()
    judge = Judge(seeds.topics, seeds.lexicon, LanguageGuesser())
    examples = load_examples(packaged_seeds())
    for language in ("vi", "en"):
        joined = "\n".join(f"{each.title}.\n{each.text}" for each in examples if each.language == language)
        assess = partial(judge.assess, "", language=language)
        rate = _rate(assess, _cut(joined, _BYTES))
        slow = _rate(assess, _cut(joined, 8 * _BYTES))
        _say(
            f"{language}, all of it on topic: {rate:6.0f} articles of 4 kB a second; eight times the text costs"
            f" {rate / slow:.1f} times"
        )
        if real := _real(language):
            _say(f"{language}, real and not chosen: {_rate(assess, real):6.0f} articles of 4 kB a second")
    _beside_extraction(judge)
    _aliases(seeds.lexicon, _cut("\n".join(each.text for each in examples), _BYTES))


def _real(language: str) -> list[str]:
    file = _DATA / f"{'english' if language == 'en' else 'vietnamese'}-unlabelled.jsonl.gz"
    if not file.is_file():
        return []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return _cut("\n".join(f"{row['title']}.\n{row['text']}" for row in rows), _BYTES)[:_MOST]


def _beside_extraction(judge: Judge) -> None:
    bodies = [body for _, body in pages_at_hand()]
    begun = time.process_time()
    texts = [trafilatura.extract(body) or "" for body in bodies]
    extraction = time.process_time() - begun
    rounds = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        for text in texts:
            judge.assess("", text, "en")
        rounds.append((time.process_time() - begun) / extraction)
    _say(
        f"judging {len(texts)} pages costs {statistics.median(rounds):.1%} of what reading them with trafilatura costs"
    )


def _aliases(lexicon: Lexicon, texts: Sequence[str]) -> None:
    """Measure what aliases cost that find nothing, beside 500 of the lexicon's, and what all of the lexicon's find.

    Each round goes once over all of them, so that whatever else runs on the machine slows all alike.
    """
    real = [replace(alias, concept="act.bench") for concept in lexicon.concepts for alias in concept.aliases]
    few = real[:: len(real) // _ALIASES[0]][: _ALIASES[0]]
    wanted = [few + [_invented(number) for number in range(count - len(few))] for count in _ALIASES] + [real]
    matchers = [Matcher(Lexicon((Concept("act.bench", "act", tuple(each)),), "")) for each in wanted]
    found = [sum(len(matcher.find(text)) for text in texts) / len(texts) for matcher in matchers]
    spent = [math.inf] * len(matchers)
    for _ in range(_ROUNDS):
        for place, matcher in enumerate(matchers):
            begun = time.process_time()
            for text in texts:
                matcher.find(text)
            spent[place] = min(spent[place], time.process_time() - begun)
    for place, aliases in enumerate(wanted):
        what = "the lexicon's own" if place == len(_ALIASES) else "of them 500 the lexicon's"
        _say(
            f"{len(aliases):6} aliases, {what}: {found[place]:5.1f} found in a text, {len(texts) / spent[place]:6.0f}"
            f" texts a second, {spent[place] / spent[0]:.2f} times the cost of {_ALIASES[0]}"
        )


def _invented(number: int) -> Alias:
    text = f"quorv{number:x} brelt{number * 7919:x}"
    return Alias("act.bench", text, fold(text).text, "en")


def _cut(text: str, size: int) -> list[str]:
    raw = text.encode()
    return [raw[place : place + size].decode("utf-8", "ignore") for place in range(0, len(raw) - size, size)]


def _rate(work: Callable[[str], object], texts: Sequence[str]) -> float:
    rates = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        for text in texts:
            work(text)
        rates.append(len(texts) / (time.process_time() - begun))
    return statistics.median(rates)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
