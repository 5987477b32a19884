"""What no log may show: the secrets that the settings lead to, and the parts of addresses in which they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from tripoint.app.settings import Settings
from tripoint.app.web.access import token_of
from tripoint.app.wiring import channel_url
from tripoint.domain.errors import SettingsError

_LEAST_TOKEN = 8  # a shorter part of a path is a word, such as the name of a room


def secrets_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield every secret of the channels, the database and the page; what cannot be read is told by who uses it."""
    for name, section in settings.channels.items():
        if section.enabled:
            try:
                yield from _of_address(channel_url(name, section, environ).reveal())
            except SettingsError:
                continue
    yield from _of_login(settings.database_url)
    try:
        yield token_of(settings.web, environ)
    except SettingsError:
        return


def _of_address(url: str) -> Iterator[str]:
    """Yield an address as a whole, and what of it may be a token: services put them into host, path and query."""
    if url.startswith("console://"):
        return
    yield url
    yield from _of_login(url)
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    words = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    if "." not in place:
        words += [place, *place.split(":")]
    for each in words:
        if len(each) >= _LEAST_TOKEN and "." not in each and "@" not in each:
            yield each
            yield unquote(each)


def _of_login(url: str) -> Iterator[str]:
    """Yield the password of an address, as it stands there and as it is meant."""
    login = urlsplit(url).netloc.rpartition("@")[0]
    _, _, password = login.partition(":")
    yield from {password, unquote(password)} - {""}
