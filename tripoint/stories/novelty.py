"""What a further report tells that its story did not have: only that may be told again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tripoint.domain.text import fold
from tripoint.domain.types import Article, Phrase, Report, Signature
from tripoint.stories import tokens as t
from tripoint.stories.glossary import Glossary
from tripoint.stories.wording import english

SAME_FACTS = "the same facts"
_LEAD_TOKENS = 45
_CORRECTS = re.compile(
    r"\b(correction|corrects|corrected|retracts?|retracted|withdraws? (?:its )?(?:report|story)|clarification)\b"
    r"|đính chính|cải chính|gỡ bài|thông tin lại"
)
_TOLD_FROM = 1.6  # the weight of a term that stands in a lead, or twice in a text; what has less was background
_SAYING_TOKENS = 15  # of the lead: who denies what stands there; further down it is background
# Acts that change what is so, in groups of which one says as much as another. Talks and meetings change nothing.
_ACTS = {
    "denial": ("act.deny", "act.reject"),
    "confirmation": ("act.confirm",),
    "agreement": ("act.agreement", "act.sign", "act.contract", "act.approve"),
    "halt": ("act.suspend", "act.cancel", "act.postponed", "act.ban", "act.withdraw", "act.sanction"),
    "delivery": ("subject.delivery",),
    "resignation": ("act.resign", "act.dismissed"),
    "arrest": ("act.arrest", "act.sentenced", "act.charged"),
    "attack": ("act.attack", "act.bomb", "act.shooting", "act.air strike", "act.clash", "act.war"),
    "ceasefire": ("act.ceasefire",),
}
_IN_LEAD_TOO = frozenset({"denial"})
_ACTORS = frozenset({"place", "body"})
_CONTINENTS = frozenset({"place.europe", "place.asia", "place.africa", "place.middle east", "place.gulf"})


@dataclass(frozen=True, slots=True)
class Novelty:
    """What is new, most telling first; nothing for the same facts."""

    facts: tuple[Phrase, ...]

    @property
    def line(self) -> str:
        """What to tell."""
        return english(self.facts) or SAME_FACTS


def what_is_new(glossary: Glossary, article: Article, signature: Signature, told: Sequence[Report]) -> Novelty:
    """Return what title and lead of an article tell that no earlier report of its story does.

    Conservative: a fact counts as told wherever an earlier report has it, in either language.
    """
    head = t.tokens(article.title)
    lead = t.tokens(article.text)[:_LEAD_TOKENS]
    before = [each.signature for each in told if each.signature is not None]
    if not before:
        return Novelty(())
    facts = [
        *_correction(article),
        *_acts(glossary, head, lead, article.language, before),
        *_models(head, before),
        *_actors(glossary, head, lead, article.language, before),
        *_amounts(head, lead, article.language, before),
        *_dates(head + lead, article.language, signature.at, before),
    ]
    return Novelty(tuple(dict.fromkeys(facts)))


def _has(before: Sequence[Signature], kind: str, term: str, least: float = 0.0) -> bool:
    return any(each.bags.get(kind, {}).get(term, -1.0) >= least for each in before)


def _correction(article: Article) -> Iterator[Phrase]:
    if _CORRECTS.search(fold(article.title).text) or _CORRECTS.search(fold(article.text[:200]).text):
        yield Phrase("correction")


def _acts(
    glossary: Glossary, head: Sequence[t.Token], lead: Sequence[t.Token], language: str, before: Sequence[Signature]
) -> Iterator[Phrase]:
    in_title = {term.id: _surface(head, start, end) for term, start, end in glossary.find(head, language)}
    in_lead = {
        term.id: _surface(lead, start, end) for term, start, end in glossary.find(lead[:_SAYING_TOKENS], language)
    }
    for name, group in _ACTS.items():
        if any(_has(before, "term", act, _TOLD_FROM) for act in group):
            continue
        here = {**in_lead, **in_title} if name in _IN_LEAD_TOO else in_title
        if said := next((here[act] for act in group if act in here), ""):
            yield Phrase(name, (("said", said),))


def _models(head: Sequence[t.Token], before: Sequence[Signature]) -> Iterator[Phrase]:
    told = {model for each in before for model, weight in each.bags.get("model", {}).items() if weight >= _TOLD_FROM}
    for token in head:
        for model in t.models([token]):
            if not any(each.startswith(model) or model.startswith(each) for each in told):
                yield Phrase("new_platform", (("said", token.text),))


def _actors(
    glossary: Glossary, head: Sequence[t.Token], lead: Sequence[t.Token], language: str, before: Sequence[Signature]
) -> Iterator[Phrase]:
    in_lead = {term.id for term, _, _ in glossary.find(lead, language)}
    for term, start, end in glossary.find(head, language):
        is_actor = term.kind in _ACTORS and term.id not in _CONTINENTS
        if is_actor and term.id in in_lead and not _has(before, "term", term.id):
            yield Phrase("new_actor", (("said", _surface(head, start, end)),))


def _amounts(
    head: Sequence[t.Token], lead: Sequence[t.Token], language: str, before: Sequence[Signature]
) -> Iterator[Phrase]:
    for number in dict.fromkeys(t.numbers(head, language)):
        if not _is_year(number) and not _has(before, "number", number):
            yield Phrase("new_figure", (("said", _grouped(number)),))
    for number in dict.fromkeys(t.numbers(lead, language)):
        if float(number) >= 10**6 and not _has(before, "number", number):
            yield Phrase("new_amount", (("said", _grouped(number)),))


def _dates(found: Sequence[t.Token], language: str, at: datetime, before: Sequence[Signature]) -> Iterator[Phrase]:
    """Yield dates to come; what lies behind is background."""
    near = {(day.month, day.day) for day in (at + timedelta(days=each) for each in range(2, 180))}
    for month, day in dict.fromkeys(t.dates(found, language, at)):
        if (month, day) in near and not _has(before, "date", f"{month}-{day}"):
            values = (("day", str(day)), ("month", str(month)), ("month_name", _MONTH_NAMES[month - 1]))
            yield Phrase("new_date", values)


_MONTH_NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _is_year(number: str) -> bool:
    return len(number) == 4 and number[:2] in {"19", "20"}


def _grouped(number: str) -> str:
    return f"{int(number):,}" if number.isdigit() else number


def _surface(found: Sequence[t.Token], start: int, end: int) -> str:
    return " ".join(each.text for each in found[start:end])
