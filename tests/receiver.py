"""An HTTP server on loopback that answers as the webhook of a chat service does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Reply = tuple[int, dict[str, str], str]
"""Status, headers and body."""

SLACK_OK: Reply = (200, {"Content-Type": "text/html"}, "ok")
SLACK_LIMITED: Reply = (429, {"Retry-After": "30"}, "rate_limited")
SLACK_GONE: Reply = (404, {"Content-Type": "text/html"}, "no_service")
DISCORD_OK: Reply = (204, {}, "")
DISCORD_LIMITED: Reply = (
    429,
    {"Content-Type": "application/json"},
    '{"message": "You are being rate limited.", "retry_after": 1.5, "global": false}',
)
TELEGRAM_OK: Reply = (200, {"Content-Type": "application/json"}, '{"ok": true, "result": {"message_id": 1}}')
TELEGRAM_LIMITED: Reply = (
    429,
    {"Content-Type": "application/json"},
    '{"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 7", "parameters": {"retry_after": 7}}',
)
TELEGRAM_KICKED: Reply = (
    403,
    {"Content-Type": "application/json"},
    '{"ok": false, "error_code": 403, "description": "Forbidden: bot was kicked from the group chat"}',
)


class Receiver:
    """Runs while the `with` lasts; answers each request by its path, and keeps what it was sent."""

    def __init__(self, answer: Callable[[str, int], Reply]) -> None:
        self.received: list[tuple[str, Any]] = []
        self.accepted: list[Any] = []  #: what was answered with success, in the order in which that was decided
        self.slow_s = 0.0  #: from taking a request to saying so
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.received.append((self.path, json.loads(raw)))
                status, headers, body = answer(self.path, len(receiver.received))
                if status < 300:
                    receiver.accepted.append(json.loads(raw))
                if receiver.slow_s:
                    threading.Event().wait(receiver.slow_s)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments: Any) -> None:
                pass

        self._handler = Handler
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        """Return its host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self.close_door()

    def close_door(self) -> None:
        """Take no more connections; those that are open go on to their end."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def open_door(self) -> None:
        """Take connections again, where they were taken before."""
        self._server = ThreadingHTTPServer(self._server.server_address[:2], self._handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
