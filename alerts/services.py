"""The services behind channels: Apprise's, or our own kinds of them where Apprise's would lose or break a message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from apprise import Apprise, NotifyBase, NotifyFormat, NotifyType
from apprise.exception import AppriseImproperlyConfigured

from alerts.mail import StoryMail
from alerts.matrix import RoomMessage
from alerts.message import Format
from alerts.mqtt import AcknowledgedMqtt
from tripoint.domain.errors import SettingsError

_PATIENCE_S = 30.0
_LONG_ENOUGH = 10_000
_OURS: dict[str, type[NotifyBase]] = {
    "mailto": StoryMail,
    "mailtos": StoryMail,
    "matrix": RoomMessage,
    "matrixs": RoomMessage,
    "mqtt": AcknowledgedMqtt,
    "mqtts": AcknowledgedMqtt,
}


class ConsoleNotification(NotifyBase):
    """Writes alerts to a stream; a service like any other, so that nothing treats it apart."""

    service_name = "Console"  # type: ignore[assignment]  # Apprise declares None and expects text
    protocol = "console"  # type: ignore[assignment]
    notify_format = NotifyFormat.TEXT
    body_maxlen = 1_000_000
    title_maxlen = 0  # the body begins with the title
    request_rate_per_sec = 0.0  # Apprise spares remote services; a terminal needs no rest

    def __init__(self, write: Callable[[str], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._write = write

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """Return the address; there is nothing secret in it."""
        return "console://"

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **kwargs: Any) -> bool:
        """Write one alert."""
        self._write(body)
        return True


def open_service(name: str, address: str, write: Callable[[str], None]) -> NotifyBase:
    """Return the service of an Apprise URL; raises `SettingsError`, which names the channel and never the URL."""
    if address.startswith("console://"):
        return ConsoleNotification(write)
    # Apprise truncates what is too long unless told to split it.
    joint = "&" if "?" in address else "?"
    whole = address if "overflow=" in address else f"{address}{joint}overflow=split"
    ours = _OURS.get(address.partition("://")[0].lower())
    if ours is AcknowledgedMqtt and not AcknowledgedMqtt.enabled:
        raise SettingsError(
            f"channel `{name}`: MQTT needs the library paho-mqtt", 'install it with: pip install "tripoint[mqtt]"'
        )
    service = _ours(ours, whole) if ours else Apprise.instantiate(whole)
    if service is None:
        raise SettingsError(
            f"channel `{name}`: its URL is none that Apprise knows",
            "see https://github.com/caronc/apprise/wiki for the forms; some need a package more",
        )
    if "rto=" not in address:
        service.socket_read_timeout = _PATIENCE_S  # Apprise's 4 s make a slow server get everything twice
    return service


def _ours(kind: type[NotifyBase], address: str) -> NotifyBase | None:
    parsed = kind.parse_url(address)
    try:
        return kind(**parsed) if parsed else None
    except AppriseImproperlyConfigured:
        return None


def best_form(service: NotifyBase) -> Format:
    """Return how a service shows most: HTML where it is its own way, else Markdown."""
    declared: Any = service.notify_format
    known = [each.value for each in (declared if isinstance(declared, tuple) else (declared,))]
    if known[0] == "html" or "markdown" not in known:
        return Format(known[0])
    return Format.MARKDOWN


def room_for(service: NotifyBase) -> int:
    """Return how long a message may be for a service to take it whole, 0 for any length that we write."""
    longest = int(service.body_maxlen)
    return 0 if isinstance(service, StoryMail | ConsoleNotification) or longest > _LONG_ENOUGH else longest


def keep_logs_in() -> None:
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
