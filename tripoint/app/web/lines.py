"""Lines that the archive keeps in English, said in the reader's language: why, since when, what is new.

They are stored as they were decided, so that the record holds; a page in another language says them by their forms.
What a server or an outlet said stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from alerts.phrases import words
from tripoint.app.web.phrases import phrases
from tripoint.stories.wording import ENGLISH

_FIELD = re.compile(r"\{(\w+)\}")
_PREFIX = "line."
_BETWEEN = "; "
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def own_words(text: str, language: str) -> str:
    """Return a line of ours in a language; each part of it that has no form of ours stays as it is."""
    if language == "en" or not text:
        return text
    return _whole(text, language) or _BETWEEN.join(_whole(each, language) or each for each in text.split(_BETWEEN))


def _whole(text: str, language: str) -> str | None:
    for form, said in _forms(language):
        if found := form.fullmatch(text):
            values = {name: own_words(value, language) for name, value in found.groupdict().items()}
            if month := values.get("month_name"):
                values["month"] = str(_MONTHS.index(month) + 1) if month in _MONTHS else month
            return said.format_map(values)
    return None


@cache
def _forms(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the forms that have the most words of their own first: the others would match them too."""
    pairs = sorted(_pairs(language), key=lambda each: -len(_FIELD.sub("", each[0])))
    return tuple((_pattern(english), said) for english, said in pairs)


def _pairs(language: str) -> Iterator[tuple[str, str]]:
    theirs = words(language)
    yield from ((english, theirs[name]) for name, english in ENGLISH.items())
    english, here = phrases("en").of, phrases(language).of
    yield from ((english[key], here[key]) for key in english if key.startswith(_PREFIX))


def _pattern(english: str) -> re.Pattern[str]:
    parts = _FIELD.split(english)
    written = [re.escape(each) if place % 2 == 0 else f"(?P<{each}>.+?)" for place, each in enumerate(parts)]
    return re.compile("".join(written), re.DOTALL)
