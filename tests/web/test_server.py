"""The page as a command serves it: its address is said, a port in use stops nothing, and a signal ends it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.request
from http.client import HTTPConnection

import pytest

from tests.house import House, page_address

STOP_WITHIN_S = 10


def ended(process: subprocess.Popen[str]) -> str:
    """Ask a process to end, and return what it said."""
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 0, complained
    assert "Traceback" not in complained
    return said + complained


def test_run_says_the_address_and_serves_there(house: House) -> None:
    service = house.start("run")
    page = page_address(service)
    with urllib.request.urlopen(page) as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    begun = time.monotonic()
    ended(service)
    assert time.monotonic() - begun < STOP_WITHIN_S


def test_web_serves_beside_a_running_service(house: House) -> None:
    service = house.start("run")
    page_address(service)
    looking = house.start("web", "--port", "0")
    with urllib.request.urlopen(page_address(looking)) as answer:
        assert answer.status == 200
    ended(looking)
    ended(service)


def test_an_open_connection_does_not_keep_it_from_ending(house: House) -> None:
    looking = house.start("web")
    host = page_address(looking).removeprefix("http://")
    idle, half = HTTPConnection(host), socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])))
    idle.request("GET", "/")
    idle.getresponse().read()
    half.sendall(b"GET / HTTP/1.1\r\nHost: x")
    begun = time.monotonic()
    ended(looking)
    assert time.monotonic() - begun < STOP_WITHIN_S
    idle.close()
    half.close()


def test_a_port_in_use_is_said_and_the_watching_goes_on(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        house.settings["web"]["port"] = port
        service = house.start("run")
        assert service.stderr is not None
        said = f"no page, and no /healthz: 127.0.0.1, port {port}: Address already in use — "
        line = service.stderr.readline()
        assert said in line
        assert '"level": "warning"' in line
        assert "watching" in service.stderr.readline()
        ended(service)
        refused = house.run("web", code=1)
        assert "Address already in use" in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1


def test_without_a_page_there_is_none(house: House) -> None:
    house.settings["web"]["enabled"] = False
    service = house.start("run")
    assert service.stderr is not None
    assert "watching" in service.stderr.readline()
    assert "page" not in ended(service)


@pytest.mark.parametrize("verb", ["run", "web"])
def test_the_world_is_not_let_in_without_a_token(house: House, verb: str) -> None:
    house.settings["web"]["host"] = "0.0.0.0"
    refused = house.run(verb, code=2)
    assert "open to everybody" in refused.stderr
    findings = json.loads(house.run("doctor", "--json", code=1).stdout)
    assert any(each["check"] == "page" and not each["good"] for each in findings)
