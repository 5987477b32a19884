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

_BETWEEN_WORDS = bytes(code if chr(code).isascii() and chr(code).isalpha() else ord(" ") for code in range(256))
_KNOWN = frozenset(map(str.encode, SYLLABLES))
_HEAD = 160  # characters of a line that are enough to tell: of 20,000 real texts none reads otherwise by 300
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
    words = line[:_HEAD].encode("ascii").translate(_BETWEEN_WORDS).split()
    if not is_capitals:
        known = _known(words)  # names are none of them, for they have capitals
        if known >= _FEW and known >= len(words) * _SHARE:
            return True  # whatever part of the words is names
        plain = sum(each >= b"a" for each in words)  # all is ASCII, where capitals come first
        if plain >= _FEW:
            if known < plain * _SHARE:
                return False
            enough = len(words) * _SHARE_WITH_NAMES
            return known >= enough or known + _known(each.lower() for each in words if each < b"a") >= enough
    return bool(words) and _known(map(bytes.lower, words)) >= len(words) * _SHARE_OF_NAMES


def _known(words: Iterable[bytes]) -> int:
    return sum(map(_KNOWN.__contains__, words))
