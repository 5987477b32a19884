"""Fitting the topics of some seeds, and writing the calibration file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from tripoint.app.calibrated import FILE, WITHOUT_READERS, load_anchors
from tripoint.app.seeds import Seeds
from tripoint.domain.errors import MendError
from tripoint.domain.types import Feedback
from tripoint.relevance.assess import Judge
from tripoint.relevance.calibration import Calibration, Example, calibrate, inputs_hash
from tripoint.relevance.language import LanguageGuesser

_BY_READERS = "feedback"


@dataclass(frozen=True, slots=True)
class Fit:
    """What `calibrate` found for one topic, and the hash of what it found it from."""

    topic: str
    inputs: str
    calibration: Calibration
    without_readers: str = ""  #: the hash without what readers judged, where they judged anything


def fit(seeds: Seeds, root: Traversable, examples: Sequence[Example]) -> list[Fit]:
    """Fit every topic that leaves its weights to the examples, each on those that were judged by it."""
    judge = Judge(seeds.all_topics, seeds.lexicon, LanguageGuesser())
    topics = [each for each in seeds.all_topics if each.is_fitted]
    names = [each.name for each in topics]
    found = []
    for topic in topics:
        chosen = examples_of(topic.name, examples, names)
        anchors = load_anchors(root, topic)
        calibration = calibrate(judge, topic, chosen, anchors)
        of_files = tuple(each for each in chosen if each.category != _BY_READERS)
        alone = inputs_hash(topic, of_files, anchors) if len(of_files) < len(chosen) else ""
        found.append(Fit(topic.name, inputs_hash(topic, chosen, anchors), calibration, alone))
    return found


def examples_of(topic: str, examples: Sequence[Example], fitted: Sequence[str]) -> tuple[Example, ...]:
    """Return the examples that were judged by a topic; `fitted` are the names of all that are fitted.

    Raises `MendError` where an example does not say which of several it means.
    """
    for each in examples:
        if each.topic and each.topic not in fitted:
            raise MendError(f'example {each.id}: "{each.topic}" is no topic to fit', f"known are {', '.join(fitted)}")
        if not each.topic and len(fitted) > 1:
            mend = f'add "topic" to it, or to each file: one of {", ".join(fitted)}'
            raise MendError(f"example {each.id} does not say by which of several topics it was judged", mend)
    return tuple(each for each in examples if each.topic in {"", topic})


def as_json(fits: Sequence[Fit]) -> str:
    """Return the text of the calibration file."""
    topics = {
        each.topic: {
            "inputs": each.inputs,
            **({WITHOUT_READERS: each.without_readers} if each.without_readers else {}),
            "threshold": each.calibration.threshold,
            "bias": each.calibration.weights.bias,
            "weights": each.calibration.weights.of,
            "report": each.calibration.report,
        }
        for each in fits
    }
    return json.dumps({"topics": topics}, indent=1, ensure_ascii=False) + "\n"


def write(folder: Path, text: str) -> Path:
    """Write the calibration file in one step, so that a reader never sees half of it."""
    target = folder / FILE
    beside = target.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(target)
    return target


def numbers(text: str) -> dict[str, dict[str, float]]:
    """Return threshold, bias and weights of each topic in a calibration file's text; nothing where it is broken."""
    try:
        topics = json.loads(text)["topics"]
        return {
            name: {"threshold": each["threshold"], "bias": each["bias"], **each["weights"]}
            for name, each in topics.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def feedback_examples(judged: Sequence[Feedback]) -> tuple[Example, ...]:
    """Return what readers judged as examples: relevant is grade 2, irrelevant 0."""
    return tuple(
        Example(
            f"feedback-{each.article_id}-{each.topic}",
            each.language,
            each.title,
            each.text,
            2 if each.relevant else 0,
            _BY_READERS,
            each.topic,
        )
        for each in judged
    )
