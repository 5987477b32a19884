"""Proof that a form was ours: a cookie that only this site can read, and in each form a signature of it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tripoint.app.web.rooms import rooms_of

VISIT_COOKIE = "tripoint_visit"
FIELD = "csrf"
_VISIT = re.compile(r"[0-9a-f]{32}")


def form_token(request: Request) -> str:
    """Return what a form of this visit carries."""
    return _signed(request, _visit(request))


def cookie_for(request: Request, answer: Response) -> None:
    """Give the visit its cookie, if it has none yet."""
    if request.cookies.get(VISIT_COOKIE) != _visit(request):
        secure = rooms_of(request).access.is_secure
        answer.set_cookie(VISIT_COOKIE, _visit(request), httponly=True, samesite="strict", secure=secure)


async def checked_form(request: Request) -> FormData:
    """Read a posted form; raises the answer 403 where it is not one of ours."""
    form = await request.form()
    visit = request.cookies.get(VISIT_COOKIE, "")
    given = form.get(FIELD)
    if not _VISIT.fullmatch(visit) or not isinstance(given, str):
        raise HTTPException(403, "form")
    if not hmac.compare_digest(given.encode(), _signed(request, visit).encode()):
        raise HTTPException(403, "form")
    return form


def _visit(request: Request) -> str:
    found = request.cookies.get(VISIT_COOKIE, "")
    if _VISIT.fullmatch(found):
        return found
    if not hasattr(request.state, "visit"):
        request.state.visit = secrets.token_hex(16)
    fresh: str = request.state.visit
    return fresh


def _signed(request: Request, visit: str) -> str:
    key: bytes = rooms_of(request).form_key
    return hmac.new(key, visit.encode(), hashlib.sha256).hexdigest()
