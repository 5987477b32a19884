"""Which addresses are an outlet's own: a site may hold several papers, and a paper several hosts."""

from __future__ import annotations

from urllib.parse import urlsplit

from tripoint.domain.types import Source
from tripoint.domain.urls import canonical_url, host, is_local


def site_of(url: str) -> str:
    """Return host and port without the names that mobile and AMP sisters bear."""
    return canonical_url(url).split("/")[2] if host(url) else ""


def is_own(url: str, source: Source) -> bool:
    """Return whether an address is the outlet's: on its site or below it, and below its folder where it has one.

    The hosts of its feeds do not count: they may be a service's that others use too.
    """
    site = site_of(url)
    for own in (source.homepage, *source.sections):
        home = site_of(own)
        if site != home and (is_local(host(own)) or not site.endswith(f".{home}")):
            continue
        folder = _folder(source.homepage) if site_of(source.homepage) == home else ""
        if not folder or site != home or f"{urlsplit(url).path}/".startswith(f"{folder}/"):
            return True
    return False


def _folder(homepage: str) -> str:
    """Return the first folder of a homepage, such as `/vietnamese`, "" where it is the front page of a site."""
    first, _, rest = urlsplit(homepage).path.lstrip("/").partition("/")
    is_front = not rest and ("." in first or first.lower() in {"home", "index", "trang-chu", "main"})
    return "" if not first or is_front else f"/{first}"
