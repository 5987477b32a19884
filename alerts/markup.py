"""Outside text on its way into a message: steered by nothing, and markup in no format."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from alerts.message import Format
from tripoint.domain.text import one_line
from tripoint.domain.types import Marked

_LONGEST_LINE = 300
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")
_MENTION = re.compile(r"@(?=\w)")


def line(text: str, longest: int = _LONGEST_LINE) -> str:
    """Return outside text as one line of bearable length, without characters that steer or hide."""
    flat = one_line(text[: longest * 4])
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def words_only(text: str) -> str:
    """Return text in which nobody is called and nothing becomes a link by itself."""
    return _MENTION.sub("@\u200b", text).replace("://", ":\u200b//").replace("<!", "<\u200b!")


def escape_markdown(text: str) -> str:
    """Return text in which nothing means anything to Markdown; a mention or a bare link stays words."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text).replace("@", "@\u200b").replace("://", ":\u200b//")


def escape_html(text: str) -> str:
    """Return text in which nothing means anything to HTML, nor becomes a link or a call by itself."""
    return str(escape(words_only(text)))


def web_address(url: str) -> str:
    """Return a link with nothing in it that could end it or begin something else."""
    if not url.startswith(("http://", "https://")):
        return ""
    return re.sub(r"[\s<>\"'`()\[\]\\|]", lambda found: f"%{ord(found[0]):02X}", url)


def marker(form: Format) -> Callable[[Marked], Any]:
    """Return what writes a sentence in a format, its hits marked."""
    if form is Format.HTML:
        return lambda marked: Markup(_joined(marked, escape_html, "<b>", "</b>"))  # noqa: S704 - escaped
    return lambda marked: _joined(marked, escape_markdown if form is Format.MARKDOWN else words_only, "**", "**")


def _joined(marked: Marked, write: Callable[[str], str], before: str, after: str) -> str:
    text = "".join(" " if one_line(each) == "" else each for each in marked.text)  # no character moves
    parts: list[str] = []
    position = 0
    for start, end in marked.spans:
        if start < position:
            continue
        parts += [write(text[position:start]), before, write(text[start:end]), after]
        position = end
    return "".join([*parts, write(text[position:])])
