"""Fit the weights of the grouping and write `seeds/stories.json`.

Learns from tests/stories/labelled.jsonl and, where they are at hand, the 100 real events of ../shared/data; with
`--rarity` it counts anew how rare terms are in the unlabelled articles there, else it keeps what the file has.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tripoint.app.evaluated import Report, load_reports
from tripoint.app.seeds import GROUPING, load_glossary, packaged_seeds
from tripoint.stories.fitting import Labelled, fit_grouping, model_data, pairs_of
from tripoint.stories.glossary import Glossary
from tripoint.stories.grouping import parse_grouping, parse_rarity
from tripoint.stories.likeness import Vector, weigh
from tripoint.stories.signature import KINDS, Rarity, Reader

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
OWN = ROOT / "tests" / "stories" / "labelled.jsonl"
ALIKE = ROOT / "tests" / "stories" / "alike.txt"
JOIN_FROM = 0.42
_LEAST_SHARE = 0.01  # of articles; what fewer have is as rare as can be told
_USUAL = 300  # tokens of an article; shares are brought to this length
_LENGTHS = {"vi": 330.0, "en": 45.0}  # tokens of the unlabelled articles, on average


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rarity", action="store_true", help="count rarities anew")
    counts_anew = parser.parse_args().rarity
    file = ROOT / "seeds" / GROUPING
    glossary = Glossary(load_glossary(packaged_seeds()))
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    data["general"] = {"rarest": round(-math.log(_LEAST_SHARE), 2), "join_from": JOIN_FROM}
    if counts_anew or "rarity" not in data:
        data["rarity"] = _rarity(glossary)
    rarity = parse_rarity(data)
    reader = Reader(glossary, rarity)
    reports = [*read(OWN, reader), *with_background(load_reports(OWN), reader)]
    reports += read(SHARED / "stories-vi.jsonl", reader)
    fitted = fit_grouping(rarity, pairs_of(reports, alike()), JOIN_FROM)
    data["same"], data["across"] = model_data(fitted.same), model_data(fitted.across)
    parse_grouping(data)
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")
    print(f"{len(reports)} reports; wrote {file.name}, {len(text.encode()) / 1024:.0f} kB")
    print("same  ", data["same"])
    print("across", data["across"])


def alike() -> Any:
    """Return what says whether only their time tells two events apart."""
    groups = [set(line.split()) for line in ALIKE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return lambda one, other: any(one in group and other in group for group in groups)


def read(file: Path, reader: Reader) -> list[Labelled]:
    """Return the reports of a file, compared as they will be; none where it is not at hand."""
    if not file.exists():
        print(f"without {file.name}: not at hand")
        return []
    return [Labelled(each.story, _vector(reader, each, each.text), file.name) for each in load_reports(file)]


def with_background(reports: Sequence[Report], reader: Reader) -> list[Labelled]:
    """Return the reports with an earlier affair recalled below, as long ones do: the event of another report.

    Each event recalls one other, so that there are many pairs of which one is the other's background.
    """
    events = list(dict.fromkeys(each.story for each in reports))
    found = []
    for number, each in enumerate(reports):
        recalled = events[(events.index(each.story) + 7 + number % 2) % len(events)]
        texts = [other.text for other in reports if other.story == recalled and other.language == each.language]
        text = f"{each.text}\n{texts[number % len(texts)]}" if texts else each.text
        found.append(Labelled(each.story, _vector(reader, each, text), "with background", recalled if texts else ""))
    return found


def _vector(reader: Reader, report: Report, text: str) -> Vector:
    return weigh(reader.rarity, reader.read(report.title, text, report.language, report.published))


def _rarity(glossary: Glossary) -> dict[str, dict[str, str]]:
    reader = Reader(glossary, Rarity({}, 1.0), everything=True)
    shares = {
        language: _shares(reader, SHARED / f"{name}-unlabelled.jsonl.gz", language)
        for language, name in (("vi", "vietnamese"), ("en", "english"))
    }
    table: dict[str, dict[str, list[str]]] = {}
    for kind in KINDS:
        if kind in {"title", "gist"}:
            continue
        both = {term for language in shares for term in shares[language][kind]}
        for language in shares:
            for term in sorted(both):
                own = shares[language][kind].get(term, 0.0)
                mean = sum(shares[each][kind].get(term, 0.0) for each in shares) / len(shares)
                share = own if kind in {"word", "name"} else mean
                if share >= _LEAST_SHARE:
                    bucket = f"{-math.log(min(share, 1.0)):.1f}"
                    table.setdefault(f"{kind}.{language}", {}).setdefault(bucket, []).append(term)
    return {kind: {each: "|".join(terms) for each, terms in found.items()} for kind, found in table.items()}


def _shares(reader: Reader, file: Path, language: str) -> dict[str, dict[str, float]]:
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    articles = 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            articles += 1
            found = reader.read(row.get("title") or "", row["text"], language, datetime(2026, 1, 15, tzinfo=UTC))
            for kind in KINDS:
                counts[kind].update(found.bags[kind].keys())
    longer = _USUAL / _LENGTHS[language]
    return {
        kind: {
            term: 1 - (1 - min(count, articles - 1) / articles) ** longer for term, count in found.items() if count > 3
        }
        for kind, found in counts.items()
    }


if __name__ == "__main__":
    main()
