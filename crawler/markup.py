"""Bytes to a tree: the charset that a page really has, and a parser that no entity or depth can harm."""

from __future__ import annotations

import codecs
import re

from lxml import etree, html

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""")
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# What browsers mean by a label (WHATWG Encoding, 4.2).
_ALIASES = {"iso-8859-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252", "unicode": "utf-16"}
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# What lxml.html makes of elements, but for forms and their fields, whose classes it looks up in Python for each element
# of a page: a tenth of the time of reading it.
_CLASSES = etree.ElementDefaultClassLookup(
    element=html.HtmlElement,
    comment=html.HtmlComment,
    pi=html.HtmlProcessingInstruction,
    entity=html.HtmlEntity,
)


def _known(label: str) -> str:
    name = _ALIASES.get(label.lower(), label.lower())
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def decode(body: bytes, content_type: str = "") -> str:
    """Return the text of a page: by its mark, else UTF-8 where it fits, else as declared, else what loses least."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    header = _HEADER_CHARSET.search(content_type)
    inside = _META_CHARSET.search(body, 0, 4096) or _XML_ENCODING.search(body)
    declared = [_known(header[1]) if header else "", _known(inside[1].decode("ascii")) if inside else ""]
    if sparse := _utf16_without_mark(body):
        declared.insert(0, sparse)
    elif "utf-16" in declared[1]:
        declared[1] = ""  # whoever could read that label was not reading UTF-16
    try:
        # Hardly any text in another charset is valid UTF-8 by chance, so what fits is believed before any label.
        if not sparse:
            return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    tried = [body.decode(name, "replace") for name in dict.fromkeys([*declared, "utf-8", "cp1258"]) if name]
    return min(tried, key=lambda text: (text.count("\ufffd"), tried.index(text)))


def _utf16_without_mark(body: bytes) -> str:
    """Return the byte order of UTF-16 that came without a mark: every other byte of markup is zero."""
    head = body[:200]
    if len(head) < 20:
        return ""
    if head[1::2].count(0) > len(head) * 0.4:
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > len(head) * 0.4 else ""


def parse_html(text: str, url: str = "") -> html.HtmlElement | None:
    """Return the tree of a page, or None where there is nothing to parse."""
    text = _XML_DECLARATION.sub("", text.replace("\x00", ""), count=1)
    if not text.strip():
        return None
    # Comments go: React leaves one between any two pieces of text, and extractors drop what follows a comment.
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=False)
    parser.set_element_class_lookup(_CLASSES)
    try:
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser, base_url=url or None)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return tree


def parse_xml(body: bytes) -> etree._Element:
    """Return the tree of an XML document; entities and outside files are never read.

    Raises `etree.XMLSyntaxError` where not even a damaged tree can be made of it.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    tree = etree.fromstring(body, parser)
    if tree is None:
        raise etree.XMLSyntaxError("no element in it", 0, 1, 1)
    return tree
