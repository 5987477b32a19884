"""Alerts in a room of a real Matrix homeserver: each once, in order, as text, whatever the line and the server do."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels import Channel, Secret, open_channel
from tests.alerts.office import office
from tests.alerts.test_messages import HOSTILE
from tests.matrix import Homeserver, Person
from tests.relay import Relay
from tripoint.domain.types import AlertState, Outcome

LATER = timedelta(hours=2)
PASSWORD = "battery-staple-horse"


@pytest.fixture(scope="module")
def server() -> Iterator[Homeserver]:
    """Run a homeserver for all tests of this file."""
    with tempfile.TemporaryDirectory(prefix="tripoint-matrix-") as folder, Homeserver(Path(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def people(server: Homeserver) -> tuple[Person, Person]:
    """Return who sends, and who reads."""
    return server.person("tripoint", PASSWORD), server.person("reader", PASSWORD)


def by_token(sender: Person, room: str, port: int) -> Channel:
    return open_channel("room", Secret(f"matrix://{sender.token}@127.0.0.1:{port}/{room}?hsreq=no"), "", print)


def by_password(sender: Person, room: str, port: int, password: str = PASSWORD) -> Channel:
    url = f"matrix://{sender.name}:{password}@127.0.0.1:{port}/{room}?hsreq=no"
    return open_channel("room", Secret(url), "", print)


def database(folder: Path, name: str = "outbox") -> str:
    """Return a database of its own; that outboxes are alike on PostgreSQL is for the tests of the courier."""
    return f"sqlite:///{folder / name}.db"


def letters(text: str) -> str:
    return "".join(re.findall(r"\w", text))


@pytest.mark.parametrize("login", [by_token, by_password], ids=["token", "password"])
def test_a_room_gets_each_alert_once_in_order_and_as_text(
    login: object, server: Homeserver, people: tuple[Person, Person], tmp_path: Path
) -> None:
    """Trap: with a token, Apprise names all messages alike, and the homeserver shows only the first."""
    room = server.room(*people)
    assert callable(login)
    with office(database(tmp_path), login(people[0], room, server.port)) as desk:
        desk.queue("Nga và Pakistan ký thỏa thuận", "first")
        desk.queue("Again", "first", "update:1")
        for number, title in enumerate(HOSTILE):
            desk.queue(title, f"hostile-{number}", sentence=title[:300])
        assert desk.deliver() == {Outcome.ACCEPTED: len(HOSTILE) + 2}
    told = server.messages(room, people[1])
    assert [re.findall(r"https://a.example/([a-z0-9-]+)\?a=1", each.body) for each in told] == [
        ["first"], ["first"], *([f"hostile-{number}"] for number in range(len(HOSTILE)))
    ]  # fmt: skip
    assert {each.sender for each in told} == {people[0].id}
    assert told[0].body.startswith("Nga và Pakistan ký thỏa thuận")
    assert "a denial" in told[1].body
    for each in told:
        assert '<a href="https://a.example/' in each.html
        assert set(re.findall(r"<(\w+)", each.html)) <= {"p", "strong", "br", "blockquote", "a"}
        assert not re.search(r"@(everyone|here|room)\b", each.body)
        assert not set(each.body) & set("\u202e\u2066\r")
        assert re.findall(r"href=\"([^\"]+)\"", each.html) == re.findall(r"https://a.example/\S+", each.body)
    for title, each in zip(HOSTILE, told[2:], strict=True):
        assert letters(each.body).startswith(letters(title)[:12])


def test_a_homeserver_goes_down_and_ends_logins_and_lines(
    server: Homeserver, people: tuple[Person, Person], tmp_path: Path
) -> None:
    room = server.room(*people)
    with Relay(server.port) as line, office(database(tmp_path), by_password(people[0], room, line.port)) as desk:
        desk.queue("While it is down", "a")
        server.stop()
        try:
            assert desk.deliver() == {Outcome.TRANSIENT: 1}
            assert desk.deliver(LATER) == {Outcome.TRANSIENT: 1}
            assert desk.states() == [AlertState.PENDING]
        finally:
            server.start()
        assert desk.deliver(LATER) == {Outcome.ACCEPTED: 1}

        desk.queue("The server ended the login", "b")
        server.log_out(people[0])
        assert desk.deliver() == {Outcome.ACCEPTED: 1}

        desk.queue("The answer was lost", "c")
        line.cut_answer_to(b"/send/m.room.message/")
        assert desk.deliver() == {Outcome.TRANSIENT: 1}
        assert line.cuts == 1
        assert desk.deliver(LATER) == {Outcome.ACCEPTED: 1}

        desk.now += LATER
        assert desk.store.requeue([3], desk.now) == 1
        assert desk.deliver() == {Outcome.ACCEPTED: 1}
    titles = [each.body.splitlines()[0] for each in server.messages(room, people[1])]
    assert titles == ["While it is down", "The server ended the login", *["The answer was lost"] * 2]  # one by hand


def test_what_a_homeserver_refuses(server: Homeserver, people: tuple[Person, Person], tmp_path: Path) -> None:
    room = server.room(*people)
    with office(database(tmp_path), by_password(people[0], room, server.port, "wrong-horse-password")) as desk:
        desk.queue("Nobody")
        assert desk.deliver() == {Outcome.PERMANENT: 1}
        (told,) = desk.alerts()
        assert "403" in told.queued.last_detail
        assert "Invalid username or password" in told.queued.last_detail
        assert "wrong-horse" not in told.queued.last_detail
    with office(
        database(tmp_path, "alias"), by_token(people[0], "%23nobody-is-here:desk.example", server.port)
    ) as desk:
        desk.queue("Nowhere")
        assert desk.deliver() == {Outcome.PERMANENT: 1}
        assert "404" in desk.alerts()[0].queued.last_detail
    hurried = server.hurried("hurried", PASSWORD)
    room = server.room(hurried, people[1])
    with office(database(tmp_path, "limited"), by_token(hurried, room, server.port)) as desk:
        for number in range(6):
            desk.queue(f"Number {number}", f"story-{number}")
        came = desk.deliver()
        assert came[Outcome.TRANSIENT] == 1
        assert came[Outcome.PERMANENT] == 0
        (refused,) = [each for each in desk.alerts() if each.deliveries and each.queued.state is AlertState.PENDING]
        assert "M_LIMIT_EXCEEDED" in refused.queued.last_detail
        asked = re.search(r"asks to wait ([0-9.]+) s", refused.queued.last_detail)
        assert asked is not None
        server.unlimited(hurried)
        wait = timedelta(seconds=float(asked[1]))
        assert desk.deliver(wait - timedelta(seconds=2)) == {}
        assert desk.deliver(LATER)[Outcome.ACCEPTED] == 6 - came[Outcome.ACCEPTED]
    titles = [each.body.splitlines()[0] for each in server.messages(room, people[1])]
    assert sorted(titles) == [f"Number {number}" for number in range(6)]
