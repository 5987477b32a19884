"""Where alerts go: one Apprise service each. Its address is a secret, and never leaves this file in any text."""

from __future__ import annotations

import logging
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apprise import Apprise, NotifyBase, NotifyFormat, NotifyType
from apprise.plugins.email import NotifyEmail

from alerts.render import Format, Message
from tripoint.domain.errors import SettingsError
from tripoint.domain.text import one_line
from tripoint.domain.types import Outcome

_APPRISE_FORMATS = {
    Format.TEXT: NotifyFormat.TEXT,
    Format.MARKDOWN: NotifyFormat.MARKDOWN,
    Format.HTML: NotifyFormat.HTML,
}
_OF_APPRISE = {each.value: ours for ours, each in _APPRISE_FORMATS.items()}
_LONGEST_DETAIL = 300
_REST_BETWEEN_MAILS_S = 0.05
# What a service says when trying again cannot help: HTTP 4xx but 408, 425 and 429; SMTP 5xx.
_HTTP_STATUS = re.compile(r"error\s*=\s*(\d{3})|\bHTTP[^\d]{0,10}(\d{3})\b", re.IGNORECASE)
_SMTP_STATUS = re.compile(r"\((\d{3}),\s*b?['\"]|:\s*\((\d{3}),")
_RETRYABLE_HTTP = frozenset({408, 425, 429})


class Secret:
    """A text that no log, error or page may show."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def reveal(self) -> str:
        """Return the text itself, for the one who hands it to the service."""
        return self._value


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service made of a message."""

    outcome: Outcome
    detail: str  #: one line, no secrets
    retry_after_s: float | None = None  #: what the service asked for when it refused


class ConsoleNotification(NotifyBase):  # type: ignore[no-untyped-call]
    """Writes alerts to a stream; a service like any other, so that nothing treats it apart."""

    service_name = "Console"  # type: ignore[assignment]  # Apprise declares None and expects text
    protocol = "console"  # type: ignore[assignment]
    notify_format = NotifyFormat.TEXT
    body_maxlen = 1_000_000
    title_maxlen = 0  # the body begins with the title
    request_rate_per_sec = 0.0  # Apprise spares remote services; a terminal needs no rest

    def __init__(self, write: Callable[[str], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._write = write

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """Return the address; there is nothing secret in it."""
        return "console://"

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **kwargs: Any) -> bool:
        """Write one alert."""
        self._write(body)
        return True


class Channel:
    """One place to which alerts go."""

    def __init__(self, name: str, service: NotifyBase, form: Format, secrets: tuple[str, ...] = ()) -> None:
        self.name = name
        self.form = form
        self.kind = str(service.service_name)
        self._secrets = secrets
        self._shows_subject = not isinstance(service, ConsoleNotification)  # there the body begins with the title
        self._apprise = Apprise()
        self._apprise.add(service)

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.kind})"

    async def send(self, message: Message, timeout_s: float) -> Answer:
        """Hand a message to the service and say what became of it; never raises for what the service does."""
        result = await self._apprise.async_notify(
            body=message.body,
            title=message.subject if self._shows_subject else "",
            body_format=_APPRISE_FORMATS[message.format],
            timeout=timeout_s,
            log_level=logging.DEBUG,
        )
        if result:
            return Answer(Outcome.ACCEPTED, "accepted")
        logs = [str(entry.message) for service in result for attempt in service.attempts for entry in attempt.logs]
        timed_out = result.status.name == "TIMEOUT"
        return Answer(
            Outcome.TRANSIENT if timed_out else classify(logs),
            f"no answer within {timeout_s:g} s" if timed_out else self._detail(logs),
        )

    def _detail(self, logs: list[str]) -> str:
        telling = [
            each for each in logs if _HTTP_STATUS.search(each) or _SMTP_STATUS.search(each) or "xception" in each
        ]
        text = one_line(" / ".join(dict.fromkeys([*telling, *logs[-1:]])) or "the service refused it")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_LONGEST_DETAIL]


def classify(logs: list[str]) -> Outcome:
    """Return whether trying again can help, by what the service said; when in doubt it can."""
    for text in logs:
        for found in _HTTP_STATUS.finditer(text):
            status = int(found[1] or found[2])
            if 400 <= status < 500 and status not in _RETRYABLE_HTTP:
                return Outcome.PERMANENT
        for found in _SMTP_STATUS.finditer(text):
            if 500 <= int(found[1] or found[2]) < 600:
                return Outcome.PERMANENT
    return Outcome.TRANSIENT


def open_channel(name: str, url: Secret, form: str, write: Callable[[str], None]) -> Channel:
    """Return the channel of an Apprise URL; `write` is where `console://` goes.

    Raises `SettingsError`, which names the channel and never the URL.
    """
    address = url.reveal().strip()
    if address.startswith("console://"):
        return Channel(name, ConsoleNotification(write), Format(form) if form else Format.TEXT)
    # Apprise truncates what is too long unless told to split it.
    joint = "&" if "?" in address else "?"
    _keep_logs_in()
    service = Apprise.instantiate(address if "overflow=" in address else f"{address}{joint}overflow=split")
    if service is None:
        raise SettingsError(
            f"channel `{name}`: its URL is none that Apprise knows",
            "see https://github.com/caronc/apprise/wiki for the forms",
        )
    if isinstance(service, NotifyEmail):
        # Apprise rests 5.5 s between any two mails, a default made for web services; our outbox backs off by itself.
        service.request_rate_per_sec = _REST_BETWEEN_MAILS_S
    chosen = (
        Format(form) if form else _OF_APPRISE.get(str(getattr(service.notify_format, "value", "text")), Format.TEXT)
    )
    return Channel(name, service, chosen, _secrets_in(address))


def _keep_logs_in() -> None:
    """Let Apprise log all it knows into its results, for the reason of a failure, and nothing anywhere else.

    What it logs about a bad URL is the URL.
    """
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    # What HTTP libraries log at DEBUG is the path of each request, which for a webhook is its token.
    logging.getLogger("urllib3").setLevel(logging.INFO)


def _secrets_in(address: str) -> tuple[str, ...]:
    """Return every part of an Apprise URL that may be a password or token, the longest first."""
    parts = urllib.parse.urlsplit(address)
    found = {address, parts.netloc, parts.password or "", parts.username or "", parts.query}
    found.update(parts.path.split("/"))
    for _, value in urllib.parse.parse_qsl(parts.query):
        found.add(value)
    plain = found | {urllib.parse.unquote(each) for each in found}
    return tuple(sorted((each for each in plain if len(each) >= 4), key=len, reverse=True))
