"""Servers in bad weather: each is fair, slow, busy, broken or away for a while, by a thread of its own."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.broker import Broker, Subscriber
from tests.faults.accounts import Mark, impatient, mark_in
from tests.mail import MailServer
from tests.matrix import Homeserver, Person
from tests.receiver import Receiver, Reply


class Place(Protocol):
    """Where alerts arrive."""

    name: str
    moods: tuple[str, ...]  #: besides "fair"

    @property
    def url(self) -> str:
        """The Apprise URL of it."""
        ...

    def become(self, mood: str) -> None:
        """Change how it answers, from any mood to any other."""
        ...

    def arrived(self) -> list[Mark]:
        """Return what it took, in order."""
        ...


class Inbox:
    """A mail server with STARTTLS and login; `authority` is whom its readers trust."""

    name = "mail"
    moods = ("slow", "busy", "broken", "away")

    def __init__(self, server: MailServer, slow_s: float) -> None:
        self._server = server
        self._slow_s = slow_s
        self._is_away = False

    @property
    def url(self) -> str:
        """The Apprise URL of it."""
        return self._server.url()

    def become(self, mood: str) -> None:
        """Answer late, answer 451, break off within DATA, or listen no more."""
        inbox = self._server.inbox
        inbox.slow_s = self._slow_s if mood == "slow" else 0.0
        inbox.refusal = "451 4.3.0 come back later" if mood == "busy" else ""
        inbox.drop_after = 300 if mood == "broken" else None
        if (mood == "away") is not self._is_away:
            self._is_away = not self._is_away
            (self._server.close_door if self._is_away else self._server.open_door)()

    def arrived(self) -> list[Mark]:
        """Return what it took, in order."""
        return [mark_in(each.subject) for each in self._server.received]


class Hook:
    """A webhook over HTTP, as chat services have them; it asks for a rest with 429 and Retry-After."""

    moods = ("slow", "busy", "broken", "away")

    def __init__(self, name: str, form: str, slow_s: float, rest_s: int) -> None:
        self.name = name
        self.asked: list[tuple[float, bool]] = []  #: when each request came, and whether it was asked to rest
        self._form = form
        self._slow_s = slow_s
        self._rest_s = rest_s
        self._mood = "fair"
        self.receiver = Receiver(self._answer)

    @property
    def url(self) -> str:
        """The Apprise URL of it."""
        return self._form.format(address=self.receiver.address)

    def become(self, mood: str) -> None:
        """Answer late, answer 429 or 502, or listen no more."""
        was, self._mood = self._mood, mood
        self.receiver.slow_s = self._slow_s if mood == "slow" else 0.0
        if (mood == "away") is not (was == "away"):
            (self.receiver.close_door if mood == "away" else self.receiver.open_door)()

    def arrived(self) -> list[Mark]:
        """Return what it took, in order."""
        return [mark_in(str(each)) for each in self.receiver.accepted]

    def _answer(self, path: str, number: int) -> Reply:
        self.asked.append((time.monotonic(), self._mood == "busy"))
        if self._mood == "busy":
            return 429, {"Retry-After": str(self._rest_s)}, "rate_limited"
        return (502, {}, "bad gateway") if self._mood == "broken" else (200, {}, "ok")

    def impatient(self, kills: Sequence[float]) -> int:
        """Return how often the rest that it asked for was not given."""
        return impatient(self.asked, self._rest_s, kills)


class Topic:
    """A topic of a Mosquitto, with a reader who gets what came while the broker was away."""

    name = "topic"
    moods = ("slow", "away")

    def __init__(self, broker: Broker, reader: Subscriber) -> None:
        self._broker = broker
        self._reader = reader
        self._mood = "fair"

    @property
    def url(self) -> str:
        """The Apprise URL of it."""
        return self._broker.url()

    def become(self, mood: str) -> None:
        """Hang until the mood is over, or end the broker and start it again."""
        was, self._mood = self._mood, mood
        if mood != was == "slow":
            self._broker.go_on()
        if mood == "slow" != was:
            if was == "away":
                self._broker.start()
            self._broker.freeze()
        elif mood == "away" != was:
            self._broker.stop()
        elif mood == "fair" and was == "away":
            self._broker.start()

    def arrived(self) -> list[Mark]:
        """Return what its reader got, in order."""
        return [mark_in(text) for _, text in list(self._reader.received)]


class Room:
    """A room of a Synapse; it names what it has, so that a repetition is not shown."""

    name = "room"
    moods = ("away",)

    def __init__(self, server: Homeserver, sender: Person, reader: Person) -> None:
        self._server = server
        self._sender, self._reader = sender, reader
        self._room = server.room(sender, reader)
        self._is_away = False

    @property
    def url(self) -> str:
        """The Apprise URL of it."""
        return f"matrix://{self._sender.token}@127.0.0.1:{self._server.port}/{self._room}?hsreq=no"

    def become(self, mood: str) -> None:
        """End the homeserver, and start it again."""
        if (mood == "away") is not self._is_away:
            self._is_away = not self._is_away
            (self._server.stop if self._is_away else self._server.start)()

    def arrived(self) -> list[Mark]:
        """Return what a reader sees, in order."""
        if self._is_away:
            return []
        return [mark_in(each.body) for each in self._server.messages(self._room, self._reader)]


@contextmanager
def weather(places: Sequence[Place], dwell_s: tuple[float, float], dice: Callable[[], random.Random]) -> Iterator[None]:
    """Let each place change its mood again and again while this lasts, and be fair when it is over."""
    over = threading.Event()

    def live(place: Place, chance: random.Random) -> None:
        while not over.is_set():
            place.become(chance.choice(place.moods) if chance.random() < 0.5 else "fair")
            over.wait(chance.uniform(*dwell_s))
        place.become("fair")

    threads = [threading.Thread(target=live, args=(each, dice()), name=each.name) for each in places]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in threads:
            each.join()


@contextmanager
def three_places(folder: Path, slow_s: float) -> Iterator[tuple[list[Place], MailServer]]:
    """Open an inbox, a chat's webhook and a topic."""
    for name in ("mail", "broker"):
        (folder / name).mkdir()
    chat = Hook("chat", "mmost://{address}/secret0token0secret0token0", slow_s, rest_s=1)
    with (
        MailServer(folder / "mail") as mail,
        chat.receiver,
        Broker(folder / "broker", keeps=True) as broker,
        Subscriber(broker, "desk-reader") as reader,
    ):
        yield [Inbox(mail, slow_s), chat, Topic(broker, reader)], mail
