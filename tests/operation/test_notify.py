"""What systemd hears: ready, alive, reloading, stopping; over a real socket, and nothing where the loop stands still."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House
from tests.operation.heard import DEADLINE_S, Heard
from tripoint.app.notify import Systemd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no systemd")


class Manager:
    """The socket on which systemd listens."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def next(self, wait_s: float = DEADLINE_S) -> dict[str, str]:
        """Return the next message by its variables, empty where none comes in time."""
        self._socket.settimeout(wait_s)
        try:
            message = self._socket.recv(4096).decode()
        except TimeoutError:
            return {}
        return dict(line.split("=", 1) for line in message.split("\n"))

    def wait_for(self, variable: str) -> dict[str, str]:
        """Return the next message that holds a variable; fails where none comes."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if variable in (message := self.next()):
                return message
        raise AssertionError(f"nobody said {variable}")

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@pytest.fixture
def manager() -> Iterator[Manager]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are too long for such an address
        listening = Manager(f"{folder}/notify")
        yield listening
        listening.close()


def test_the_service_tells_systemd_of_its_life(house: House, manager: Manager) -> None:
    house.environment |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1500000"}
    service = house.start("run")
    heard = Heard(service)
    ready = manager.wait_for("READY")
    assert ready["READY"] == "1"
    assert ready["STATUS"].startswith("watching 0 sources")
    for _ in range(2):
        assert manager.wait_for("WATCHDOG")["WATCHDOG"] == "1"
    heard.send(signal.SIGHUP)
    reloading = manager.wait_for("RELOADING")
    assert 0 < int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.wait_for("READY")["READY"] == "1"
    heard.send(signal.SIGTERM)
    assert manager.wait_for("STOPPING")["STOPPING"] == "1"
    assert heard.end(signal.SIGTERM) == 0, heard.lines


def test_a_loop_that_stands_still_and_a_service_that_is_not_alive_leave_the_watchdog_hungry(manager: Manager) -> None:
    alive = True

    async def is_alive() -> bool:
        return alive

    async def live() -> list[dict[str, str]]:
        nonlocal alive
        feeding = asyncio.create_task(Systemd(manager.address, watchdog_s=0.15).feed(is_alive))
        await asyncio.sleep(0.2)
        while manager.next(0.01):
            pass
        time.sleep(0.5)  # noqa: ASYNC251 - the loop stands still, which is what is tried
        still = manager.next(0.01)
        await asyncio.sleep(0.2)
        again = manager.next(0.01)
        alive = False
        await asyncio.sleep(0.1)
        while manager.next(0.01):
            pass
        await asyncio.sleep(0.3)
        dead = manager.next(0.01)
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        return [still, again, dead]

    assert asyncio.run(live()) == [{}, {"WATCHDOG": "1"}, {}]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, Systemd()),
        ({"NOTIFY_SOCKET": "somewhere"}, Systemd()),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000"}, Systemd("/run/x", 30.0)),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, Systemd("@x", 30.0)),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "9"}, Systemd("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "often"}, Systemd("@x")),
    ],
)
def test_what_systemd_says_in_the_environment(environ: dict[str, str], wanted: Systemd) -> None:
    assert Systemd.of(environ, pid=8) == wanted


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract addresses")
def test_an_abstract_address_is_reached_and_a_missing_one_stops_nothing(tmp_path: Path) -> None:
    listening = Manager(f"@{tmp_path}")
    Systemd(listening.address).status("two\nlines\nREADY=1")
    assert listening.next() == {"STATUS": "two lines READY=1"}
    listening.close()
    Systemd(listening.address).ready()
