"""Telling a page that only a script could write from one that is merely short or broken."""

from __future__ import annotations

import re

from lxml import etree, html

_ROOTS = etree.XPath(
    "//*[@id='root' or @id='app' or @id='__next' or @id='__nuxt' or @id='gatsby-focus-wrapper' or @id='main-app'"
    " or @id='svelte' or @id='q-app' or @data-reactroot or @ng-app or @ng-version] | //app-root"
)
_ROOT_CHARACTERS = 200  # a shell may hold a spinner and a line of text
_ASKS = re.compile(
    r"(?:enable|turn on|requires?|need(?:s|ed)?|activate|without)\s+(?:\w+\s+){0,4}java\s?script"
    r"|java\s?script\s+(?:\w+\s+){0,4}(?:enabled|required|disabled|is off|turned off)"
    r"|(?:bật|cần|kích hoạt|hỗ trợ|yêu cầu)\s+(?:\S+\s+){0,4}java\s?script"
    r"|(?:включите|требуется|необходим\w*)\s+(?:\S+\s+){0,4}java\s?script",
    re.IGNORECASE,
)
_MANY_TIMES = 20  # as many characters of scripts as of text
_MUCH_SCRIPT = 3_000


def needs_script(tree: html.HtmlElement) -> str:
    """Return what says that scripts are to write a page, "" where nothing does; asked of pages with little text."""
    scripts = list(tree.iter("script"))
    if not any(each.get("src") or (each.text or "").strip() for each in scripts if _runs(each)):
        return ""
    if asks := next((found[0] for each in tree.iter("noscript") if (found := _ASKS.search(each.text_content()))), ""):
        return f'it says "{" ".join(asks.split())[:60]}"'
    for root in _ROOTS(tree):
        if len(_visible(root)) < _ROOT_CHARACTERS:
            name = f"#{root.get('id')}" if root.get("id") else f"<{root.tag}>"
            return f"its {name} is empty"
    shown = _visible(tree)
    if found := _ASKS.search(shown[:2000]):
        return f'it says "{" ".join(found[0].split())[:60]}"'
    written = sum(len(each.text or "") for each in scripts if _runs(each))
    if written > max(_MUCH_SCRIPT, _MANY_TIMES * len(shown)):
        return f"{written} characters of scripts and {len(shown)} of text"
    return ""


def _runs(script: html.HtmlElement) -> bool:
    """Return whether a script element is a program; JSON-LD and the like are data."""
    kind = str(script.get("type", "")).lower()
    return kind in {"", "module"} or "javascript" in kind


def _visible(element: html.HtmlElement) -> str:
    parts = element.xpath(
        ".//text()[not(ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]"
    )
    return " ".join(" ".join(str(each) for each in parts).split())
