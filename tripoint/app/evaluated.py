"""Labelled reports, and how well the grouping does on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from tripoint.domain.errors import Place, SeedError
from tripoint.stories.figures import Figures, b_cubed, pairwise
from tripoint.stories.grouping import Grouping, group
from tripoint.stories.likeness import Vector
from tripoint.stories.signature import Reader

_FIELDS = ("id", "story", "lang", "published", "title", "text")


@dataclass(frozen=True, slots=True)
class Report:
    """A report and the story that somebody put it into."""

    id: str
    story: str
    language: str
    published: datetime
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """Two reports that were put together, or apart, wrongly; `probability` is the grouping's own."""

    one: Report
    other: Report
    is_together: bool
    probability: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a grouping is on labelled reports."""

    reports: int
    stories: int
    found: int  #: stories that the grouping made
    overall: Figures  #: B-cubed
    by_language: dict[str, Figures]  #: B-cubed over the reports of one language
    pairs: Figures
    cross_language: Figures  #: pairs of two languages
    order: float  #: B-cubed F1 of the grouping in a shuffled order against that in order of time, the mean of five
    mistakes: tuple[Mistake, ...]  #: the surest first


def load_reports(file: Path) -> Sequence[Report]:
    """Read labelled reports; raises `SeedError` for the first line that is none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeedError(Place(str(file)), f"cannot read: {error}", "name a file of JSON lines in UTF-8") from error
    reports = [
        _report(Place(str(file), number), line) for number, line in enumerate(text.split("\n"), 1) if line.strip()
    ]
    if not reports:
        raise SeedError(Place(str(file)), "holds no report", "write a JSON object a line")
    return reports


def _report(place: Place, line: str) -> Report:
    mend = "write an object with " + ", ".join(_FIELDS)
    try:
        row: Any = json.loads(line)
        at = datetime.fromisoformat(str(row["published"]))
        return Report(
            str(row["id"]),
            str(row["story"]),
            str(row["lang"]),
            at if at.tzinfo else at.replace(tzinfo=UTC),
            str(row["title"]),
            str(row["text"]),
        )
    except json.JSONDecodeError as error:
        raise SeedError(place, f"not JSON: {error.msg}", mend) from error
    except (KeyError, TypeError) as error:
        raise SeedError(place, f"lacks {error}", mend) from error
    except ValueError as error:
        raise SeedError(place, f"published: {error}", "write a time such as 2026-11-24T15:00:00+07:00") from error


def evaluate(grouping: Grouping, reader: Reader, reports: Sequence[Report], *, mistakes: int = 10) -> Evaluation:
    """Group reports in the order of their time, and compare with their labels."""
    in_order = sorted(reports, key=lambda each: (each.published, each.id))
    vectors = [grouping.vector(reader.read(each.title, each.text, each.language, each.published)) for each in in_order]
    found, true = group(grouping, vectors), [each.story for each in in_order]
    languages = sorted({each.language for each in in_order})

    def crosses(one: int, other: int) -> bool:
        return in_order[one].language != in_order[other].language

    def only(language: str) -> Figures:
        mine = [at for at, each in enumerate(in_order) if each.language == language]
        return b_cubed([found[at] for at in mine], [true[at] for at in mine])

    return Evaluation(
        reports=len(in_order),
        stories=len(set(true)),
        found=len(set(found)),
        overall=b_cubed(found, true),
        by_language={each: only(each) for each in languages},
        pairs=pairwise(found, true),
        cross_language=pairwise(found, true, crosses),
        order=_order(grouping, vectors, found),
        mistakes=tuple(_mistakes(grouping, in_order, vectors, found)[:mistakes]),
    )


def _order(grouping: Grouping, vectors: Sequence[Vector], found: Sequence[str]) -> float:
    """Group in five other orders that the news could come in: each report up to a day late."""
    agreed = []
    for stride in (7, 11, 13, 17, 19):
        late = sorted(
            range(len(vectors)), key=lambda at: (vectors[at].signature.at.timestamp() + at * stride % 25 * 3600, at)
        )
        other = dict(zip(late, group(grouping, [vectors[at] for at in late]), strict=True))
        agreed.append(b_cubed([other[at] for at in range(len(vectors))], found).f1)
    return sum(agreed) / len(agreed)


def _mistakes(
    grouping: Grouping, reports: Sequence[Report], vectors: Sequence[Vector], found: Sequence[str]
) -> list[Mistake]:
    wrong = [
        Mistake(
            reports[one],
            reports[other],
            found[one] == found[other],
            grouping.probability(vectors[one], vectors[other]),
        )
        for one, other in combinations(range(len(reports)), 2)
        if (found[one] == found[other]) != (reports[one].story == reports[other].story)
    ]
    return sorted(wrong, key=lambda each: -abs(each.probability - (not each.is_together)))
