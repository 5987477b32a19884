"""Text rules that every room shares: one normal form, folding with a way back, sentences, and a content hash."""

from __future__ import annotations

import codecs
import hashlib
import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]+")
_SPACE = re.compile(r"\s+")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
# Letters that only Vietnamese uses, and each sentence of it: â, ê and ô are French too, ă is Romanian, đ Croatian.
_VIETNAMESE = re.compile(r"[ơưƠƯ\u1ea0-\u1ef9]")


def is_nfc(text: str) -> bool:
    """Return whether letters and marks are composed already."""
    return unicodedata.is_normalized("NFC", text)


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


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that knows where each of its characters came from."""

    text: str
    cased: str  #: the same characters before case folding, to ask about capitals
    _shifts: _Shifts | None  #: None when every offset is the same in both

    @property
    def is_composed(self) -> bool:
        """Whether the original's letters and marks are composed, with nothing between them that is never seen."""
        return self._shifts is None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that a folded span came from, marks that follow a letter included."""
        if self._shifts is None:
            return start, end
        return self._shifts.original(start), self._shifts.original(end)


class _Shifts:
    """Where folded text and original part ways; between two such places both run alike."""

    def __init__(self) -> None:
        self._folded: list[int] = []
        self._original: list[int] = []

    def add(self, folded: int, original: int) -> None:
        """Say that from one folded offset on, the original runs on from another."""
        self._folded.append(folded)
        self._original.append(original)

    def original(self, offset: int) -> int:
        """Return the original's offset for a folded one."""
        place = bisect_right(self._folded, offset) - 1
        return self._original[place] + offset - self._folded[place]


_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_QUOTES = "\u2018\u2019\u02bc\u2032"
_DOUBLE_QUOTES = "\u201c\u201d\u00ab\u00bb"
_DROPPED = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_SINGLE = {ord(each): "-" for each in _HYPHENS} | {ord(each): "'" for each in _QUOTES}
_SINGLE |= {
    ord(each): " "
    for each in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"
}
_SPECIAL = re.compile(f"[{_DROPPED}\u0300-\u036f]")


def _class(codes: Iterable[int]) -> str:
    """Return characters as the inside of a regular expression's set, runs as ranges, for single ones are slow there."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


_JOINING = _class(code for code in range(0x250, 0x10000) if unicodedata.combining(chr(code)))
_MARK = re.compile(f"[{_JOINING}]+")
# Letters that are not in composed form by themselves, such as the Kelvin sign.
_ALONE = _class(
    code
    for code in range(0x80, 0x30000)
    if not unicodedata.combining(chr(code)) and not unicodedata.is_normalized("NFC", chr(code))
)
_DROP = re.compile(f"[{_DROPPED}]")
# What joins the character before it, is dropped, or is not in composed form by itself.
_UNSETTLED = re.compile(f"[{_DROPPED}{_JOINING}{_ALONE}]+")
_VARIANT = re.compile("[" + "".join(re.escape(chr(each)) for each in _SINGLE) + "]")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}


def strip_marks(text: str) -> str:
    """Return the text without diacritics, đ as d."""
    if text.isascii():
        return text
    return _MARK.sub("", unicodedata.normalize("NFD", text)).replace("đ", "d").replace("Đ", "D")


def slug(text: str) -> str:
    """Return the text as addresses have it: small unmarked letters and digits, a hyphen between the words."""
    return _NO_SLUG.sub("-", strip_marks(text).lower()).strip("-")


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
_OLD_TONE = re.compile(r"[òóỏõọùúủũụ](?:(?<=[òóỏõọ])[ae]|(?<=[ùúủũụ])(?<!q.)y)(?!\w)")
_Y_FOR_I = re.compile(r"[yýỳỷỹỵ](?<=[hklmst].)(?!\w)")
_PLAIN_Y_FOR_I = re.compile(r"y(?<=[hklmst].)(?!\w)")  # a single letter to search for, which takes a fifth of the time
_I_OF_Y = dict(zip("yýỳỷỹỵ", "iíìỉĩị", strict=True))


def fold(text: str) -> Folded:
    """Return the text in small letters with one spelling for hyphens, spaces, tone placement and final i or y."""
    composed, shifts = _compose(text)
    cased = _VARIANT.sub(lambda found: _SINGLE[ord(found[0])], composed)
    lowered = cased.lower()
    if len(lowered) != len(cased):  # İ and its like grow; folding one by one keeps the offsets
        lowered = "".join(each.lower() if len(each.lower()) == 1 else each for each in cased)
    if not lowered.isascii():
        lowered = _OLD_TONE.sub(lambda found: _PLACEMENT[found[0]], lowered)
    lowered = _Y_FOR_I.sub(lambda found: _I_OF_Y[found[0]], lowered)
    return Folded(lowered, cased, shifts)


_BASES = "".join(
    chr(code)
    for first, last in ((0xC0, 0x250), (0x1E00, 0x1F00))
    for code in range(first, last)
    if unicodedata.decomposition(chr(code)) and unicodedata.normalize("NFD", chr(code))[0].isascii()
)
_MARKED = {
    base: f"[{base}{''.join(each for each in _BASES if unicodedata.normalize('NFD', each)[0] == base)}]"
    for base in "aeiouy"
} | {"d": "[dđ]"}


def marked(pattern: str) -> str:
    """Return a pattern of unmarked small words so that it finds them with any marks too, in composed text."""
    return "".join(_MARKED.get(each, each) for each in pattern)


_WITHOUT_BASE = re.compile(f"[^\\x00-\\x7f{_class(map(ord, _BASES))}]+")

_FOREIGN = re.compile("[^\\x00-\\x7f\u0300-\u036f]")


def unmark(text: str) -> Folded:
    """Return the text as `fold` does and without diacritics, so that what is read is the same with and without them.

    It is all ASCII: a letter without a Latin base becomes q, and what is neither a letter nor a quotation mark *.
    """
    shifts = None
    cased = _unmarked_at_once(text)
    if cased is None:
        composed, shifts = _compose(text)
        cased = _unmarked_at_once(composed)
        if cased is None:
            cased = _bare(composed)
    return Folded(_PLAIN_Y_FOR_I.sub("i", cased.lower()), cased, shifts)


def _bare(text: str) -> str:
    """Return composed text without diacritics, whatever characters it has."""
    text = _VARIANT.sub(lambda found: _SINGLE[ord(found[0])], text)
    text = text.replace("đ", "d").replace("Đ", "D").replace("“", '"').replace("”", '"').replace("…", "*")
    apart = unicodedata.normalize("NFD", text)
    if not _FOREIGN.search(apart):  # asked of few ranges first: most texts have nothing else
        bare = apart.encode("ascii", "ignore").decode("ascii")
        if len(bare) == len(text):  # no mark stood by itself
            return bare
    text = _WITHOUT_BASE.sub(_foreign, text)
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode("ascii")


def _foreign(found: re.Match[str]) -> str:
    return "".join('"' if each in _DOUBLE_QUOTES else "q" if each.isalnum() else "*" for each in found[0])


# Nearly every text has no other characters than these, which a table of one byte each can hold: ASCII as it is printed,
# the letters of Vietnamese, and the commonest of typography and of foreign names. The codec's table wants NUL first.
_COMMON = "".join(
    dict.fromkeys(
        "\0\t\n\r"
        + "".join(map(chr, range(0x20, 0x7F)))
        + "".join(
            unicodedata.normalize("NFC", letter + tone)
            for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
            for tone in ("", *sorted(_TONES))
        )
        + "đĐ–—…“”‘’«»\u00a0\u2011•£€©™üöñçëäï"
    )
)
_CODES = codecs.charmap_build(_COMMON.ljust(256, "\ufffe"))
_MOST_UNCOMMON = 12
_PLAIN = "".join(map(_bare, _COMMON)).encode("ascii").ljust(256, b"*")


def _unmarked_at_once(text: str) -> str | None:
    """Return a text without diacritics, as `_bare` of the composed text does and a fifth of its time, or None.

    None where it may not be composed, or has more than a few characters that are not common.
    """
    if text.isascii():
        return text
    for _ in range(_MOST_UNCOMMON):
        try:
            return codecs.charmap_encode(text, "strict", _CODES)[0].translate(_PLAIN).decode("ascii")
        except UnicodeEncodeError as error:
            uncommon = text[error.start]
            plain = _plain(uncommon)
            if not plain:
                return None
            text = text.replace(uncommon, plain)
    return None


@lru_cache(maxsize=1024)
def _plain(character: str) -> str:
    """Return a character without diacritics, or nothing where it may join its neighbours or be dropped."""
    if not (character < "\u0250" or "\u2010" <= character < "\u2c00") or _UNSETTLED.match(character):
        return ""  # what is left are letters and signs that stand for themselves
    return _bare(character)


def _compose(text: str) -> tuple[str, _Shifts | None]:
    """Return the text composed and without invisible characters, and where its offsets part from the original's."""
    if unicodedata.is_normalized("NFC", text) and not _SPECIAL.search(text):
        return text, None
    out: list[str] = []
    shifts = _Shifts()
    shifts.add(0, 0)
    position = length = 0
    for found in _UNSETTLED.finditer(text):  # the rest is copied
        start = max(position, found.start() - 1)  # with the letter that it may join
        cluster = text[start : found.end()]
        joined = _joined(cluster)
        out.append(text[position:start])
        out.append(joined)
        length += start - position
        position = found.end()
        if len(joined) != len(cluster):
            for _ in joined:
                shifts.add(length, start)
                length += 1
            shifts.add(length, position)
        else:
            length += len(joined)
    out.append(text[position:])
    return "".join(out), shifts


@lru_cache(maxsize=4096)
def _joined(cluster: str) -> str:
    """Return a letter with its marks composed; a language has few of them, and asks for each again and again."""
    return unicodedata.normalize("NFC", _DROP.sub("", cluster))


_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof gen lt col maj capt sgt adm brig sen rep gov pres amb st jr sr vs no inc ltd co corp dept"
    " jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k u.n e.g i.e a.m p.m ret hon rev tp ts ths gs pgs bs"
    " đ tr vd tp.hcm q p".split()
)
_LATIN = [chr(code) for code in range(0x41, 0x1EFA) if code < 0x250 or code >= 0x1E00]
_CAPITALS = "".join(each for each in _LATIN if each.isupper())  # of a range such as À-Ỹ half are small letters
_SMALLS = "".join(each for each in _LATIN if each.islower())
# All alternatives begin with one set, so that the search runs from one such character to the next.
_END = re.compile(
    rf"[\n.!?…](?:(?<=\n)\n*|(?<!\n)[.!?…]*[\"'”’»)\]]*(?:\n+|(?=\s|$))|(?<=\.)(?=[{_CAPITALS}][{_SMALLS}]))"
)
_BLANKS = frozenset(" \n\t")
_LONGER_THAN_ANY = 8  # letters: no abbreviation has so many


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the span of each sentence; a line break always ends one, an abbreviation or an initial never."""
    spans: list[tuple[int, int]] = []
    start = 0
    for found in _END.finditer(text):
        first, end = found.span()
        # What a line break follows ends there, abbreviation or not.
        if end - first == 1 and text[first] == "." and _is_abbreviation(text, start, first):
            continue
        _add(spans, text, start, end)
        start = end
    _add(spans, text, start, len(text))
    return spans


def _is_abbreviation(text: str, start: int, dot: int) -> bool:
    """Return whether a full stop with a blank or a capital behind it belongs to the word before it."""
    if text[dot + 2 : dot + 3].islower() and text[dot + 1].isspace():
        return True
    if dot - start >= _LONGER_THAN_ANY and text[dot - _LONGER_THAN_ANY : dot].isalpha():
        return False
    last = text[max(start, dot - 20, text.rfind(" ", start, dot) + 1) : dot]
    if not last.isalnum():
        begin = len(last)
        while begin and (last[begin - 1].isalnum() or last[begin - 1] == "."):
            begin -= 1
        last = last[begin:]
        if not last:
            return False
    is_initial = last[-1].isupper() and (len(last) == 1 or last[-2] == ".")
    return is_initial or last.lower() in _ABBREVIATIONS


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add a span without the blanks around it, unless nothing is left; nearly always one stands before it."""
    if start < end and text[start] in _BLANKS:
        start += 1
    if start < end and text[end - 1] == "\n":
        end -= 1
    if start >= end:
        return
    if text[start].isspace() or text[end - 1].isspace():
        whole = text[start:end]
        start = end - len(whole.lstrip())
        end -= len(whole) - len(whole.rstrip())
        if start >= end:
            return
    spans.append((start, end))


def sentence_with(starts: Sequence[int], offset: int) -> tuple[int, int]:
    """Return the index of the sentence in which an offset lies, and the offset from which on it is another one.

    `starts` says where each sentence begins; what stands before the first is counted to it.
    """
    index = max(0, bisect_right(starts, offset) - 1)
    return index, starts[index + 1] if index + 1 < len(starts) else sys.maxsize
