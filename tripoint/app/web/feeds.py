"""Out to where people already read: Atom and JSON Feed of any search or topic, and OPML of the sources."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage.search import Order, SearchHit
from tripoint.app.catalogue import to_opml
from tripoint.app.web.parameters import Words, read_all
from tripoint.app.web.rendering import web_link
from tripoint.app.web.rooms import Rooms, rooms_of
from tripoint.app.web.searching import PARAMETERS, Asking, find, query_of

_ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEY = Words("key", "What opens the feeds where a token is asked for.")


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed before it is written."""

    title: str
    address: str  #: of itself
    page: str  #: of the same, for people
    updated: datetime
    hits: tuple[SearchHit, ...]


async def search(request: Request) -> Response:
    """Answer with the newest that a search finds."""
    rooms = rooms_of(request)
    asked = read_all((*PARAMETERS, _KEY), request.query_params.multi_items(), rooms.now())
    words = Asking({name: value for name, value in asked.items() if name != "key"})
    title = f"Tripoint: {asked['q']}" if asked["q"] else "Tripoint"
    return await _answer(request, rooms, words, title, f"/search?{words.address(order='newest')}")


async def topic(request: Request) -> Response:
    """Answer with what a topic calls relevant, newest first."""
    rooms = rooms_of(request)
    name = request.path_params["name"]
    found = next((each for each in rooms.seeds.topics if each.name == name), None)
    if found is None:
        raise HTTPException(404)
    read_all((_KEY,), request.query_params.multi_items(), rooms.now())
    asked = read_all(PARAMETERS, [("topic", name), ("relevant", "true")], rooms.now())
    words = Asking(asked)
    return await _answer(request, rooms, words, f"Tripoint: {found.title}", f"/search?{words.address(order='newest')}")


async def opml(request: Request) -> Response:
    """Answer with the sources that are read, as OPML."""
    rooms = rooms_of(request)
    text = to_opml(each for each in rooms.seeds.sources if each.enabled)
    return _cached(request, text.encode(), "text/x-opml; charset=utf-8", "sources.opml")


async def _answer(request: Request, rooms: Rooms, words: Asking, title: str, page: str) -> Response:
    query = query_of(words.asked, Order.NEWEST, _ENTRIES)
    found = await rooms.reader.do(lambda: find(rooms, query))
    site = rooms.access.public_url or f"{request.url.scheme}://{request.headers['host']}"
    newest = max((each.first_seen_at for each in found.hits), default=rooms.now())
    # The key is no part of what a feed says of itself: who passes a feed on does not pass it on.
    own = f"{site}{request.url.path}?{words.address()}".rstrip("?")
    feed = Feed(title, own, site + page, newest, found.hits)
    if request.url.path.endswith(".json"):
        return _cached(request, _json_feed(feed, site), "application/feed+json; charset=utf-8", "")
    return _cached(request, _atom(feed, site), "application/atom+xml; charset=utf-8", "")


def _cached(request: Request, body: bytes, kind: str, name: str) -> Response:
    """Answer with a validator, and with 304 where the reader has the same already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"etag": etag, "cache-control": "private, max-age=60"}
    if name:
        headers["content-disposition"] = f'attachment; filename="{name}"'
    if etag in {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _json_feed(feed: Feed, site: str) -> bytes:
    items = [
        {
            "id": _id(hit.url),
            "url": web_link(hit.url),
            "title": hit.title.text,
            "content_text": hit.snippet.text,
            "date_published": (hit.published or hit.first_seen_at).isoformat(),
            "date_modified": hit.first_seen_at.isoformat(),
            "authors": [{"name": hit.outlet}],
            "language": hit.language or "und",
            "tags": ["relevant"] if hit.is_relevant else [],
            "_tripoint": {
                "about": f"{site}/api/docs",
                "page": f"{site}/articles/{hit.article_id}",
                "story": hit.story,
                "score": hit.score,
            },
        }
        for hit in feed.hits
    ]
    said = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "items": items,
    }
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


def _atom(feed: Feed, site: str) -> bytes:
    ElementTree.register_namespace("", _ATOM)
    root = ElementTree.Element(f"{{{_ATOM}}}feed")
    _say(root, "title", feed.title)
    _say(root, "id", _id(feed.address))
    _say(root, "updated", feed.updated.isoformat())
    _link(root, "self", feed.address)
    _link(root, "alternate", feed.page)
    for hit in feed.hits:
        entry = ElementTree.SubElement(root, f"{{{_ATOM}}}entry")
        if hit.language:
            entry.set("{http://www.w3.org/XML/1998/namespace}lang", hit.language)
        _say(entry, "title", hit.title.text or hit.url)
        _say(entry, "id", _id(hit.url))
        _say(entry, "published", (hit.published or hit.first_seen_at).isoformat())
        _say(entry, "updated", hit.first_seen_at.isoformat())
        author = ElementTree.SubElement(entry, f"{{{_ATOM}}}author")
        _say(author, "name", hit.outlet)
        _link(entry, "alternate", web_link(hit.url))
        _link(entry, "related", f"{site}/articles/{hit.article_id}")
        _say(entry, "summary", hit.snippet.text)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _id(address: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, address)}"


def _say(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}").text = _NOT_XML.sub("\ufffd", text)


def _link(parent: ElementTree.Element, relation: str, address: str) -> None:
    link = ElementTree.SubElement(parent, f"{{{_ATOM}}}link")
    link.set("rel", relation)
    link.set("href", _NOT_XML.sub("\ufffd", address))


ROUTES = (
    Route("/feeds/search.atom", search),
    Route("/feeds/search.json", search),
    Route("/feeds/topics/{name}.atom", topic),
    Route("/feeds/topics/{name}.json", topic),
    Route("/feeds/sources.opml", opml),
)
