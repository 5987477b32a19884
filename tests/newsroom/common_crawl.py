"""A bucket of files behind a web address, as Common Crawl's data are served: whole or in parts, and often refused."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from tests.newsroom.looped import Looped, LoopThread
from tests.newsroom.server import _listener

Trouble = Literal["slow down", "forbidden", "cut off", "whole", "other bytes", "moved"]
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_ERRORS = {
    403: ("AccessDenied", "Access Denied"),
    404: ("NoSuchKey", "The specified key does not exist."),
    416: ("InvalidRange", "The requested range is not satisfiable"),
    503: ("SlowDown", "Please reduce your request rate."),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a file of the bucket; `first` and `last` are the bytes that were asked for, -1 for all."""

    path: str
    first: int
    last: int
    status: int


class CommonCrawl(Looped):
    """Serves its files on loopback, in a thread of its own."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}  #: by key
        self.troubles: list[Trouble] = []  #: what the next requests for files meet, each once
        self.closed: set[str] = set()  #: keys that are refused whoever asks
        self.requests: list[Asked] = []
        self.base = ""
        self._answered = threading.Condition()
        self._looped = LoopThread("common-crawl", self._serving)

    def month(self, year: int, month: int, files: Sequence[tuple[str, bytes]]) -> list[str]:
        """Put a month's files into the bucket, each with its time of 14 digits, and list them; return their keys."""
        folder = f"crawl-data/CC-NEWS/{year}/{month:02}"
        keys = [f"{folder}/CC-NEWS-{time}-{number:05}.warc.gz" for number, (time, _) in enumerate(files)]
        self.files |= {key: body for key, (_, body) in zip(keys, files, strict=True)}
        self.files[f"{folder}/warc.paths.gz"] = gzip.compress("".join(f"{key}\n" for key in keys).encode())
        return keys

    def asked_for(self, key: str) -> list[Asked]:
        """Return the requests for a file."""
        return [each for each in list(self.requests) if each.path == key]

    def wait_for(self, requests: int, timeout_s: float) -> bool:
        """Wait until so many requests were logged in all; return False where they did not come in time."""
        with self._answered:
            return self._answered.wait_for(lambda: len(self.requests) >= requests, timeout_s)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        listener = _listener("127.0.0.60", 0)
        host, port = listener.getsockname()
        self.base = f"http://{host}:{port}"
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.2)  # type: ignore[arg-type]
        await runner.setup()
        await web.SockSite(runner, listener).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        key = request.path.lstrip("/")
        asked = _RANGE.fullmatch(request.headers.get("Range", ""))
        first, last = (int(asked[1]), int(asked[2] or -1)) if asked else (-1, -1)
        trouble = self._trouble(key, first)
        answer = self._answer(key, first, last, trouble)
        with self._answered:
            self.requests.append(Asked(key, first, last, answer.status))
            self._answered.notify_all()
        if trouble == "cut off" and isinstance(answer.body, bytes):
            return await _cut_off(request, answer)
        return answer

    def _trouble(self, key: str, first: int) -> str:
        if not self.troubles or key not in self.files or (first < 0 and self.troubles[0] in {"whole", "other bytes"}):
            return ""
        return self.troubles.pop(0)

    def _answer(self, key: str, first: int, last: int, trouble: str) -> web.Response:
        if trouble == "slow down":
            return _error(503, key)
        if trouble == "moved":
            return web.Response(status=302, headers={"Location": f"/{key}"})
        if trouble == "forbidden" or key in self.closed:
            return _error(403, key)
        if key not in self.files:
            return _error(404, key)
        body = self.files[key]
        headers = {
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        }
        if first < 0 or trouble == "whole":
            return web.Response(body=body, headers=headers)
        if first >= len(body):
            return _error(416, key, {"Content-Range": f"bytes */{len(body)}"})
        first += trouble == "other bytes"
        part = body[first : last + 1] if last >= 0 else body[first:]
        headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(body)}"
        return web.Response(status=206, body=part, headers=headers)


async def _cut_off(request: web.BaseRequest, answer: web.Response) -> web.StreamResponse:
    """Send half of a body that was announced whole, and hang up."""
    assert isinstance(answer.body, bytes)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    await asyncio.sleep(0)
    if request.transport is not None:
        request.transport.close()
    return response


def _error(status: int, key: str, headers: dict[str, str] | None = None) -> web.Response:
    code, said = _ERRORS[status]
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{said}</Message><Key>{key}</Key></Error>'
    return web.Response(status=status, text=text, content_type="application/xml", headers=headers)
