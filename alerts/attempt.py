"""What one attempt to deliver saw and did: answers of servers, and who has the message already.

Apprise says yes or no for a service. The reason, and the time that a server asks for, stand in the server's answer,
which its plugins do not hand on; so the answers are watched where `requests` receives them, in the attempt's own
context and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import requests
from apprise import NotifyBase

from alerts.guard import GuardedAdapter, in_force
from alerts.message import Message
from tripoint.domain.text import one_line

_LONGEST_SAID = 160
# Reasons of MQTT 5 that stay the same however often one asks: who we are, what we may, or how the message is made. The
# others say that the broker is busy, has its quota filled, or is not well.
_FINAL_REASONS = frozenset((0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C, 0x90, 0x95, 0x99, 0x9A, 0x9B, 0x9D))


class Protocol(StrEnum):
    """Whose numbers an answer has."""

    HTTP = "HTTP"
    SMTP = "SMTP"
    MQTT = "MQTT"


@dataclass(frozen=True, slots=True)
class Said:
    """A server's refusal, or its acceptance."""

    status: int  #: of its protocol, of MQTT the reason code; 0 where the line broke before an answer came
    text: str  #: one line
    retry_after_s: float | None = None
    protocol: Protocol = Protocol.HTTP

    @property
    def is_refusal(self) -> bool:
        """Return whether it says no, or nothing."""
        return self.status >= 400 or not self.status or self.protocol is not Protocol.HTTP

    @property
    def is_final(self) -> bool:
        """Return whether trying again cannot help: HTTP 4xx but 408, 425 and 429; SMTP 5xx; MQTT by its reason."""
        if self.protocol is Protocol.SMTP:
            return 500 <= self.status < 600
        if self.protocol is Protocol.MQTT:
            return self.status in _FINAL_REASONS
        return 400 <= self.status < 500 and self.status not in {408, 425, 429}


@dataclass(slots=True)
class Attempt:
    """One attempt to hand a message to one service."""

    message: Message
    taken: set[str]  #: marks of the recipients and parts that need it no more; grows
    said: list[Said] = field(default_factory=list)


current: ContextVar[Attempt | None] = ContextVar("tripoint_attempt", default=None)


def remember_who_has_it(service: NotifyBase) -> None:
    """Let a service skip, when a message is tried again, the recipients and parts that were accepted."""

    def mark(key: Any, per_message: bool) -> str:
        kind = "part" if type(key) is object else repr(key)
        return hashlib.sha256(f"{service._slot('', per_message)} {kind}".encode()).hexdigest()[:16]

    def is_delivered(key: Any, per_message: bool = False) -> bool:
        attempt = current.get()
        return attempt is not None and mark(key, per_message) in attempt.taken

    def mark_delivered(key: Any, per_message: bool = False) -> None:
        if attempt := current.get():
            attempt.taken.add(mark(key, per_message))

    service.is_delivered = is_delivered  # type: ignore[method-assign]  # Apprise asks these two before each part
    service.mark_delivered = mark_delivered  # type: ignore[method-assign]


class _WatchedSession(requests.Session):
    """Tells the attempt in whose context it sends what the server answered, and goes only where that may go."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, GuardedAdapter())

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send as always, and note the answer."""
        attempt = current.get()
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            if attempt is not None:
                attempt.said.append(Said(0, (_refusal(error.request or request) or _named(error))[:_LONGEST_SAID]))
            raise
        if attempt is not None:
            attempt.said.append(
                Said(response.status_code, one_line(response.text[:2000])[:_LONGEST_SAID], asked_wait_s(response))
            )
        return response


def _refusal(request: requests.Request | requests.PreparedRequest) -> str:
    name, guard = urlsplit(str(request.url)).hostname or "", in_force.get()
    refusal = guard.refusal(name) if guard else ""
    return f"{name} {refusal}" if refusal else ""


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(str(error))}"


def watch_answers() -> None:
    """Have `requests` make sessions that tell what was answered; without an attempt nothing changes."""
    requests.sessions.Session = _WatchedSession  # type: ignore[misc]  # its plugins call requests.post(), which asks here


def asked_wait_s(response: requests.Response) -> float | None:
    """Return how long a server asks us to wait: by its header, else as Telegram, Discord and Matrix say it."""
    if response.status_code not in {429, 503}:
        return None
    header = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    if header:
        try:
            return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return None
    return _wait_in_body(response.text)


def _wait_in_body(text: str) -> float | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    inner = body.get("parameters")
    for found, unit in (
        (body.get("retry_after"), 1.0),
        (inner.get("retry_after") if isinstance(inner, dict) else None, 1.0),
        (body.get("retry_after_ms"), 0.001),
    ):
        if isinstance(found, int | float) and found >= 0:
            return float(found) * unit
    return None
