"""Two spellings of a URL: one to fetch, and one by which all addresses of the same page are the same article."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]+")
_MOBILE_HOST = re.compile(r"^(?:www|m|mobile|touch|wap|amp|beta(?:v\d+)?|lite)\.(?=[^.]+\.[^.])")
_AMP_PATH = re.compile(r"^/amp(?=/.)|/amp(?:\.html)?/?$|\.amp(?=\.html?$)|\.amp$", re.IGNORECASE)
_TRACKING = re.compile(
    r"^(?:utm_\w+|at_\w+|ns_\w+|mc_[ce]id|pk_\w+|piwik_\w+|hsa_\w+|_hs\w+|fb_\w+|stm_\w+|vero_\w+|matomo_\w+"
    r"|fbclid|gclid|gclsrc|dclid|msclkid|yclid|igshid|igsh|twclid|ttclid|wbraid|gbraid|_ga|_gl|zarsrc|gidzl|zanpid"
    r"|spm|scm|cmpid|cmp|ocid|ito|ref_src|ref_url|smid|smtyp|mkt_tok|s_cid|ncid|icid|xtor|taid|traffic_source"
    r"|guccounter|guce_\w+|sharetype|share_id|feedtype|rss|ftag|intcmp|wt_mc|wt_zmc|tpcc|__twitter_impression"
    r"|_thumbnail_id|preview_nonce|mobile|print|amp|outputtype)$",
    re.IGNORECASE,
)
# These carry meaning on some sites, so that only the values of trackers are dropped.
_TRACKING_VALUES = re.compile(
    r"^(?:rss|rssfeed|feed|twitter|facebook|zalo|telegram|email|newsletter|share|home|hp)$", re.I
)
_SOMETIMES_TRACKING = frozenset({"ref", "source", "src", "from", "via"})


def normalise_url(url: str, base: str = "") -> str:
    """Return the spelling to fetch: absolute, without fragment, host in small ASCII letters, no default port.

    Raises `ValueError` for what is no web address.
    """
    cleaned = _UNSAFE.sub("", url).strip()
    joined = urljoin(base, cleaned) if base else cleaned
    parts = urlsplit(joined)
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"no web address: {url[:200]!r}")
    host = _ascii_host(parts.hostname)
    port = parts.port
    netloc = host if port is None or port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    path = quote(_without_dots(parts.path) or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]|")
    return urlunsplit((scheme, netloc, path, query, ""))


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{host.lower()}]"
    try:
        return host.rstrip(".").encode("idna").decode().lower() if not host.isascii() else host.rstrip(".").lower()
    except UnicodeError as error:
        raise ValueError(f"no host name: {host[:100]!r}") from error


def _without_dots(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986, 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/".join(kept)


def host(url: str) -> str:
    """Return the host of a URL in small letters, without port."""
    return (urlsplit(url).hostname or "").lower()


def is_local(name: str) -> bool:
    """Return whether a host is an address or localhost, which has no mobile or AMP sisters."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def canonical_url(url: str) -> str:
    """Return the spelling by which a page is known: no tracking parameters, no AMP, no mobile host, https.

    Applying it twice changes nothing. Raises `ValueError` for what is no web address.
    """
    once = _canonical_once(normalise_url(url))
    while (again := _canonical_once(once)) != once:
        once = again
    return once


def _canonical_once(url: str) -> str:
    parts = urlsplit(url)
    name, netloc, scheme = host(url), parts.netloc, parts.scheme
    if not is_local(name) and parts.port is None:
        scheme = "https"
        netloc = _MOBILE_HOST.sub("", name)
    path = _AMP_PATH.sub("", parts.path)
    path = path.rstrip("/") or "/"
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _tracks(key, value)]
    return urlunsplit((scheme, netloc, path, urlencode(sorted(kept)), ""))


def _tracks(key: str, value: str) -> bool:
    if key.lower() in _SOMETIMES_TRACKING:
        return bool(_TRACKING_VALUES.match(value))
    if key.lower() == "page":
        return value == "1"
    return bool(_TRACKING.match(key))
