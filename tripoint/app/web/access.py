"""Who may see the page: under which names it answers, and the token that it asks for beyond loopback."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from tripoint.app.settings import WebSection
from tripoint.domain.errors import SettingsError

SHORTEST_TOKEN = 16
SESSION_DAYS = 30
_MEND_TOKEN = "name one by web.token_env or web.token_file: `openssl rand -hex 24` makes one"  # noqa: S105 - a hint
_SESSION = re.compile(r"(\d{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Access:
    """The rule by which a request is let in."""

    names: frozenset[str]  #: host names that the page answers to; an address in digits is always answered
    token: str = field(default="", repr=False)  #: "" where none is asked for
    public_url: str = ""  #: as others reach it, without a slash at the end

    @property
    def is_secure(self) -> bool:
        """Whether cookies may insist on https."""
        return self.public_url.startswith("https://")

    def knows_host(self, host: str) -> bool:
        """Return whether a Host header names us.

        A page elsewhere can let its own name resolve to 127.0.0.1 and then read us as its own origin (DNS rebinding);
        its requests carry that name. An address in digits cannot be rebound.
        """
        name = _host_name(host)
        return name in self.names or _is_address(name)

    def accepts(self, token: str) -> bool:
        """Return whether this is the token; takes as long for a wrong one as for the right one."""
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())

    def session(self, now_s: float) -> str:
        """Return what a cookie holds after the token was given."""
        issued = str(int(now_s))
        return f"{issued}.{self.sign('session', issued)}"

    def accepts_session(self, cookie: str, now_s: float) -> bool:
        """Return whether a cookie is one of ours and still young."""
        found = _SESSION.fullmatch(cookie)
        if not self.token or not found or not hmac.compare_digest(found[2], self.sign("session", found[1])):
            return False
        return 0 <= now_s - int(found[1]) <= SESSION_DAYS * 86400

    @property
    def feed_key(self) -> str:
        """What a feed's address carries in the place of the token: it opens the feeds and nothing else."""
        return self.sign("feeds", "")[:40] if self.token else ""

    def accepts_feed_key(self, key: str) -> bool:
        """Return whether a feed's address carries the right key."""
        return bool(self.token) and hmac.compare_digest(key.encode(), self.feed_key.encode())

    def sign(self, purpose: str, value: str) -> str:
        """Return a signature that only the holder of the token can make."""
        return hmac.new(self.token.encode(), f"{purpose}\n{value}".encode(), hashlib.sha256).hexdigest()


def access_of(web: WebSection, environ: Mapping[str, str] = os.environ) -> Access:
    """Return the rule that the settings make; raises `SettingsError` where they would show the archive to anybody."""
    token = token_of(web, environ)
    public = urlsplit(web.public_url)
    public_name = (public.hostname or "").lower()
    if web.public_url and (public.scheme not in {"http", "https"} or not public_name or public.path.strip("/")):
        raise SettingsError(
            f"web.public_url: {web.public_url} is no address of a site", "write https://name, without a path"
        )
    open_to = [each for each in (web.host, public_name) if each and not is_loopback(each)]
    if open_to and not token:
        raise SettingsError(f"the page would be open to everybody who reaches {open_to[0]}", _MEND_TOKEN)
    names = {"localhost", web.host.lower(), public_name, socket.gethostname().lower()} - {""}
    return Access(frozenset(names), token, web.public_url.rstrip("/"))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host of that name."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def token_of(web: WebSection, environ: Mapping[str, str]) -> str:
    """Return the page's token, empty where none is set; raises `SettingsError` where it cannot be read."""
    if web.token_env and web.token_file:
        raise SettingsError("web.token_env and web.token_file are both set", "choose one of them")
    if not web.token_env and not web.token_file:
        return ""
    if web.token_file:
        place = str(web.token_file)
        try:
            token = web.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"web.token_file: cannot read {place}", "check the file and its rights") from error
    else:
        place = web.token_env
        token = environ.get(web.token_env, "").strip()
    if len(token) < SHORTEST_TOKEN:
        problem = f"the page's token in {place} is {'missing' if not token else 'too short'}"
        raise SettingsError(problem, f"it needs {SHORTEST_TOKEN} characters: `openssl rand -hex 24` makes one")
    return token


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
