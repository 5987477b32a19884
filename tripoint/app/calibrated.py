"""Labelled examples and the calibration file: reading both with file, line and mend."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from tripoint.domain.errors import Place, SeedError
from tripoint.domain.text import nfc, strip_marks
from tripoint.relevance.calibration import Example
from tripoint.relevance.topic import NEGATIVE, POSITIVE, Fitted, Topic, Weights

FILE = "calibration.json"
WITHOUT_READERS = "inputs_without_readers"
_What = TypeVar("_What")


def read_examples(file: str, text: str) -> tuple[Example, ...]:
    """Read labelled articles, one JSON object a line; `file` is how errors name it.

    Raises `SeedError` at the first line that is no example.
    """
    found: dict[str, Example] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = Place(file, number)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SeedError(place, f"no JSON: {error}", "write one JSON object a line") from error
        example = _example(place, row)
        if example.id in found:
            raise SeedError(place, f'the id "{example.id}" stands twice', "give each example an id of its own")
        found[example.id] = example
    return tuple(found.values())


def _example(place: Place, row: object) -> Example:
    if not isinstance(row, dict):
        raise SeedError(place, "no JSON object", "write {…} with id, title, text, lang and grade")
    texts = {key: row.get(key, "") for key in ("title", "text", "lang", "category", "topic")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise SeedError(place, f"`{key}` is no text", "put it between quotes")
    if not (texts["title"] or texts["text"]):
        raise SeedError(place, "neither title nor text", "give at least one of the two")
    grade = row.get("grade")
    if isinstance(grade, bool) or grade not in (0, 1, 2, 3):
        raise SeedError(place, f"`grade` is {grade!r}", "write 0, 1, 2 or 3: from 2 on it deserves an alert")
    name = str(row.get("id", "")).strip()
    if not name:
        raise SeedError(place, "`id` is missing", "give each example an id of its own")
    title, text = nfc(texts["title"]), nfc(texts["text"])
    return Example(name, texts["lang"], title, text, grade, texts["category"], texts["topic"])


def load_examples(root: Traversable) -> tuple[Example, ...]:
    """Read every file of `examples/`."""
    folder = root / "examples"
    if not folder.is_dir():
        raise SeedError(Place(str(folder)), "the folder is missing", "run `tripoint init` on the folder again")
    found: dict[str, Example] = {}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".jsonl"):
            place = f"{folder}/{file.name}"
            for each in read_examples(place, file.read_text(encoding="utf-8")):
                if each.id in found:
                    raise SeedError(Place(place), f'the id "{each.id}" stands in two files', "rename one of them")
                found[each.id] = each
    return tuple(found.values())


def load_anchors(root: Traversable, topic: Topic) -> tuple[str, ...]:
    """Return the anchors of a topic as they may come: whole, cut, without diacritics, decomposed, in capitals."""
    found = []
    for name in topic.anchors:
        file = root / name
        if not file.is_file():
            mend = "mend `anchors` in the topic's file, or put the article there"
            raise SeedError(Place(str(file)), f"the anchor of {topic.name} is missing", mend)
        text = file.read_text(encoding="utf-8")
        cut = "\n".join(text.strip().split("\n")[:3])
        found += [text, cut, strip_marks(text), unicodedata.normalize("NFD", text), text.upper()]
    return tuple(found)


def load_fitted(root: Traversable, label: str) -> dict[str, Fitted]:
    """Read what `calibrate` wrote; without the file there is nothing fitted."""
    return _read(root, label, _fitted) or {}


def fitted_on(root: Traversable, label: str) -> dict[str, str] | None:
    """Return the hash of the files that each topic was fitted on, not of what readers judged; None without the file."""
    return _read(root, label, lambda _place, entry: str(entry.get(WITHOUT_READERS) or entry["inputs"]))


def _read(root: Traversable, label: str, of: Callable[[Place, dict[str, Any]], _What]) -> dict[str, _What] | None:
    file = root / FILE
    if not file.is_file():
        return None
    place = Place(f"{label}/{FILE}")
    try:
        topics = json.loads(file.read_text(encoding="utf-8"))["topics"]
        return {name: of(place, each) for name, each in topics.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeedError(place, f"not as `calibrate` writes it: {error}", "run `tripoint calibrate` again") from error


def _fitted(place: Place, entry: dict[str, Any]) -> Fitted:
    weights = {name: float(entry["weights"][name]) for name in (*POSITIVE, *NEGATIVE)}
    wrong = [name for name in POSITIVE if weights[name] < 0] + [name for name in NEGATIVE if weights[name] > 0]
    threshold = float(entry["threshold"])
    if wrong or not 0 < threshold < 1:
        raise SeedError(
            place, f"{wrong[0] if wrong else 'threshold'} is out of range", "run `tripoint calibrate` again"
        )
    return Fitted(Weights(weights, float(entry["bias"])), threshold)
