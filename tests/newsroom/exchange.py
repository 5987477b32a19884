"""One request and its answer, and the few ways a server can send it."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Request:
    """A logged request; `status` 0 means no answer, `at` is the monotonic second it arrived."""

    outlet: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    at: float
    query: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything a path replies with, ready to send again and again."""

    body: bytes
    content_type: str
    status: int = 200
    last_modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""

    def with_body(self, body: bytes, content_type: str | None = None) -> "Answer":
        """Replace what is sent, under a validator of its own."""
        tag = body_tag(body) if self.etag else ""
        return replace(self, body=body, content_type=content_type or self.content_type, etag=tag)

    def all_headers(self) -> dict[str, str]:
        """Return the headers, with validators only where an answer can be revalidated."""
        headers = {"Content-Type": self.content_type, **self.headers}
        if self.etag:
            headers["ETag"] = f'"{self.etag}"'
        if self.last_modified:
            headers["Last-Modified"] = format_datetime(self.last_modified.astimezone(UTC), usegmt=True)
        return headers


def body_tag(body: bytes) -> str:
    """Name a body by its content, so that a changed page always has a changed tag."""
    return hashlib.blake2b(body, digest_size=10).hexdigest()


@dataclass(slots=True)
class Exchange:
    """A request being answered: `usual` is the undisturbed answer, `turn` counts this behaviour's requests from 1."""

    request: web.BaseRequest
    usual: Answer
    turn: int
    stopping: asyncio.Event
    record: Callable[[int], None]

    def respond(self, answer: Answer) -> web.Response:
        """Send an answer whole, or 304 when the client already has it."""
        headers = answer.all_headers()
        if answer.status == 200 and _unchanged(self.request, answer):
            del headers["Content-Type"]
            answer = replace(answer, status=304, body=b"")
        self.record(answer.status)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def begin(self, answer: Answer, length_bytes: int | None) -> web.StreamResponse:
        """Send the head only, so that the body can misbehave."""
        self.record(answer.status)
        response = web.StreamResponse(status=answer.status, headers=answer.all_headers())
        if length_bytes is not None:
            response.content_length = length_bytes
        await response.prepare(self.request)
        return response

    async def pause(self, delay_s: float) -> None:
        """Wait, but not past the end of the newsroom."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), delay_s)

    def hang_up(self) -> None:
        """Close the connection once what was written has left."""
        if self.request.transport is not None:
            self.request.transport.close()


def _unchanged(request: web.BaseRequest, answer: Answer) -> bool:
    tags = request.if_none_match
    if tags is not None:
        return bool(answer.etag) and any(tag.value in ("*", answer.etag) for tag in tags)
    since = request.if_modified_since
    return since is not None and answer.last_modified is not None and answer.last_modified <= since
