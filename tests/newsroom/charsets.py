"""Encoding pages the way older Vietnamese sites still do."""

import re
import unicodedata

_TONE_MARKS = frozenset("\u0300\u0301\u0303\u0309\u0323")
_META = re.compile(r"<meta\b[^>]*\bcharset\s*=[^>]*>\s*", re.IGNORECASE)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_XML_ENCODING = re.compile(r"(<\?xml\b[^>]*?)\s+encoding=[\"'][^\"']*[\"']")
_CHARSET_PARAMETER = re.compile(r";\s*charset=\"?([^\";\s]+)\"?", re.IGNORECASE)


def encode_windows_1258(text: str) -> bytes:
    """Encode Vietnamese text, writing tones as combining marks where the code page has no whole letter."""
    return b"".join(
        _letter_1258(letter).encode("cp1258", "xmlcharrefreplace") for letter in unicodedata.normalize("NFC", text)
    )


def _letter_1258(letter: str) -> str:
    if letter.isascii() or _fits_1258(letter):
        return letter
    parts = unicodedata.normalize("NFD", letter)
    tones = "".join(part for part in parts if part in _TONE_MARKS)
    stem = unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONE_MARKS))
    return stem + tones if _fits_1258(stem) else letter


def _fits_1258(letter: str) -> bool:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True


def encode_text(text: str, charset: str) -> bytes:
    """Encode page text; letters the charset lacks become character references, as a CMS would write them."""
    if charset.lower() in ("windows-1258", "cp1258"):
        return encode_windows_1258(text)
    return text.encode(charset, "xmlcharrefreplace")


def declared_charset(content_type: str) -> str | None:
    """Return the charset a Content-Type names."""
    found = _CHARSET_PARAMETER.search(content_type)
    return found[1] if found else None


def with_header_charset(content_type: str, charset: str | None) -> str:
    """Return the Content-Type naming this charset instead, or none."""
    plain = _CHARSET_PARAMETER.sub("", content_type)
    return f"{plain}; charset={charset}" if charset else plain


def with_document_charset(text: str, charset: str | None) -> str:
    """Make the document itself declare this charset, or none, in its meta tag or XML declaration."""
    if text.startswith("<?xml"):
        declaration = rf'\1 encoding="{charset}"' if charset else r"\1"
        return _XML_ENCODING.sub(declaration, text, count=1)
    text = _META.sub("", text)
    if charset is None:
        return text
    return _HEAD.sub(lambda head: f'{head[0]}\n<meta charset="{charset}">', text, count=1)
