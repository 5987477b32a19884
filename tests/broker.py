"""A real MQTT broker on loopback: Mosquitto with TLS, logins and a topic that nobody may write to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.mail import certificate
from tests.servers import missing

USER = "tripoint"
READER = "reader"
PASSWORD = "correct-horse-battery"
TOPIC = "desk/alerts"
CLOSED = "desk/closed"
_START_S = 20.0


class Broker:
    """Runs while the `with` lasts; `stop` and `start` take it down and up again."""

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        """Prepare one; one that `keeps` knows its readers, and what they have not got, when it is started again."""
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if found is None:
            missing("Mosquitto", "mosquitto")
        self._program = found
        self._folder = folder
        self._keeps = keeps
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.tls_port = _free_port(), _free_port()
        self.authority = folder / "authority.pem"
        certificate(folder)
        self._write_settings()

    def _write_settings(self) -> None:
        passwords = self._folder / "passwords"
        passwords.write_text(f"{USER}:{PASSWORD}\n{READER}:{PASSWORD}\n", encoding="utf-8")
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True, capture_output=True)
        rights = f"user {USER}\ntopic write {TOPIC}\nuser {READER}\ntopic read #\n"
        (self._folder / "rights").write_text(rights, encoding="utf-8")
        pem = self._folder / "server.pem"
        settings = f"""
per_listener_settings false
allow_anonymous false
password_file {passwords}
acl_file {self._folder / "rights"}
listener {self.port} 127.0.0.1
listener {self.tls_port} 127.0.0.1
certfile {pem}
keyfile {pem}
persistence {str(self._keeps).lower()}
persistence_location {self._folder}/
max_queued_messages 0
log_dest file {self._folder / "log"}
"""
        if os.getuid() == 0:
            settings = f"user root\n{settings}"  # else it gives up its rights, and with them this folder
        (self._folder / "mosquitto.conf").write_text(settings, encoding="utf-8")

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [self._program, "-c", self._folder / "mosquitto.conf"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waiting = threading.Event()
        for _ in range(int(_START_S / 0.05)):
            if self._process.poll() is not None:
                break
            if all(_listens(port) for port in (self.port, self.tls_port)):
                return
            waiting.wait(0.05)
        log = self._folder / "log"
        raise AssertionError(f"Mosquitto does not listen: {log.read_text() if log.exists() else 'no log'}")

    def stop(self) -> None:
        """Take it down."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing until it is let go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again, beginning with what came meanwhile."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def url(self, password: str = PASSWORD, topic: str = TOPIC) -> str:
        """Return the Apprise URL of a topic, without TLS."""
        return f"mqtt://{USER}:{password}@127.0.0.1:{self.port}/{topic}"

    def tls_url(self) -> str:
        """Return the Apprise URL of the topic, with TLS."""
        return f"mqtts://{USER}:{PASSWORD}@127.0.0.1:{self.tls_port}/{TOPIC}"


class Subscriber:
    """Reads every topic of a broker while the `with` lasts."""

    def __init__(self, broker: Broker, name: str = "") -> None:
        """Prepare one; a broker that keeps knows one with a `name` again, and what it did not get."""
        self.received: list[tuple[str, str]] = []
        self.repeated: list[tuple[str, str]] = []  #: by the broker, which did not hear that they had come
        self._came = threading.Condition()
        self._is_ready = threading.Event()
        self._port = broker.port
        self._lasting = Properties(PacketTypes.CONNECT)
        self._lasting.SessionExpiryInterval = 3600 if name else 0
        self._is_new = not name
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.username_pw_set(READER, PASSWORD)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._is_ready.set()
        self._client.on_message = self._take

    def _take(self, client: Client, data: object, message: Any) -> None:
        told = (message.topic, message.payload.decode())
        with self._came:
            # What a broker sends anew is marked, as what a client sends anew is not: it comes as a message of its own.
            (self.repeated if message.dup and told in self.received else self.received).append(told)
            self._came.notify_all()

    def __enter__(self) -> Self:
        """Subscribe."""
        self._client.connect("127.0.0.1", self._port, clean_start=self._is_new, properties=self._lasting)
        self._client.loop_start()
        assert self._is_ready.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Read no more."""
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, number: int) -> list[tuple[str, str]]:
        """Wait until so many messages have come, and return all there are: topic and text."""
        with self._came:
            self._came.wait_for(lambda: len(self.received) >= number, 20)
            return list(self.received)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
