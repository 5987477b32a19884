"""Letting people in where a token is asked for, and remembering which language a reader chose."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tripoint.app.web.access import SESSION_DAYS
from tripoint.app.web.csrf import checked_form
from tripoint.app.web.guard import LANGUAGE_COOKIE, SESSION_COOKIE
from tripoint.app.web.phrases import LANGUAGES
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import rooms_of

_TRIES = 20  # wrong tokens in a minute, from anybody; a token of 16 characters is far beyond such a rate
_MINUTE = timedelta(minutes=1)


async def form(request: Request) -> Response:
    """Ask for the token."""
    return await render(request, "login.html", next=own_path(request.query_params.get("next", "/")), problem="")


async def login(request: Request) -> Response:
    """Give whoever has the token a cookie, and send them where they wanted to go."""
    rooms = rooms_of(request)
    sent = await checked_form(request)
    wanted = own_path(str(sent.get("next", "/")))
    wrong: deque[float] = request.app.state.wrong_tokens
    now_s = rooms.now().timestamp()
    while wrong and now_s - wrong[0] > _MINUTE.total_seconds():
        wrong.popleft()
    if len(wrong) >= _TRIES:
        return await render(request, "login.html", 429, next=wanted, problem="login.too_often")
    token = sent.get("token", "")
    if not isinstance(token, str) or not rooms.access.accepts(token.strip()):
        wrong.append(now_s)
        return await render(request, "login.html", 401, next=wanted, problem="login.wrong")
    answer = RedirectResponse(wanted, 303)
    answer.set_cookie(
        SESSION_COOKIE,
        rooms.access.session(now_s),
        max_age=SESSION_DAYS * 86400,
        httponly=True,
        samesite="lax",  # a link in an alert leads here, and must find its reader known
        secure=rooms.access.is_secure,
    )
    return answer


async def logout(request: Request) -> Response:
    """Forget the cookie."""
    await checked_form(request)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


async def language(request: Request) -> Response:
    """Remember a language."""
    sent = await checked_form(request)
    chosen = sent.get("language")
    if chosen not in LANGUAGES:
        raise HTTPException(400)
    answer = RedirectResponse(own_path(str(sent.get("next", "/"))), 303)
    answer.set_cookie(LANGUAGE_COOKIE, str(chosen), max_age=365 * 86400, httponly=True, samesite="lax")
    return answer


def own_path(wanted: str) -> str:
    """Return a path of this site; an address elsewhere, or one that a browser could take for such, is the start."""
    if not wanted.isprintable():
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return "/"
    return wanted


ROUTES = (
    Route("/login", form),
    Route("/login", login, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/language", language, methods=["POST"]),
)
