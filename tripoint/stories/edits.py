"""What an edit changed: sentences that went and came, and whether any of them says something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from tripoint.domain.text import fold, nfc, sentences

_CLOSES = re.compile(r"[.!?…][\"”’)]*$")
_CLOCK = re.compile(r"\b(updated|published|posted|last modified|cập nhật|đăng lúc)\b|\b\d{1,2}[:h]\d{2}\b")
_LABEL_WORDS = 15  # a time stamp, or the headline of a related article, is shorter


@dataclass(frozen=True, slots=True)
class Edit:
    """Sentences that went and came, in the order of the text."""

    removed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def is_material(self) -> bool:
        """Whether any of them is more than a time stamp or the headline of another article."""
        return any(not _is_furniture(each) for each in (*self.removed, *self.added))


def edit(before: str, after: str) -> Edit:
    """Compare two versions of a text, sentence by sentence; spaces and Unicode forms do not count."""
    old, new = _sentences(before), _sentences(after)
    matcher = SequenceMatcher(None, [_same(each) for each in old], [_same(each) for each in new], autojunk=False)
    removed: list[str] = []
    added: list[str] = []
    for kind, from_, to, new_from, new_to in matcher.get_opcodes():
        if kind != "equal":
            removed += old[from_:to]
            added += new[new_from:new_to]
    moved = {_same(each) for each in removed} & {_same(each) for each in added}
    return Edit(
        tuple(each for each in removed if _same(each) not in moved),
        tuple(each for each in added if _same(each) not in moved),
    )


def _sentences(text: str) -> list[str]:
    text = nfc(text)
    return [text[start:end] for start, end in sentences(text)]


def _same(sentence: str) -> str:
    return " ".join(fold(sentence).text.split())


def _is_furniture(sentence: str) -> bool:
    if len(sentence.split()) > _LABEL_WORDS:
        return False
    return bool(_CLOCK.search(fold(sentence).text)) or not _CLOSES.search(sentence)
