"""MQTT of our own: a message counts as accepted once the broker said so.

Apprise's own counts one as accepted as soon as it is written to the socket, by default without asking for an answer;
one that is written before the broker refuses the login is lost in silence.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apprise import NotifyType
from apprise.plugins.mqtt import NotifyMQTT

from alerts.attempt import Protocol, Said, current
from tripoint.domain.text import one_line

_PATIENCE_S = 30
_LOOK_S = 0.2
_MQTT_5: Any = 5  # its number, in the protocol as in paho
_FAILED = 0x80  # reason codes from here on are failures


@dataclass(slots=True)
class _Heard:
    """What the broker has answered so far."""

    welcome: Any = None
    received: dict[int, Any] = field(default_factory=dict)


class AcknowledgedMqtt(NotifyMQTT):
    """Apprise's address and topics; each message over a connection of its own, until the broker has it.

    MQTT 5 unless the URL says `version=`, since an older broker's answer does not say that it refused a message; QoS 1
    unless it says `qos=`.
    """

    service_name = "MQTT"
    request_rate_per_sec = 0.0
    socket_connect_timeout = _PATIENCE_S
    socket_read_timeout = _PATIENCE_S

    def __init__(self, version: str | None = None, qos: Any = None, **settings: Any) -> None:
        is_newest = version is None or re.sub(r"\D", "", version) in {"5", "50"}
        # Apprise cannot be made for MQTT 5: the client that it makes, and that we do not use, refuses.
        super().__init__(version=None if is_newest else version, qos=1 if qos is None else qos, **settings)
        if is_newest:
            self.version = "v5.0"
            self.mqtt_protocol = _MQTT_5

    def send(self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, **settings: Any) -> bool:
        """Publish the body on each topic that has not got it."""
        heard = _Heard()
        client = self._client(heard)
        try:
            client.connect(self.host, port=self.port, keepalive=_PATIENCE_S)
            self._wait(client, lambda: heard.welcome is not None)
            if _is_refused(heard.welcome):
                return False
            published = [self._publish(client, heard, topic, body) for topic in self.topics]
            return all(published)  # and every topic was tried: what one refuses, another may take
        except (OSError, ValueError) as error:  # the second is a topic that cannot be
            _note(Said(0, f"{type(error).__name__}: {one_line(str(error))}", protocol=Protocol.MQTT))
            return False
        finally:
            client.disconnect()

    def _client(self, heard: _Heard) -> Any:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id or "",
            protocol=self.mqtt_protocol,
            reconnect_on_failure=False,  # the outbox tries again
        )
        client.connect_timeout = float(self.socket_connect_timeout)
        if self.user:
            client.username_pw_set(self.user, self.password)
        if self.secure:
            context = ssl.create_default_context()
            if not self.verify_certificate:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            client.tls_set_context(context)

        def welcome(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            heard.welcome = reason

        def received(_client: Any, _data: Any, number: int, reason: Any, _properties: Any) -> None:
            heard.received[number] = reason

        client.on_connect = welcome
        client.on_publish = received
        return client

    def _publish(self, client: Any, heard: _Heard, topic: str, body: Any) -> bool:
        if self.is_delivered(topic):
            return True
        told = client.publish(topic, payload=body, qos=self.qos, retain=self.retain)
        self._wait(client, lambda: told.mid in heard.received)
        if _is_refused(heard.received[told.mid]):
            return False
        self.mark_delivered(topic)
        return True

    def _wait(self, client: Any, has_come: Callable[[], bool]) -> None:
        """Read what the broker says until it has come; raises `OSError` when the line breaks or nothing comes."""
        end = time.monotonic() + self.socket_read_timeout
        while not has_come():
            if time.monotonic() > end:
                raise TimeoutError("the broker does not answer")
            problem = client.loop(timeout=_LOOK_S)
            if problem and not has_come():
                raise ConnectionError(_in_words(problem))


def _is_refused(reason: Any) -> bool:
    """Return whether a reason is a failure, and note it in the attempt."""
    if reason.value < _FAILED:
        return False
    _note(Said(reason.value, one_line(str(reason)), protocol=Protocol.MQTT))
    return True


def _in_words(problem: int) -> str:
    from paho.mqtt.client import error_string
    from paho.mqtt.enums import MQTTErrorCode

    return one_line(error_string(MQTTErrorCode(problem)))


def _note(said: Said) -> None:
    attempt = current.get()
    if attempt is not None:
        attempt.said.append(said)
