"""Telling Vietnamese from other lines without a look at its diacritics: by the syllables that it can have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product

_ONSETS = ("", *"b c ch d g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x".split())
_RIMES = (
    "a ac ach ai am an ang anh ao ap at au ay e ec ech em en enh eo ep et eu i ia ich iec iem ien ieng iep iet ieu im"
    " in inh ip it iu o oa oac oai oan oang oanh oat oay oc oe oen oet oi om on ong op ot u ua uan uang uat uay uc ue"
    " uenh ui um un ung uoc uoi uom uon uong uop uot uou up ut uu uy uyen uyet uynh uyt uya y yem yen yet yeu"
).split()
# With a final y as i too, as folded text has it after some letters.
SYLLABLES = frozenset(map("".join, product(_ONSETS, _RIMES)))

_WORD = re.compile(r"[A-Za-z]+")
_HEAD = 300  # characters of a line that are enough to tell
_SHARE = 0.65
_SHARE_WITH_NAMES = 0.4  # of all words, for an English title writes only its smallest words small
_SHARE_OF_NAMES = 0.5  # of all words, where names cannot be told from others
_FEW = 2


def is_spelled_so(words: str) -> bool:
    """Return whether unmarked words in small letters could all be Vietnamese syllables."""
    return all(each in SYLLABLES for each in re.findall(r"\w+", words))


def is_vietnamese(line: str, *, is_capitals: bool) -> bool:
    """Return whether an unmarked line reads as Vietnamese: names aside, nearly all of its words are syllables.

    Because marks are never looked at, a text and the same text without its marks get the same answer.
    """
    words = _WORD.findall(line[:_HEAD])
    plain = [] if is_capitals else [each for each in words if each >= "a"]  # all is ASCII, where capitals come first
    if len(plain) < _FEW:
        return bool(words) and _known(map(str.lower, words)) >= len(words) * _SHARE_OF_NAMES
    known = _known(plain)
    if known < len(plain) * _SHARE:
        return False
    enough = len(words) * _SHARE_WITH_NAMES
    return known >= enough or known + _known(each.lower() for each in words if each < "a") >= enough


def _known(words: Iterable[str]) -> int:
    return sum(map(SYLLABLES.__contains__, words))
