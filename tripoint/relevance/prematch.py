"""Whether a page can be relevant at all, seen before it is read: it must hold a name of some topic's core.

What the matcher would find in the article must be found here in the page, with its tags, entities and scripts; that it
finds more costs a page's reading, that it found less would cost an article.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick

from tripoint.relevance.lexicon import Lexicon
from tripoint.relevance.topic import Topic

_LONG = 8  # letters: so long a name is looked for in the letters alone, whatever stands between them
_SHORT = 5  # letters: a shorter one must stand by itself
_SMALL = bytes(range(256)).lower().replace(b"y", b"i")  # the matcher takes a final y for i
_BETWEEN = bytes(code for code in range(256) if not (code < 128 and chr(code).isalnum()))
_JOINT = b"\x01"  # where a tag was, which parts words or does not
_MARKS = _JOINT + b"?"  # a mark by itself, or a letter of no Latin kind, becomes a question mark
# Any tag may stand inside a word; the attributes of `meta` are read, and comments with braces may hold JSON.
_INSIDE = re.compile(r"</?(?!meta\b)[a-zA-Z][^<>]*>|<!--[^<>{]*-->", re.IGNORECASE)
# The same where a quoted attribute holds such a sign itself, which ends no tag for a parser.
_INSIDE_QUOTED = re.compile(
    r"""</?(?!meta\b)[a-zA-Z](?:[^<>=]++|=\s*+(?:"[^"]{0,4000}+"|'[^']{0,4000}+')|=)*+>|<!--[^<>{]*-->""", re.IGNORECASE
)
_HAS_QUOTED = re.compile(r"""<[a-zA-Z][^<>]*=\s*(?:"[^"<>]*[<>]|'[^'<>]*[<>])""")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Cues:
    """Names of which a page must hold one, folded; small enough to be sent to a worker with its pages."""

    names: tuple[str, ...]  #: of topics, any one of them
    words: tuple[str, ...] = ()  #: of a person's own query, all of them


def core_names(topics: Iterable[Topic], lexicon: Lexicon) -> tuple[str, ...]:
    """Return the names, folded, of which an article must hold one to be relevant to any of the topics."""
    chosen: set[str] = set()
    for topic in topics:
        speakers = {concept for concept, state in topic.speaks_for.items() if state in topic.core}
        chosen |= topic.core | speakers
    # One that `needs` another name of its concept never stands alone.
    names = {each.folded for one in lexicon.concepts if one.id in chosen for each in one.aliases if not each.needs}
    return tuple(sorted(names))


class Prematch:
    """Looks for cues in whole pages; a page of a hundred kilobytes takes about a millisecond."""

    def __init__(self, cues: Cues) -> None:
        names = {_letters(each): each for each in cues.names}
        shortest = [each for each in sorted(names, key=len) if each]
        kept: list[str] = []
        for each in shortest:  # what holds a shorter name that is looked for everywhere needs no look of its own
            if not any(len(other) >= _SHORT and other in each for other in kept):
                kept.append(each)
        loose = [each for each in kept if len(each) >= _LONG or not names[each].replace("y", "i").isalnum()]
        whole = [each for each in kept if each not in loose and len(each) >= _SHORT]
        short = [each for each in kept if each not in loose and len(each) < _SHORT]
        self._loose = BytesAhoCorasick([each.encode() for each in loose])
        self._whole = BytesAhoCorasick([each.encode() for each in whole])
        self._short = [(each.encode(), _alone(each)) for each in short]
        self._words = [_letters(each).encode() for each in cues.words]
        self._has_names = bool(cues.names)

    def may_match(self, page: str) -> bool:
        """Return whether a page may hold what is looked for; `page` is its decoded HTML."""
        if self._is_in(_marked(page, _INSIDE)):
            return True
        # A stray quote can make half a page an attribute: so this is a second look, and never the only one.
        return _HAS_QUOTED.search(page) is not None and self._is_in(_marked(page, _INSIDE_QUOTED))

    def _is_in(self, marked: bytes) -> bool:
        letters = marked.translate(None, _BETWEEN)
        if not all(each in letters for each in self._words):
            return False
        if not self._has_names or self._loose.find_matches_as_indexes(letters):
            return True
        joined = marked.translate(None, _MARKS)
        if self._whole.find_matches_as_indexes(joined):
            return True
        return any(name in joined and alone.search(marked) for name, alone in self._short)


@lru_cache(maxsize=4)
def prematch_of(cues: Cues) -> Prematch:
    """Return the prematch of these cues; a worker builds it once."""
    return Prematch(cues)


def _marked(page: str, inside: re.Pattern[str]) -> bytes:
    """Return a page in small ASCII letters, with a sign where a tag or a mark stood inside a word."""
    if "\\u" in page:  # in JSON
        page = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), page)
    page = inside.sub("\x01", page)
    if "&" in page:
        page = html.unescape(page)
    return _folded(page)


def _folded(text: str) -> bytes:
    if not text.isascii():
        text = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return text.encode("ascii", "replace").translate(_SMALL)


def _letters(name: str) -> str:
    return _folded(name).translate(None, _BETWEEN).decode("ascii")


def _alone(name: str) -> re.Pattern[bytes]:
    # The letter comes before the look behind it, so that the search runs from one such letter to the next.
    first, rest = name[0], "".join(f"[\x01?]*{each}" for each in name[1:])
    return re.compile(rf"{first}(?:(?<![a-z0-9]{first})|(?<=\\[nrt]{first})){rest}(?![a-z0-9])".encode())
