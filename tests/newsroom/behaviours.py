"""The ways a site can disappoint a crawler, each a value that a test can name."""

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Literal, Protocol

import brotli
from aiohttp import web

from tests.newsroom.charsets import declared_charset, encode_text, with_document_charset, with_header_charset
from tests.newsroom.exchange import Answer, Exchange

_FILLER = b"<p>" + b"The tide table for the harbour is printed again below. " * 20 + b"</p>\n"
_NO_WEIGHT = re.compile(r"q=0(\.0*)?$")


class Behaviour(Protocol):
    """Anything that can reply in place of the usual answer."""

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer the request."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to a path or an absolute URL."""

    to: str
    status: int = 301

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with nothing but a Location."""
        return exchange.respond(_bare(self.status, {"Location": self.to}))


@dataclass(frozen=True, slots=True)
class RedirectLoop:
    """Send the client back to where it is, as a broken consent wall does."""

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the requested address as the Location."""
        return exchange.respond(_bare(302, {"Location": exchange.request.raw_path}))


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with a status; with `times`, only for the first that many requests."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Fail, or answer as usual once the trouble is over."""
        if self.times is not None and exchange.turn > self.times:
            return exchange.respond(exchange.usual)
        return exchange.respond(_bare(self.code, self.headers))


@dataclass(frozen=True, slots=True)
class TooMany:
    """Refuse the first requests and say how long to wait."""

    retry_after_s: int
    times: int | None = None

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer 429 with Retry-After until the turns are used up."""
        headers = {"Retry-After": str(self.retry_after_s)}
        return await Status(429, headers, self.times).reply(exchange)


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer as usual, but late."""

    delay_s: float

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Wait before the first byte."""
        await exchange.pause(self.delay_s)
        return exchange.respond(exchange.usual)


@dataclass(frozen=True, slots=True)
class Drip:
    """Answer at once, then let the body trickle."""

    bytes_per_chunk: int
    delay_s: float

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Send the body a little at a time."""
        body = exchange.usual.body
        response = await exchange.begin(exchange.usual, len(body))
        for start in range(0, len(body), self.bytes_per_chunk):
            if exchange.stopping.is_set():
                exchange.hang_up()
                break
            await response.write(body[start : start + self.bytes_per_chunk])
            await exchange.pause(self.delay_s)
        return response


@dataclass(frozen=True, slots=True)
class Hang:
    """Accept the request and never answer."""

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Wait until the client leaves, which cancels this, or the newsroom stops."""
        exchange.record(0)
        await exchange.stopping.wait()
        exchange.hang_up()
        return web.Response(status=503)


@dataclass(frozen=True, slots=True)
class Truncated:
    """Promise a whole body and close the connection after `at` bytes."""

    at: int

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Declare more than is sent."""
        body = exchange.usual.body
        response = await exchange.begin(exchange.usual, max(len(body), self.at + 1))
        await response.write(body[: self.at])
        exchange.hang_up()
        return response


@dataclass(frozen=True, slots=True)
class WrongCharset:
    """Send bytes in one charset and declare another everywhere."""

    declared: str
    actual: str

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Re-encode the usual body under a false name."""
        return exchange.respond(_recoded(exchange.usual, self.actual, self.declared, self.declared))


@dataclass(frozen=True, slots=True)
class Charset:
    """Send another charset, truthfully declared in the header, the document, both or nowhere."""

    actual: str
    declare_header: bool = True
    declare_meta: bool = True

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Re-encode the usual body and say so only where asked."""
        header = self.actual if self.declare_header else None
        document = self.actual if self.declare_meta else None
        return exchange.respond(_recoded(exchange.usual, self.actual, header, document))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Compress the body for clients that accept it."""

    coding: Literal["gzip", "br", "deflate"]

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer compressed, or plain to a client that did not ask."""
        usual = replace(exchange.usual, headers={**exchange.usual.headers, "Vary": "Accept-Encoding"})
        if not accepts(exchange.request.headers.get("Accept-Encoding", ""), self.coding):
            return exchange.respond(usual)
        packed = usual.with_body(_packed(usual.body, self.coding))
        return exchange.respond(replace(packed, headers={**usual.headers, "Content-Encoding": self.coding}))


@dataclass(frozen=True, slots=True)
class Huge:
    """Stream a page of at least this size, announced by Content-Length only on request."""

    size_bytes: int
    declare_length: bool = False

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Send filler until the size is reached, the client leaves or the newsroom stops."""
        whole, rest = divmod(self.size_bytes, len(_FILLER))
        length = self.size_bytes if self.declare_length else None
        response = await exchange.begin(Answer(b"", exchange.usual.content_type), length)
        for _ in repeat(None, whole):
            if exchange.stopping.is_set():
                exchange.hang_up()
                return response
            await response.write(_FILLER)
        await response.write(_FILLER[:rest])
        return response


@dataclass(frozen=True, slots=True)
class Malformed:
    """Replace the body, keeping the content type unless told otherwise."""

    text: str
    content_type: str | None = None

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer 200 with this text."""
        answer = replace(exchange.usual.with_body(self.text.encode(), self.content_type), status=200)
        return exchange.respond(answer)


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """Answer 200 with nothing in it."""

    async def reply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with a body of no bytes."""
        return exchange.respond(replace(exchange.usual.with_body(b""), status=200))


def accepts(header: str, coding: str) -> bool:
    """Tell whether an Accept-Encoding header allows this coding."""
    for offer in header.lower().split(","):
        name, _, weight = (part.strip() for part in offer.partition(";"))
        if name == coding:
            return not _NO_WEIGHT.fullmatch(weight)
    return False


def _bare(status: int, headers: Mapping[str, str]) -> Answer:
    body = f"<!doctype html><title>{status}</title><h1>{status}</h1>\n".encode()
    return Answer(body, "text/html; charset=utf-8", status, headers=headers)


def _recoded(answer: Answer, actual: str, header: str | None, document: str | None) -> Answer:
    text = answer.body.decode(declared_charset(answer.content_type) or "utf-8")
    body = encode_text(with_document_charset(text, document), actual)
    return answer.with_body(body, with_header_charset(answer.content_type, header))


def _packed(body: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(body, mtime=0)
    if coding == "deflate":
        return zlib.compress(body)
    packed: bytes = brotli.compress(body)
    return packed
