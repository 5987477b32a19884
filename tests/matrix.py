"""A real Matrix homeserver on loopback: Synapse, in an environment of its own, with SQLite and no federation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from tests.servers import missing

ROOT = Path(__file__).resolve().parents[1]
SYNAPSE = Path(os.environ.get("TRIPOINT_SYNAPSE_PYTHON", ROOT / ".venv" / "matrix" / "bin" / "python"))
NAME = "desk.example"
_START_S = 90.0
_SECRET = "only-for-this-test"

_SETTINGS: dict[str, Any] = {
    "server_name": NAME,
    "report_stats": False,
    "trusted_key_servers": [],
    "suppress_key_server_warning": True,
    "federation_domain_whitelist": [],
    "registration_shared_secret": _SECRET,
    "macaroon_secret_key": _SECRET,
    "form_secret": _SECRET,
    "presence": {"enabled": False},
    "rc_login": {each: {"per_second": 100, "burst_count": 100} for each in ("address", "account", "failed_attempts")},
    "rc_joins": {each: {"per_second": 100, "burst_count": 100} for each in ("local", "remote")},
    "rc_message": {"per_second": 0.001, "burst_count": 2},
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    name: str
    password: str
    token: str

    @property
    def id(self) -> str:
        """Return the name by which servers know her."""
        return f"@{self.name}:{NAME}"


@dataclass(frozen=True, slots=True)
class RoomMessage:
    """A message of a room, as its members get it."""

    event_id: str
    sender: str
    body: str
    html: str


class Homeserver:
    """Runs while the `with` lasts; `stop` and `start` take it down and up again with all that it knows."""

    def __init__(self, folder: Path) -> None:
        if not SYNAPSE.exists():
            missing("Synapse", "", "make matrix")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Person | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._write_settings()

    def _write_settings(self) -> None:
        log = {
            "version": 1,
            "formatters": {"plain": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
            "handlers": {
                "file": {
                    "class": "logging.FileHandler", "formatter": "plain", "filename": str(self._folder / "synapse.log")
                }
            },
            "root": {"level": "WARNING", "handlers": ["file"]},
        }  # fmt: skip
        (self._folder / "log.json").write_text(json.dumps(log), encoding="utf-8")
        settings = {
            **_SETTINGS,
            "pid_file": str(self._folder / "synapse.pid"),
            "signing_key_path": str(self._folder / "signing.key"),
            "media_store_path": str(self._folder / "media"),
            "log_config": str(self._folder / "log.json"),
            "database": {"name": "sqlite3", "args": {"database": str(self._folder / "synapse.db")}},
            "listeners": [
                {
                    "port": self.port,
                    "type": "http",
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client"]}],
                }
            ],
        }
        (self._folder / "homeserver.yaml").write_text(json.dumps(settings), encoding="utf-8")  # YAML reads JSON

    def __enter__(self) -> Self:
        """Make its key, and start it."""
        seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        (self._folder / "signing.key").write_text(f"ed25519 a_test {seed}\n", encoding="utf-8")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [SYNAPSE, "-m", "synapse.app.homeserver", "--config-path", self._folder / "homeserver.yaml"]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        waiting = threading.Event()
        for _ in range(int(_START_S / 0.1)):
            if self._process.poll() is not None:
                break
            if self._answers():
                return
            waiting.wait(0.1)
        log = self._folder / "synapse.log"
        raise AssertionError(f"Synapse does not answer: {log.read_text() if log.exists() else 'no log'}")

    def stop(self) -> None:
        """Take it down; what it was told stays in its files."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def person(self, name: str, password: str) -> Person:
        """Register an account that may write as often as it likes."""
        return self.unlimited(self.hurried(name, password))

    def hurried(self, name: str, password: str) -> Person:
        """Register an account that may write twice and then hardly ever."""
        return self._register(name, password, is_admin=False)

    def unlimited(self, person: Person) -> Person:
        """Let somebody write as often as she likes."""
        if self._admin is None:
            self._admin = self._register("admin", _SECRET, is_admin=True)
        told = {"messages_per_second": 0, "burst_count": 0}
        self._call("POST", f"/_synapse/admin/v1/users/{quote(person.id)}/override_ratelimit", told, self._admin)
        return person

    def _register(self, name: str, password: str, *, is_admin: bool) -> Person:
        nonce = self._call("GET", "/_synapse/admin/v1/register")["nonce"]
        parts = (nonce, name, password, "admin" if is_admin else "notadmin")
        mac = hmac.new(_SECRET.encode(), "\0".join(parts).encode(), hashlib.sha1)
        told = {"nonce": nonce, "username": name, "password": password, "admin": is_admin, "mac": mac.hexdigest()}
        answer = self._call("POST", "/_synapse/admin/v1/register", told)
        return Person(name, password, answer["access_token"])

    def room(self, owner: Person, *guests: Person) -> str:
        """Make a room that these are in, and return its id."""
        wanted = {"preset": "private_chat", "invite": [each.id for each in guests]}
        room = str(self._call("POST", "/_matrix/client/v3/createRoom", wanted, owner)["room_id"])
        for each in guests:
            self._call("POST", f"/_matrix/client/v3/join/{quote(room)}", {}, each)
        return room

    def messages(self, room: str, reader: Person) -> list[RoomMessage]:
        """Return what was said in a room, oldest first, as a member reads it."""
        path = f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit=1000"
        events = self._call("GET", path, None, reader)["chunk"]
        return [
            RoomMessage(
                each["event_id"],
                each["sender"],
                each["content"].get("body", ""),
                each["content"].get("formatted_body", ""),
            )
            for each in reversed(events)
            if each["type"] == "m.room.message"
        ]

    def log_out(self, person: Person) -> None:
        """End every session of an account but the one of the token that we hold; its other tokens are void."""
        devices = self._call("GET", "/_matrix/client/v3/devices", None, person)["devices"]
        mine = self._call("GET", "/_matrix/client/v3/account/whoami", None, person)["device_id"]
        for each in devices:
            if each["device_id"] != mine:
                self._delete_device(each["device_id"], person)

    def _delete_device(self, device: str, person: Person) -> None:
        proof = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": person.name},
            "password": person.password,
        }
        self._call("DELETE", f"/_matrix/client/v3/devices/{quote(device)}", {"auth": proof}, person)

    def _answers(self) -> bool:
        try:
            self._call("GET", "/_matrix/client/versions")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def _call(self, method: str, path: str, told: object = None, person: Person | None = None) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        request.add_header("Content-Type", "application/json")
        if person is not None:
            request.add_header("Authorization", f"Bearer {person.token}")
        data = None if told is None else json.dumps(told).encode()
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.loads(answer.read())
