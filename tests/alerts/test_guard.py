"""Webhooks that lead inside: refused after their names were resolved, at each redirect too, unless the settings say so."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import requests

from alerts.attempt import watch_answers
from alerts.channels import Answer, Secret, open_channel
from alerts.guard import GuardedAdapter, in_force
from alerts.message import Format, Message
from tests import receiver as r
from tests.house import House
from tests.receiver import Receiver
from tripoint.domain.addresses import AddressGuard
from tripoint.domain.types import Outcome


def send(url: str, *allowed: str) -> Answer:
    channel = open_channel("hook", Secret(url), "", print, guard=AddressGuard(allowed, "alerts.allowed_hosts"))
    return asyncio.run(channel.send(Message("s", "b", Format.TEXT), 60))


@pytest.mark.parametrize("spelling", ["127.0.0.1", "localhost", "2130706433", "127.0.0.1.", "LOCALHOST"])
def test_no_spelling_of_an_inside_host_gets_a_message(spelling: str) -> None:
    with Receiver(lambda path, number: (200, {}, "ok")) as server:
        answer = send(f"json://{spelling}:{server.address.rpartition(':')[2]}/s3cr3t-hook")
    assert answer.outcome is Outcome.TRANSIENT  # nothing is lost until the operator has said what he wants
    assert server.received == []
    assert "s3cr3t" not in answer.detail


def test_the_refusal_says_what_to_mend_and_then_it_goes() -> None:
    with Receiver(lambda path, number: (200, {}, "ok")) as server:
        refused = send(f"json://{server.address}/hook")
        assert "leads to an address inside the network (127.0.0.1); alerts.allowed_hosts can allow it" in refused.detail
        assert send(f"json://{server.address}/hook", "127.0.0.0/8").outcome is Outcome.ACCEPTED
        port = server.address.rpartition(":")[2]
        assert send(f"json://localhost:{port}/hook", "localhost").outcome is Outcome.ACCEPTED
    assert len(server.received) == 2


@pytest.mark.parametrize("goal", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.2:{port}/inside"])
def test_a_redirect_inside_is_refused_where_it_leads(goal: str) -> None:
    """The hook's own host is allowed; where it sends us is not."""
    with Receiver(lambda path, number: (200, {}, "ok")) as inside:
        target = goal.format(port=inside.address.rpartition(":")[2])
        with Receiver(lambda path, number: (307, {"Location": target}, "")) as hook:
            answer = send(f"json://{hook.address}/hook", "127.0.0.1")
        assert len(hook.received) == 1
        assert inside.received == []
    assert answer.outcome is Outcome.TRANSIENT
    assert "alerts.allowed_hosts" in answer.detail


def test_the_connection_is_made_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time gets no second look."""
    looks: list[str] = []
    usual = socket.getaddrinfo

    def rebinding(host: str, *arguments: object, **more: object) -> object:
        if host != "rebind.example":
            return usual(host, *arguments, **more)  # type: ignore[arg-type]
        looks.append(host)
        return usual("127.0.0.3" if len(looks) == 1 else "127.0.0.1", *arguments, **more)  # type: ignore[arg-type]

    with Receiver(lambda path, number: (200, {}, "ok")) as server:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        answer = send(f"json://rebind.example:{server.address.rpartition(':')[2]}/hook", "127.0.0.3")
    assert looks == ["rebind.example"]
    assert server.received == []
    assert answer.outcome is Outcome.TRANSIENT


def test_a_name_with_an_inside_and_an_outside_address_is_reached_at_the_outside_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = socket.getaddrinfo

    def both(host: str, *arguments: object, **more: object) -> object:
        if host != "both.example":
            return usual(host, *arguments, **more)  # type: ignore[arg-type]
        return [*usual("127.0.0.9", *arguments, **more), *usual("127.0.0.1", *arguments, **more)]  # type: ignore[arg-type]

    with Receiver(lambda path, number: (200, {}, "ok")) as server:
        monkeypatch.setattr(socket, "getaddrinfo", both)
        answer = send(f"json://both.example:{server.address.rpartition(':')[2]}/hook", "127.0.0.1")
    assert answer.outcome is Outcome.ACCEPTED


def test_a_proxy_is_judged_too() -> None:
    in_force.set(AddressGuard())
    with requests.Session() as session, Receiver(lambda path, number: (200, {}, "ok")) as proxy:
        session.mount("http://", GuardedAdapter())
        with pytest.raises(requests.ConnectionError, match="inside the network"):
            session.post("http://hooks.example/x", json={}, proxies={"http": f"http://{proxy.address}"}, timeout=60)
    in_force.set(None)
    assert proxy.received == []


def test_every_session_that_a_plugin_gets_is_guarded() -> None:
    watch_answers()
    with requests.sessions.Session() as session:
        assert {type(each) for each in session.adapters.values()} == {GuardedAdapter}


def test_the_settings_reach_the_channels(house: House, tmp_path: Path) -> None:
    with Receiver(lambda path, number: r.SLACK_OK) as server:
        (tmp_path / "hook").write_text(f"json://{server.address}/hook")
        house.settings["channels"] = {"hook": {"url_file": str(tmp_path / "hook")}}
        house.settings["alerts"] = {"allowed_hosts": []}
        refused = house.run("alerts", "test", "hook", code=1)
        assert "alerts.allowed_hosts can allow it" in refused.stdout + refused.stderr
        house.settings["alerts"] = {"allowed_hosts": ["127.0.0.1"]}
        house.run("alerts", "test", "hook")
    assert len(server.received) == 1
