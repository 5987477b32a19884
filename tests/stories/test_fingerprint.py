"""Copies are found, and what merely shares background is not called one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

import pytest

from tripoint.app.calibrated import load_examples
from tripoint.app.seeds import packaged_seeds
from tripoint.stories.fingerprint import KEYS, SHARED_KEYS, fingerprint, is_copy

EXAMPLES = load_examples(packaged_seeds())
Change = Callable[[str, random.Random], str]


def _paragraphs(text: str) -> list[str]:
    """Cut a text into paragraphs of about three sentences, as a page would hold it."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return [" ".join(sentences[at : at + 3]) for at in range(0, len(sentences), 3)]


def _byline(text: str, chance: random.Random) -> str:
    return (
        chance.choice(
            ["HANOI (VNA) - ", "(TTXVN) - ", "MOSCOW, November 24. /TASS/. ", "Theo Reuters, ", "By Our Reporter\n"]
        )
        + text
    )


def _boilerplate(text: str, chance: random.Random) -> str:
    line = chance.choice(["Read more in our app.", "Mời quý độc giả theo dõi chúng tôi.", "Share this article"])
    return f"{line}\n{text}\n{line}\nCopyright 2026. All rights reserved."


def _cut_ending(text: str, chance: random.Random) -> str:
    words = text.split()
    return " ".join(words[: max(35, int(len(words) * chance.uniform(0.6, 0.9)))])


def _moved(text: str, chance: random.Random) -> str:
    first, *others = _paragraphs(text)
    chance.shuffle(others)
    return "\n".join([first, *others])


def _typography(text: str, _chance: random.Random) -> str:
    return text.replace('"', "“").replace("'", "’").replace(" - ", " — ").replace(". ", ".\u00a0")


def _two_words(text: str, chance: random.Random) -> str:
    words = text.split()
    for _ in range(max(1, len(words) // 60)):
        words[chance.randrange(len(words))] = "editor"
    return " ".join(words)


CHANGES: list[Change] = [_byline, _boilerplate, _cut_ending, _moved, _typography, _two_words]


def _long_texts() -> list[tuple[str, str]]:
    return [(each.title, each.text) for each in EXAMPLES if len(each.text.split()) >= 60]


def _variants() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, title, text and changed text: each change alone, then three at once."""
    chance = random.Random(4)  # noqa: S311 - variants of a text, no secret
    for title, text in _long_texts():
        for change in CHANGES:
            yield change.__name__, title, text, change(text, chance)
        changed = text
        for change in chance.sample(CHANGES, 3):
            changed = change(changed, chance)
        yield "three at once", title, text, changed


def test_copies_are_found_by_their_keys_and_known_by_their_runs() -> None:
    missed: list[str] = []
    seen = 0
    for name, title, text, changed in _variants():
        one, other = fingerprint(title, text), fingerprint(f"{title} | Outlet", changed)
        seen += 1
        if len(set(one.keys) & set(other.keys)) < SHARED_KEYS or not is_copy(one, other):
            missed.append(f"{name}: {title}")
    assert seen > 900
    assert len(missed) <= 0.02 * seen, missed


def test_no_two_different_reports_are_copies() -> None:
    prints = [(title, fingerprint(title, text)) for title, text in _long_texts()]
    wrong = [
        (one[0], other[0]) for at, one in enumerate(prints) for other in prints[at + 1 :] if is_copy(one[1], other[1])
    ]
    assert wrong == []


def test_a_new_lead_over_the_old_background_is_a_report_of_its_own() -> None:
    background = " ".join(text for _title, text in _long_texts()[:3])
    for (_, lead), (_, other) in zip(_long_texts()[10:60], _long_texts()[60:110], strict=True):
        one = fingerprint("", " ".join(lead.split()[:45]) + " " + background)
        two = fingerprint("", " ".join(other.split()[:45]) + " " + background)
        assert len(set(one.keys) & set(two.keys)) >= SHARED_KEYS, "the index must offer it"
        assert not is_copy(one, two)


FORM = (
    "The army said in a statement on Friday that {n} militants were killed in an intelligence-based operation in the "
    "{place} district, and that weapons and ammunition were recovered from the dead. A sanitisation operation is being "
    "carried out to eliminate any other militant found in the area, the statement added, and the security forces remain "
    "determined to wipe out the menace of terrorism from the country with the help of the nation."
)


def test_a_form_filled_in_twice_is_two_reports() -> None:
    one, two = (
        fingerprint("Militants killed", FORM.format(n=n, place=place)) for n, place in ((12, "Bannu"), (7, "Bannu"))
    )
    assert not is_copy(one, two)
    assert is_copy(one, fingerprint("Militants killed: army", "PESHAWAR: " + FORM.format(n=12, place="Bannu")))


@pytest.mark.parametrize("head", ["Correction: ", "Đính chính: ", "Reuters withdraws report: "])
def test_a_correction_is_no_copy(head: str) -> None:
    title, text = _long_texts()[0]
    assert not is_copy(fingerprint(title, text), fingerprint(head + title, text))


def test_a_text_too_short_to_tell_is_a_copy_only_of_itself() -> None:
    short = "Russian and Pakistani frigates met off Karachi on Monday."
    assert is_copy(fingerprint("", short), fingerprint("", short.upper()))
    assert not is_copy(fingerprint("", short), fingerprint("", short + " They will stay."))
    assert not is_copy(fingerprint("", ""), fingerprint("", ""))
    assert len(fingerprint("", " ".join(str(each) for each in range(100))).keys) == KEYS
