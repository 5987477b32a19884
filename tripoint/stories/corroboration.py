"""Who else has a story: outlets, countries, independent reports, and the expected ones that are silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tripoint.domain.types import Carried, Phrase, PlacementKind, Report
from tripoint.stories.wires import Wires
from tripoint.stories.wording import english

SILENT_AFTER = timedelta(hours=6)  #: an expected country's outlets have had time by then
_COPIES = frozenset({PlacementKind.DUPLICATE, PlacementKind.SYNDICATED})


@dataclass(frozen=True, slots=True)
class Corroboration:
    """What stands behind a story. A copy of a text, and a second report of one agency's words, adds nothing."""

    first: Report
    outlets: tuple[str, ...]  #: that have it, in the order in which they had it
    countries: tuple[str, ...]  #: of these outlets, ISO 3166-1 alpha-2
    wires: tuple[str, ...]  #: agencies whose words they print
    independent: int  #: reports that are no copies and come from different agencies or newsrooms
    languages: tuple[str, ...]
    silent: tuple[str, ...]  #: adjectives of the expected countries that no outlet is of, once there was time
    silent_countries: tuple[str, ...]  #: the same, ISO 3166-1 alpha-2
    hours: int  #: since it was first seen

    @property
    def line(self) -> str:
        """Everything in one line, such as "TASS only; no Pakistani outlet after 6 h"."""
        return english(self.phrases)

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """Everything, for readers of any language."""
        return tuple(self._phrases())

    def _phrases(self) -> Iterator[Phrase]:
        origin = self.first.origin
        first = ("outlet", self.first.outlet)
        if origin and origin.how is not Carried.OWN:
            yield Phrase("first_at_from", (first, ("wire", origin.wire)))
        else:
            yield Phrase("first_at", (first,))
        others = len(self.outlets) - 1
        if others:
            yield Phrase("also_in_one" if others == 1 else "also_in", (("outlets", str(others)),))
        if self.independent > 1:
            yield Phrase("independent", (("number", str(self.independent)),))
        elif len(self.wires) == 1:
            yield Phrase("one_wire", (("wire", self.wires[0]),))
        else:
            yield Phrase("one_report")
        if len(self.countries) > 1:
            yield Phrase("in_countries", (("countries", ", ".join(self.countries)),))
        for adjective, country in zip(self.silent, self.silent_countries, strict=True):
            values = (("adjective", adjective), ("its_country", country), ("hours", str(self.hours)))
            yield Phrase("no_outlet", values)


def corroborate(
    wires: Wires, countries: Mapping[str, str], reports: Sequence[Report], concepts: frozenset[str], now: datetime
) -> Corroboration:
    """Return what stands behind the reports of one story, of which there is at least one.

    `countries` are those of the sources, `concepts` those of the lexicon that the story is about: they say whose
    outlets should have it.
    """
    in_order = sorted(reports, key=lambda each: (each.seen_at, each.article_id))
    first = in_order[0]
    of_outlets = {each.outlet: countries.get(each.source, "") for each in in_order}
    present = set(of_outlets.values())
    hours = int((now - first.seen_at) / timedelta(hours=1))
    silent = tuple(
        each
        for each in wires.expected
        if each.concept in concepts and each.country not in present and now - first.seen_at >= SILENT_AFTER
    )
    return Corroboration(
        first=first,
        outlets=tuple(of_outlets),
        countries=tuple(dict.fromkeys(each for each in of_outlets.values() if each)),
        wires=tuple(dict.fromkeys(each.origin.wire for each in in_order if each.origin)),
        independent=len({_voice(each) for each in in_order if each.placement not in _COPIES}) or 1,
        languages=tuple(dict.fromkeys(each.language for each in in_order)),
        silent=tuple(each.adjective for each in silent),
        silent_countries=tuple(each.country for each in silent),
        hours=hours,
    )


def _voice(report: Report) -> str:
    """Return who speaks in a report: the agency whose words it prints or tells, else the outlet."""
    return f"wire {report.origin.wire}" if report.origin else f"outlet {report.outlet}"
