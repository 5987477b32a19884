"""The door: every request passes here first, and every answer leaves with the headers that keep it harmless."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tripoint.app.web.access import Access

SESSION_COOKIE = "tripoint_session"
LANGUAGE_COOKIE = "tripoint_language"
LONGEST_BODY = 64 * 1024  # the longest form of ours is a note of some lines
LONGEST_QUERY = 4096
OPEN_PATHS = frozenset({"/login", "/healthz", "/readyz"})  # need no token
_OPEN_FOLDER = "/static/"
_FEEDS = "/feeds/"
_API = "/api/"
_METRICS = "/metrics"

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # `no-referrer` would make browsers send our own forms with `Origin: null`
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class TooLongError(Exception):
    """A body went on past what was allowed."""


class Guard:
    """ASGI middleware: host, token, origin of posts, size; then the security headers."""

    def __init__(self, app: ASGIApp, access: Access, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._access = access
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it at the door."""
        if scope["type"] != "http":
            return
        answer = self._refusal(scope, Headers(scope=scope))
        if answer is not None:
            await answer(scope, receive, _dressed(send))
            return
        await self._app(scope, _bounded(receive), _dressed(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if not self._access.knows_host(headers.get("host", "")):
            mend = "this page does not answer to that name; web.public_url names another\n"
            return PlainTextResponse(mend, 421)
        if len(scope["query_string"]) > LONGEST_QUERY:
            return JSONResponse({"status": 400, "problem": "the address is too long"}, 400)
        if int(headers.get("content-length", "0")) > LONGEST_BODY:
            return PlainTextResponse("too long\n", 413)
        if scope["method"] not in {"GET", "HEAD"} and not _is_from_us(headers):
            return PlainTextResponse("another site sent this form\n", 403)
        if self._is_let_in(scope, headers):
            return None
        path: str = scope["path"]
        if path.startswith((_API, _FEEDS, _METRICS)) or scope["method"] not in {"GET", "HEAD"}:
            said = {"www-authenticate": 'Bearer realm="tripoint"'}
            return JSONResponse({"status": 401, "problem": "a token is needed"}, 401, said)
        return RedirectResponse(f"/login?next={quote(path)}", 303)

    def _is_let_in(self, scope: Scope, headers: Headers) -> bool:
        path: str = scope["path"]
        access = self._access
        if not access.token or path in OPEN_PATHS or path.startswith(_OPEN_FOLDER):
            return True
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and access.accepts(token.strip()):
            return True
        if path.startswith(_FEEDS):
            keys = parse_qs(scope["query_string"].decode("latin-1")).get("key", [])
            if any(access.accepts_feed_key(each) for each in keys):
                return True
        return access.accepts_session(cookie_of(headers, SESSION_COOKIE), self._clock())


def cookie_of(headers: Headers, name: str) -> str:
    """Return the value of a cookie, or nothing where the header cannot be read."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_from_us(headers: Headers) -> bool:
    """Return whether a post comes from a page of ours, as far as the browser says; its CSRF token is checked too."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host", "")


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LONGEST_BODY:
            raise TooLongError
        return message

    return limited


def _dressed(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "private, no-cache")
        await send(message)

    return dressed
