"""What of a text says which event it tells: words, names, numbers, dates, models and glossary terms.

Words compare within a language; the rest is written alike in both once marks, hyphens and the two ways to write numbers
and dates are taken out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tripoint.domain.text import fold, nfc, strip_marks

_TOKEN = re.compile(r"(?:[A-Z]\.){2,}|\d+(?:[.,/]\d+)+|[^\W_]+(?:[-‑–'’][^\W_]+)*|[.!?…\n]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}))?")
_MODEL = re.compile(r"[^\W\d_](?=[^\W_]*\d)[^\W_]{1,9}")
_PLURAL = re.compile(r"['’]s$|(?<=[\dA-Z])s$")  # "F-16s", "Mi-35M's"
_SHORT = re.compile(r"(\d+(?:[.,]\d+)?)(k|m|mn|bn|tn)")
_ENDS = frozenset(".!?…\n")
_HYPHENS = re.compile(r"[-‑–'’]")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
_DATED = frozenset({*_MONTHS, "tháng", "thứ", "giờ", "năm"})
_WEEKDAYS = {"monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6}
_THU = {"hai": 0, "ba": 1, "tư": 2, "năm": 3, "sáu": 4, "bảy": 5, "nhật": 6}
_SPELLED = {
    "en": {word: n for n, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), 2)},
    "vi": {word: n for n, word in enumerate("hai ba bốn năm sáu bảy tám chín mười".split(), 2)},
}
_SCALE = {
    "en": {"thousand": 10**3, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9, "trillion": 10**12},
    "vi": {"nghìn": 10**3, "ngàn": 10**3, "triệu": 10**6, "tỷ": 10**9, "tỉ": 10**9},
}
_SHORT_SCALE = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9, "tn": 10**12}
# Letters that one language writes otherwise than the other, where the sound is one.
_SOUNDS = (
    ("sh", "s"), ("ch", "c"), ("kh", "k"), ("ph", "f"), ("th", "t"), ("gh", "g"), ("zh", "g"), ("ck", "k"), ("x", "s"),
    ("c", "k"), ("q", "k"), ("w", "v"), ("y", "i"), ("z", "s"), ("j", "g"), ("h", ""),
)  # fmt: skip
_DOUBLE = re.compile(r"(.)\1+")
_LEAST_NAME = 4  # letters: shorter ones are syllables of Vietnamese and initials
_SUFFIXES = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ers", "ed", "es", "er", "ly", "s", "e")
_LEAST_STEM = 4


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number as it stands, and without case and marks of compatibility."""

    text: str
    folded: str
    begins: bool  #: first of its sentence

    @property
    def is_capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[:1].isupper()


def tokens(text: str) -> list[Token]:
    """Return the words and numbers of a text."""
    found: list[Token] = []
    begins = True
    for match in _TOKEN.finditer(nfc(text)):
        piece = match.group()
        if piece in _ENDS:
            begins = True
            continue
        if piece.endswith("."):  # "U.S."
            piece = piece.replace(".", "")
        found.append(Token(piece, piece.lower() if piece.isascii() else fold(piece).text, begins))
        begins = False
    return found


def stem(word: str) -> str:
    """Return an English word without its endings, roughly: enough to compare, not to show."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _LEAST_STEM:
            return word[: -len(suffix)]
    return word


def words(found: Sequence[Token], language: str) -> Iterator[str]:
    """Yield what compares within a language: English stems; Vietnamese syllables and pairs of them."""
    before = ""
    for token in found:
        if token.folded[0].isdigit():
            before = ""
        elif language == "vi":
            yield token.folded
            if before and not token.begins:
                yield f"{before} {token.folded}"
            before = token.folded
        else:
            yield stem(token.folded)


def sound(name: str) -> str:
    """Return a name as it sounds, roughly: "Pu-tin" and "Putin", "Sôi-gu" and "Shoigu" are one."""
    bare = strip_marks(_HYPHENS.sub("", name)).lower()
    for written, said in _SOUNDS:
        bare = bare.replace(written, said)
    return _DOUBLE.sub(r"\1", bare)


def names(found: Sequence[Token]) -> Iterator[str]:
    """Yield capitalised words by their sound; those that begin a sentence too, since titles are full of them."""
    for token in found:
        if not token.is_capital or any(each.isdigit() for each in token.text):
            continue
        parts = _HYPHENS.split(token.folded.removesuffix("'s").removesuffix("’s"))
        joined = "".join(parts)
        if len(strip_marks(joined)) >= _LEAST_NAME:
            yield sound(joined)
        if len(parts) > 1:
            yield from (sound(each) for each in parts if len(strip_marks(each)) >= _LEAST_NAME)


def models(found: Sequence[Token]) -> Iterator[str]:
    """Yield what mixes letters and digits, without hyphens: mi35m, s400, f16."""
    for token in found:
        joined = _HYPHENS.sub("", strip_marks(_PLURAL.sub("", token.text))).lower()
        if _MODEL.fullmatch(joined):
            yield joined
    for one, two in itertools.pairwise(found):  # "F 16", "Su 35"
        if one.text.isupper() and len(one.text) <= 3 and two.text.isdigit() and len(two.text) <= 3:
            yield one.folded + two.text


def dates(found: Sequence[Token], language: str, published: datetime) -> Iterator[tuple[int, int]]:
    """Yield month and day of what is dated: by numbers, by month, by weekday, today and yesterday."""
    for at, token in enumerate(found):
        if slashed := _SLASHED.fullmatch(token.text):
            day, month = int(slashed[1]), int(slashed[2])
            if language == "vi" and 1 <= month <= 12 and 1 <= day <= 31:
                yield month, day
        elif language == "vi":
            yield from _vietnamese_date(found, at, published)
        else:
            yield from _english_date(found, at, published)


def _vietnamese_date(found: Sequence[Token], at: int, published: datetime) -> Iterator[tuple[int, int]]:
    here = [each.folded for each in found[at : at + 4]]
    match here:
        case ["ngày", day, "tháng", month] if day.isdigit() and month.isdigit() and int(month) <= 12:
            yield int(month), int(day)
        case ["hôm", "nay", *_] | ["sáng", "nay", *_] | ["chiều", "nay", *_]:
            yield published.month, published.day
        case ["hôm", "qua", *_]:
            yield _day(published - timedelta(days=1))
        case ["thứ", name, *_] if name in _THU and name != "nhật":
            yield _day(_weekday_before(published, _THU[name]))
        case ["chủ", "nhật", *_]:
            yield _day(_weekday_before(published, 6))


def _english_date(found: Sequence[Token], at: int, published: datetime) -> Iterator[tuple[int, int]]:
    word = found[at].folded
    if word in _MONTHS and found[at].is_capital:
        for near in (found[at + 1 : at + 2], found[max(0, at - 1) : at]):
            day = re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", near[0].folded) if near else ""
            if day.isdigit() and 1 <= int(day) <= 31:
                yield _MONTHS[word], int(day)
                return
    elif word in _WEEKDAYS:
        yield _day(_weekday_before(published, _WEEKDAYS[word]))
    elif word == "today":
        yield _day(published)
    elif word == "yesterday":
        yield _day(published - timedelta(days=1))


def _weekday_before(published: datetime, weekday: int) -> datetime:
    return published - timedelta(days=(published.weekday() - weekday) % 7)


def _day(moment: datetime) -> tuple[int, int]:
    return moment.month, moment.day


def numbers(found: Sequence[Token], language: str) -> Iterator[str]:
    """Yield numbers as digits, thousands and decimals by the language's way, times "million" and "triệu"."""
    scales, spelled = _SCALE.get(language, {}), _SPELLED.get(language, {})
    for at, token in enumerate(found):
        after = found[at + 1].folded if at + 1 < len(found) else ""
        value = _value(token.text, language)
        if value is None and (token.folded in spelled and (language == "en" or after in scales)):
            value = float(spelled[token.folded])
        before = found[at - 1].folded if at else ""
        if value is None or after in _DATED or before in _DATED or before == "ngày":
            continue
        value *= scales.get(after, 1)
        yield str(int(value)) if value.is_integer() else f"{value:.10g}"


def _value(text: str, language: str) -> float | None:
    if short := _SHORT.fullmatch(text.lower()):
        value = _value(short[1], language)
        return None if value is None else value * _SHORT_SCALE[short[2]]
    if not _NUMBER.fullmatch(text):
        return None
    thousands, decimal = (".", ",") if language == "vi" else (",", ".")
    whole, _, part = text.partition(decimal)
    groups = whole.split(thousands)
    if len(groups) > 1 and not all(len(each) == 3 for each in groups[1:]):
        whole, part = text.replace(",", ".").split(".", 1)  # written the other language's way
        groups = [whole]
        if not part.isdigit():
            return None
    if part and not part.isdigit():
        return None
    return float("".join(groups) + ("." + part if part else ""))
