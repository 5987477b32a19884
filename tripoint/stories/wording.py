"""The English words of what is said of a story: who has it, and what is new; others are in `alerts/phrases.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tripoint.domain.evidence import Phrase

ENGLISH: Mapping[str, str] = {
    "first_at": "first at {outlet}",
    "first_at_from": "first at {outlet}, from {wire}",
    "also_in_one": "also in 1 outlet",
    "also_in": "also in {outlets} outlets",
    "one_wire": "{wire} only",
    "one_report": "one independent report",
    "independent": "{number} independent reports",
    "in_countries": "in {countries}",
    "no_outlet": "no {adjective} outlet after {hours} h",
    "correction": "a correction or withdrawal",
    "denial": "a denial ({said})",
    "confirmation": "a confirmation ({said})",
    "agreement": "an agreement ({said})",
    "halt": "a halt ({said})",
    "delivery": "a delivery ({said})",
    "resignation": "a resignation ({said})",
    "arrest": "an arrest ({said})",
    "attack": "an attack ({said})",
    "ceasefire": "a ceasefire ({said})",
    "new_platform": "platform: {said}",
    "new_actor": "actor: {said}",
    "new_figure": "figure: {said}",
    "new_amount": "amount: {said}",
    "new_date": "date: {day} {month_name}",
    "doubt": "perhaps another event: it joined the story by a narrow margin",
}


def english(phrases: Iterable[Phrase]) -> str:
    """Return phrases as one line."""
    return "; ".join(ENGLISH[each.name].format_map(dict(each.values)) for each in phrases)
