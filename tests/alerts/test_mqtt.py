"""Alerts on a topic of a real MQTT broker: with login and TLS, refused, down and up again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels import Channel, Secret, open_channel
from alerts.mqtt import AcknowledgedMqtt
from tests.alerts.office import office
from tests.alerts.test_messages import HOSTILE
from tests.broker import CLOSED, TOPIC, Broker, Subscriber
from tests.relay import Relay
from tripoint.domain.errors import SettingsError
from tripoint.domain.types import AlertState, Outcome

LATER = timedelta(hours=2)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker."""
    (tmp_path / "broker").mkdir()
    with Broker(tmp_path / "broker") as running:
        yield running


def _open(url: str) -> Channel:
    return open_channel("topic", Secret(url), "", print)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_topic_gets_each_alert_once_in_order_and_as_text(
    secure: bool, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(broker.authority))
    channel = _open(broker.tls_url() if secure else broker.url())
    with Subscriber(broker) as reader, office(f"sqlite:///{tmp_path / 'x.db'}", channel) as desk:
        desk.queue("Nga và Pakistan ký thỏa thuận", "first")
        desk.queue("Again", "first", "update:1")
        for number, title in enumerate(HOSTILE):
            desk.queue(title, f"hostile-{number}", sentence=title[:300])
        assert desk.deliver() == {Outcome.ACCEPTED: len(HOSTILE) + 2}
        told = reader.wait_for(len(HOSTILE) + 2)
    assert {topic for topic, _ in told} == {TOPIC}
    links = [re.findall(r"https://a\.example/([a-z0-9-]+)\?a=1", text) for _, text in told]
    assert links == [["first"], ["first"], *([f"hostile-{number}"] for number in range(len(HOSTILE)))]
    assert told[0][1].startswith("Nga và Pakistan ký thỏa thuận")
    for _, text in told:
        assert not set(text) & set("\u202e\u2066\r")
        assert not re.search(r"@(everyone|here)|<!channel", text)
        assert len(text) < 8_000
    assert "<script" in told[2][1]  # plain text, as it was written
    assert "{{ 7*7 }}" in told[5][1]


def test_what_a_broker_refuses(broker: Broker, tmp_path: Path) -> None:
    """Trap: Apprise counts a message as sent before the broker has looked at the password."""
    for name, url, says in (
        ("login", broker.url("wrong-horse-password"), "Not authorized"),
        ("old", broker.url("wrong-horse-password") + "?version=v3.1.1", "Not authorized"),
        ("rights", broker.url(topic=CLOSED), "Not authorized"),
    ):
        with Subscriber(broker) as reader, office(f"sqlite:///{tmp_path / name}.db", _open(url)) as desk:
            desk.queue("Refused")
            assert desk.deliver() == {Outcome.PERMANENT: 1}, name
            assert desk.states() == [AlertState.DEAD]
            (told,) = desk.alerts()
            assert told.queued.last_detail.startswith("MQTT 135: ")
            assert says in told.queued.last_detail
            assert "wrong-horse" not in told.queued.last_detail
            assert reader.received == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves that socket lying about
def test_a_certificate_that_nobody_vouches_for(url: str, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with Subscriber(broker) as reader, office(url, _open(broker.tls_url())) as desk:
        desk.queue("Not to you")
        assert desk.deliver() == {Outcome.TRANSIENT: 1}
        assert "certificate verify failed" in desk.alerts()[0].queued.last_detail.lower()
        assert reader.received == []


def test_a_broker_goes_down_and_up(url: str, broker: Broker) -> None:
    with (
        Relay(broker.port) as line,
        office(url, _open(broker.url().replace(f":{broker.port}", f":{line.port}"))) as desk,
    ):
        desk.queue("While it is down", "a")
        broker.stop()
        assert desk.deliver() == {Outcome.TRANSIENT: 1}
        assert desk.deliver(LATER) == {Outcome.TRANSIENT: 1}
        assert desk.states() == [AlertState.PENDING]
        broker.start()
        with Subscriber(broker) as reader:
            assert desk.deliver(LATER) == {Outcome.ACCEPTED: 1}
            assert len(reader.wait_for(1)) == 1
            desk.queue("The answer was lost", "b")
            line.cut_answer_to(b"The answer was lost")
            assert desk.deliver() == {Outcome.TRANSIENT: 1}
            assert "MQTT error: " in desk.alerts()[1].queued.last_detail
            assert desk.deliver(LATER) == {Outcome.ACCEPTED: 1}
            titles = [text.splitlines()[0] for _, text in reader.wait_for(3)]
    assert titles == ["While it is down", *["The answer was lost"] * 2]  # in doubt: at least once


def test_without_its_library_the_channel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AcknowledgedMqtt, "enabled", False)
    with pytest.raises(SettingsError, match="paho-mqtt") as error:
        _open("mqtt://somebody:a-secret-password@127.0.0.1/topic")
    assert "a-secret" not in str(error.value)
