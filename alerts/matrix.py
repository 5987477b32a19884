"""Matrix by Apprise's client, made safe to try again: each part has a name by which the homeserver knows it.

What Apprise's own does, seen with a real homeserver, and is mended here: with an access token it names every message
alike, so that the homeserver takes all but the first for a repetition; it measures Markdown before it becomes longer as
HTML, and cuts each message in two, often within the link; it goes on with a login that the server has ended; it
registers an account where the password is wrong, and makes a room where an alias is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from apprise import NotifyBase, NotifyFormat
from apprise.conversion import markdown_to_html
from apprise.plugins.matrix import NotifyMatrix

from alerts.attempt import current

_REST_BETWEEN_REQUESTS_S = 0.05
# An event has room for 65,536 bytes, and holds a text twice, plain and as HTML, of up to three bytes a character.
_LONGEST = 10_000
_SEND = "/send/m.room.message/"
_ENDED = "M_UNKNOWN_TOKEN"


class RoomMessage(NotifyMatrix):
    """Apprise's Matrix client, but for what would lose, repeat or break a message."""

    # Apprise rests half a second before each request; our outbox backs off by itself, as long as the server asks.
    request_rate_per_sec = _REST_BETWEEN_REQUESTS_S
    body_maxlen = _LONGEST  # a property there

    _has_ended = False

    def send(self, *arguments: Any, **named: Any) -> bool:
        """Send a part; where the server ended our login, log in anew and send it once more."""
        self._has_ended = False
        if super().send(*arguments, **named):
            return True
        attempt = current.get()
        if not self._has_ended or attempt is None:
            return False
        attempt.said.clear()
        return bool(super().send(*arguments, **named))

    def dialect_convert(self, body: str, body_format: Any = None, *rest: Any, **named: Any) -> str:
        """Return Markdown as HTML in which each line stays a line."""
        if body_format != NotifyFormat.MARKDOWN:
            return str(super().dialect_convert(body, body_format, *rest, **named))
        return str(markdown_to_html(body, extensions=("nl2br", "sane_lists")))

    def _build_send_calls(self, *arguments: Any, **named: Any) -> Generator[dict[str, Any], None, None]:
        """Split by a limit that holds for the HTML as well."""
        yield from NotifyBase._build_send_calls(self, *arguments, **named)

    def _fetch(self, path: Any, payload: Any = None, *rest: Any, **named: Any) -> Any:
        """Ask as always, with a name of our own for each message, and hand a wait on instead of sitting it out."""
        if isinstance(path, str) and _SEND in path:
            path = f"{path.rpartition('/')[0]}/{_name_of(path, payload)}"
        named.setdefault("max_retry_wait", 0)
        told, response, status = super()._fetch(path, payload, *rest, **named)
        if status == 401 and _errcode(response) == _ENDED and self.user and path != "/login":
            self._forget_login()
        return told, response, status

    def _forget_login(self) -> None:
        self._has_ended = True
        self.access_token = None
        self.store.clear("access_token")

    def _register(self) -> bool:
        """Register nobody: who cannot log in is told so."""
        return False

    def _room_create(self, room: Any) -> None:
        """Make no room: alerts would go where nobody is. What the server said of the alias stands."""


def _name_of(path: str, payload: Any) -> str:
    """Return the transaction of a message: the same for each try, so that the homeserver shows it once."""
    attempt = current.get()
    message = [attempt.message.reference, attempt.message.occasion] if attempt is not None else [str(uuid4())]
    told = json.dumps([message, unquote(path.rpartition(_SEND)[0]), payload], sort_keys=True)
    return f"tripoint-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _errcode(response: Any) -> str:
    return str(response.get("errcode", "")) if isinstance(response, dict) else ""
