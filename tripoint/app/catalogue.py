"""The catalogue as files: one entry changed in place, entries added, and OPML in and out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from crawler.discover import Discovery
from crawler.markup import parse_xml
from tripoint.domain.errors import MendError
from tripoint.domain.text import one_line, slug
from tripoint.domain.types import Found, Source

IMPORTED = "imported.toml"


def set_key(text: str, name: str, key: str, value: str) -> str | None:
    """Return a catalogue file's text with a key of one entry set, None if the entry is not in it."""
    lines = text.split("\n")
    heads = [place for place, line in enumerate(lines) if re.match(r"\s*\[\[\s*source\s*\]\]", line)]
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        block = range(start + 1, end)
        if not any(re.match(rf"""\s*name\s*=\s*["']{re.escape(name)}["']\s*(?:#.*)?$""", lines[at]) for at in block):
            continue
        for at in block:
            if re.match(rf"\s*{key}\s*=", lines[at]):
                lines[at] = f"{key} = {value}"
                return "\n".join(lines)
        named = next(at for at in block if re.match(r"\s*name\s*=", lines[at]))
        lines.insert(named + 1, f"{key} = {value}")
        return "\n".join(lines)
    return None


def set_in_folder(folder: Path, name: str, key: str, value: str) -> Path | None:
    """Set a key of one source in the file that holds it; return that file."""
    for file in sorted((folder / "sources").rglob("*.toml")):
        changed = set_key(file.read_text(encoding="utf-8"), name, key, value)
        if changed is not None:
            beside = file.with_suffix(".new")
            beside.write_text(changed, encoding="utf-8")
            beside.replace(file)
            return file
    return None


def as_toml(sources: Iterable[Source]) -> str:
    """Return entries as a catalogue file has them."""
    blocks = []
    for each in sources:
        lines = ["[[source]]"]
        texts = ("name", "outlet", "language", "country", "timezone", "homepage")
        lists = [key for key in ("feeds", "sitemaps", "sections") if getattr(each, key)]
        lines += [f"{key} = {_toml(getattr(each, key))}" for key in texts]
        lines += [f"kind = {_toml(each.kind)}"] if each.kind else []
        lines += [f"{key} = [{', '.join(map(_toml, getattr(each, key)))}]" for key in lists]
        lines += [f"archives = [{', '.join(map(_toml, each.archives))}]"] if each.archives else []
        lines += [f"{key} = {_toml(getattr(each, key))}" for key in ("search", "search_link") if getattr(each, key)]
        lines += [f"verified = {'true' if each.verified else 'false'}", f"learned = {_toml(each.learned)}"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a TOML basic string has JSON's escapes


def append(folder: Path, sources: Sequence[Source]) -> Path:
    """Add entries to the file of those that were added by hand; return it."""
    file = folder / "sources" / IMPORTED
    before = file.read_text(encoding="utf-8").rstrip() + "\n\n" if file.exists() else ""
    beside = file.with_suffix(".new")
    beside.write_text(before + as_toml(sources), encoding="utf-8")
    beside.replace(file)
    return file


def to_opml(sources: Iterable[Source]) -> str:
    """Return the feeds of a catalogue as OPML 2.0, as every feed reader imports it."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">', "<head><title>Tripoint</title></head>"]
    lines.append("<body>")
    for each in sources:
        for feed in each.feeds:
            said = {
                "type": "rss",
                "text": each.outlet,
                "title": each.outlet,
                "xmlUrl": feed,
                "htmlUrl": each.homepage,
                "language": each.language,
            }
            lines.append(f"<outline {' '.join(f'{key}={quoteattr(value)}' for key, value in said.items())}/>")
    return "\n".join([*lines, "</body>", "</opml>"]) + "\n"


def from_opml(
    body: bytes, known: Sequence[Source], *, language: str, country: str, timezone: str
) -> tuple[list[Source], int]:
    """Return the feeds of an OPML file that the catalogue lacks, as sources, and how many it has already.

    Raises `MendError` where there is no feed in it.
    """
    try:
        tree = parse_xml(body)
    except (SyntaxError, ValueError) as error:  # lxml's own is a SyntaxError
        raise MendError(f"no OPML: {one_line(str(error))}", "export it again from your reader") from error
    feeds = {feed for each in known for feed in each.feeds}
    names = {each.name for each in known}
    found: list[Source] = []
    listed = present = 0
    for outline in tree.iter("outline"):
        feed = (outline.get("xmlUrl") or outline.get("xmlurl") or "").strip()
        if not _is_web_address(feed):
            continue
        listed += 1
        if feed in feeds:
            present += 1
            continue
        feeds.add(feed)
        homepage = (outline.get("htmlUrl") or "").strip()
        parts = urlsplit(feed)
        homepage = homepage if _is_web_address(homepage) else f"{parts.scheme}://{parts.netloc}/"
        outlet = one_line(outline.get("title") or outline.get("text") or "")[:80] or str(parts.hostname)
        name = _name(outlet, names)
        names.add(name)
        said = (outline.get("language") or "")[:2].lower()
        chosen = said if re.fullmatch(r"[a-z]{2}", said) else language
        found.append(Source(name, outlet, chosen, country, timezone, homepage, (feed,), learned="imported from OPML"))
    if not listed:
        raise MendError("no feed in it: not one <outline> has an xmlUrl", "name an OPML file of feeds")
    return found, present


def source_of(found: Discovery, known: Sequence[Source], said: tuple[str, str, str], place: tuple[str, str]) -> Source:
    """Return an entry for what was found; `said` is name, outlet and language, each empty to take the site's own.

    Raises `MendError` where its listings are known, or its language is neither said nor found.
    """
    name, outlet, language = said
    listed = {each.url for each in found.listings}
    for each in known:
        if listed & {url for _, url in each.listings}:
            raise MendError(f"{each.name} has it already", f"tripoint sources show {each.name}")
    if name and name in {each.name for each in known}:
        raise MendError(f"the name {name} is taken", "choose another with --name")
    language = language or found.language
    if not re.fullmatch(r"[a-z]{2}", language):
        raise MendError(f"{found.url} does not say its language", "say it with --language, such as vi")
    outlet = outlet or found.name or str(urlsplit(found.url).hostname)
    name = name or _name(outlet, {each.name for each in known})
    feeds = tuple(each.url for each in found.listings if each.kind is Found.FEED)
    sitemaps = tuple(each.url for each in found.listings if each.kind is Found.SITEMAP)
    parts = urlsplit(found.url)
    homepage = f"{parts.scheme}://{parts.netloc}/"
    learned = "found by `sources add`"
    return Source(name, outlet, language, *place, homepage, feeds, sitemaps, learned=learned)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url)


def _name(outlet: str, taken: set[str]) -> str:
    stem = slug(outlet)[:40] or "source"
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name
