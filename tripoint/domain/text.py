"""Text rules that every room shares: one normal form, folding with a way back, sentences, and a content hash."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]+")
_SPACE = re.compile(r"\s+")
# Marks that only Vietnamese uses among the languages that we meet; é or ü alone prove nothing.
_VIETNAMESE = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯ\u1ea0-\u1ef9]")


def nfc(text: str) -> str:
    """Return the text with letters and marks composed, the form in which everything is stored."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Return outside text as one line in NFC, without characters that steer or hide."""
    return _SPACE.sub(" ", _CONTROL.sub(" ", nfc(text))).strip()


def content_hash(title: str, text: str) -> str:
    """Return a hash that is the same for the same words, whatever their spacing, marks' form or case."""
    words = _SPACE.sub(" ", f"{fold(title).text}\n{fold(text).text}").strip()
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


def has_vietnamese_marks(text: str) -> bool:
    """Return whether the text carries letters that mark it as Vietnamese."""
    return bool(_VIETNAMESE.search(text) or (not text.isascii() and _VIETNAMESE.search(nfc(text))))


def strip_marks(text: str) -> str:
    """Return the text without diacritics, đ as d."""
    bare = "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    return bare.replace("đ", "d").replace("Đ", "D")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that knows where each of its characters came from."""

    text: str
    cased: str  #: the same characters before case folding, to ask about capitals
    _starts: tuple[int, ...] | None  #: offset in the original of each character, None when they are equal
    _length: int  #: of the original

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that a folded span came from, marks that follow a letter included."""
        if self._starts is None:
            return start, end
        return self._starts[start], self._starts[end] if end < len(self._starts) else self._length


_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_QUOTES = "\u2018\u2019\u02bc\u2032"
_DROPPED = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_SINGLE = {ord(each): "-" for each in _HYPHENS} | {ord(each): "'" for each in _QUOTES}
_SINGLE |= {
    ord(each): " "
    for each in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"
}
_SPECIAL = re.compile(f"[{_DROPPED}\u0300-\u036f]")
_JOINING = "".join(chr(each) for each in range(0x250, 0x10000) if unicodedata.combining(chr(each)))
# Letters that are not in composed form by themselves, such as the Kelvin sign.
_ALONE = "".join(
    chr(each)
    for each in range(0x80, 0x30000)
    if not unicodedata.combining(chr(each)) and not unicodedata.is_normalized("NFC", chr(each))
)
_DROP = re.compile(f"[{_DROPPED}]")
# What joins the character before it, is dropped, or is not in composed form by itself.
_UNSETTLED = re.compile(f"[{_DROPPED}{_JOINING}{_ALONE}]+")
_VARIANT = re.compile("[" + "".join(re.escape(chr(each)) for each in _SINGLE) + "]")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}


def _new_placement() -> dict[str, str]:
    """Return òa → oà and its like: the older spelling of a tone, in lower case, to the newer one."""
    table = {}
    for first, second in ("oa", "oe", "uy"):
        for tone in _TONES:
            old = unicodedata.normalize("NFC", first + tone) + second
            table[old] = first + unicodedata.normalize("NFC", second + tone)
    return table


_PLACEMENT = _new_placement()
# Both begin with the rare letter, so that the search runs from one to the next.
_OLD_TONE = re.compile(r"(?:[òóỏõọ][ae]|[ùúủũụ](?<!q.)y)(?!\w)")
_Y_FOR_I = re.compile(r"[yýỳỷỹỵ](?<=[hklmst].)(?!\w)")
_I_OF_Y = dict(zip("yýỳỷỹỵ", "iíìỉĩị", strict=True))


def fold(text: str) -> Folded:
    """Return the text in small letters with one spelling for hyphens, spaces, tone placement and final i or y."""
    composed, starts = _compose(text)
    cased = _VARIANT.sub(lambda found: _SINGLE[ord(found[0])], composed)
    lowered = cased.lower()
    if len(lowered) != len(cased):  # İ and its like grow; folding one by one keeps the offsets
        lowered = "".join(each.lower() if len(each.lower()) == 1 else each for each in cased)
    lowered = _OLD_TONE.sub(lambda found: _PLACEMENT[found[0]], lowered)
    lowered = _Y_FOR_I.sub(lambda found: _I_OF_Y[found[0]], lowered)
    return Folded(lowered, cased, starts, len(text))


def _compose(text: str) -> tuple[str, tuple[int, ...] | None]:
    """Return the text composed and without invisible characters, and where each character came from."""
    if unicodedata.is_normalized("NFC", text) and not _SPECIAL.search(text):
        return text, None
    out: list[str] = []
    starts: list[int] = []
    position = 0
    for found in _UNSETTLED.finditer(text):  # the rest is copied
        start = max(position, found.start() - 1)  # with the letter that it may join
        out.append(text[position:start])
        starts.extend(range(position, start))
        cluster = text[start : found.end()]
        joined = unicodedata.normalize("NFC", _DROP.sub("", cluster))
        out.append(joined)
        if len(joined) == len(cluster):
            starts.extend(range(start, found.end()))
        else:
            starts.extend([start] * len(joined))
        position = found.end()
    out.append(text[position:])
    starts.extend(range(position, len(text)))
    return "".join(out), tuple(starts)


_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof gen lt col maj capt sgt adm brig sen rep gov pres amb st jr sr vs no inc ltd co corp dept"
    " jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k u.n e.g i.e a.m p.m ret hon rev tp ts ths gs pgs bs"
    " đ tr vd tp.hcm q p".split()
)
_END = re.compile(r"\n+|[.!?…]+[\"'”’»)\]]*(?=\s|$)|\.(?=[A-ZĐÀ-ỸƠƯ][a-zà-ỹđơư])")


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the span of each sentence; a line break always ends one, an abbreviation or an initial never."""
    spans: list[tuple[int, int]] = []
    start = 0
    for found in _END.finditer(text):
        if found[0][0] == "." and _is_abbreviation(text, start, found):
            continue
        _add(spans, text, start, found.end())
        start = found.end()
    _add(spans, text, start, len(text))
    return spans


def _is_abbreviation(text: str, start: int, found: re.Match[str]) -> bool:
    if len(found[0]) > 1:
        return False
    end = found.start()
    after = text[end + 1 : end + 3].lstrip()
    if after[:1].islower():
        return True
    head = text[max(start, end - 20) : end]
    begin = len(head)
    while begin and (head[begin - 1].isalnum() or head[begin - 1] == "."):
        begin -= 1
    last = head[begin:]
    if not last:
        return False
    is_initial = last[-1].isupper() and (len(last) == 1 or last[-2] == ".")
    return is_initial or last.lower() in _ABBREVIATIONS


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))


def sentence_at(spans: list[tuple[int, int]], offset: int) -> int:
    """Return the index of the sentence in which an offset lies, or of the one before it."""
    return max(0, bisect_right(spans, offset, key=lambda span: span[0]) - 1)
