"""From values to a page: the templates, and what each of them may use. Outside text is escaped, always."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tripoint.app.web.csrf import cookie_for, form_token
from tripoint.app.web.guard import LANGUAGE_COOKIE
from tripoint.app.web.lines import own_words
from tripoint.app.web.phrases import LANGUAGES, Phrases, phrases, preferred
from tripoint.app.web.rooms import rooms_of
from tripoint.domain.types import Hit, Marked

STATIC = resources.files("tripoint.app.web") / "static"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text, marked or not."""

    text: str
    facet: str = ""  #: of the hit that it is
    concept: str = ""

    @property
    def is_marked(self) -> bool:
        """Whether it is to be marked."""
        return bool(self.facet)


def language_of(request: Request) -> str:
    """Return the language that a reader chose, else that of the settings, else that of the browser."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return rooms_of(request).settings.web.language or preferred(request.headers.get("accept-language", ""))


async def render(request: Request, template: str, /, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page; beside its values it has the phrases, the time, the form token and where it is.

    It is written on a reader's thread: two hundred stories take a while, and the loop has pages to fetch.
    """
    say = phrases(language_of(request))
    rooms = rooms_of(request)
    now = rooms.now()
    context = {
        "say": say,
        "ours": lambda line: own_words(line, say.language),
        "path": request.url.path,
        "query": request.url.query,
        "now": now,
        "csrf": form_token(request),
        "asks_for_token": bool(rooms.access.token),
        "feed_key": rooms.access.feed_key,
        "ago": lambda moment: ago(say, moment, now),
        **values,
    }
    written = await rooms.reader.do(lambda: _environment().get_template(template).render(context))
    answer = HTMLResponse(written, status)
    cookie_for(request, answer)
    answer.headers["vary"] = "cookie, accept-language"
    return answer


def parts_of(text: str, hits: Sequence[Hit], offset: int = 0) -> list[Part]:
    """Cut a text, that begins so far into the article's, at its hits; one that begins inside another is left out."""
    found: list[Part] = []
    at = 0
    for hit in sorted(hits, key=lambda each: (each.start, -each.end)):
        start, end = hit.start - offset, hit.end - offset
        if start < at or end > len(text):
            continue
        if start > at:
            found.append(Part(text[at:start]))
        found.append(Part(text[start:end], hit.facet, hit.concept))
        at = end
    if at < len(text):
        found.append(Part(text[at:]))
    return found


def marked_parts(marked: Marked) -> list[Part]:
    """Cut a marked text at its marks."""
    found: list[Part] = []
    at = 0
    for start, end in sorted(marked.spans):
        if start < at:
            continue
        if start > at:
            found.append(Part(marked.text[at:start]))
        found.append(Part(marked.text[start:end], "hit"))
        at = end
    if at < len(marked.text):
        found.append(Part(marked.text[at:]))
    return found


def ago(say: Phrases, moment: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest unit that fits."""
    minutes = int((now - moment) / timedelta(minutes=1))
    if minutes < 1:
        return say("ago.now")
    if minutes < 60:
        return say.count("ago.minutes", minutes)
    if minutes < 48 * 60:
        return say.count("ago.hours", minutes // 60)
    return say.count("ago.days", minutes // 1440)


def web_link(url: str) -> str:
    """Return an address that may stand in a link, "" for one that is not of the web."""
    return url if url.startswith(("http://", "https://")) else ""


def _utc(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if moment else ""


@cache
def asset(name: str) -> str:
    """Return the address of a file of ours, with a hash that changes with it: browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{digest}/{name}"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tripoint.app.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["utc"] = _utc
    environment.filters["iso"] = datetime.isoformat
    environment.filters["link"] = web_link
    environment.filters["marked"] = marked_parts
    environment.globals["asset"] = asset
    environment.globals["languages"] = LANGUAGES
    return environment


_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


async def static(request: Request) -> Any:
    """Return a file of ours, by a name that is on the list of them."""
    from starlette.responses import PlainTextResponse, Response

    name = request.path_params["name"]
    if name not in _files() or asset(name) != request.url.path:
        return PlainTextResponse("no such file\n", 404)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response((STATIC / name).read_bytes(), media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


@cache
def _files() -> frozenset[str]:
    found = [each.name for each in STATIC.iterdir() if each.is_file()]
    return frozenset(each for each in found if each.rpartition(".")[2] in _TYPES)


ROUTES = (Route("/static/{digest}/{name}", static),)
