"""A message that some of a channel's services have: the others get it later, these not again, over a restart too."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from alerts.channels import Channel, Secret, open_channel
from alerts.courier import Courier, CourierSettings
from storage.alerts import AlertStore
from storage.database import open_database
from tests.alerts.office import NOW, office
from tests.alerts.test_messages import evidence
from tests.receiver import Receiver, Reply
from tripoint.app.writer import Writer, WriterOutbox
from tripoint.domain.errors import StorageError
from tripoint.domain.policies import Policies
from tripoint.domain.types import Alert, AlertKey, AlertState, Delivery, Outcome

LATER = timedelta(hours=2)
OK: Reply = (200, {}, "ok")


def both(address: str, other: str = "second") -> Channel:
    return open_channel("chat", Secret(f"json://{address}/first\njson://{address}/{other}"), "", print)


def paths(server: Receiver) -> list[str]:
    return [path for path, _ in server.received]


def test_after_a_restart_only_the_rest_gets_it(url: str) -> None:
    def answer(path: str, number: int) -> Reply:
        return OK if path == "/first" or number > 2 else (503, {}, "down")

    with Receiver(answer) as server:
        with office(url, both(server.address)) as desk:
            desk.queue("Title")
            assert desk.deliver()[Outcome.TRANSIENT] == 1
            assert desk.alerts()[0].queued.taken
        with office(url, both(server.address)) as desk:
            assert desk.deliver(LATER)[Outcome.ACCEPTED] == 1
            assert desk.alerts()[0].queued.taken == ()
            (told,) = desk.alerts()
            assert "accepted before" in told.deliveries[1].detail
        assert sorted(paths(server)) == ["/first", "/second", "/second"]


def test_resent_by_hand_it_goes_to_all_and_another_address_is_another_service(url: str) -> None:
    with Receiver(lambda path, number: OK if path != "/second" else (503, {}, "down")) as server:
        with office(url, both(server.address)) as desk:
            desk.queue("Title")
            desk.deliver()
        with office(url, both(server.address, "third")) as desk:
            assert desk.deliver(LATER)[Outcome.ACCEPTED] == 1
        assert sorted(paths(server)) == ["/first", "/second", "/third"]
        with office(url, both(server.address)) as desk:
            desk.store.requeue([1], NOW, to_all=True)
            desk.deliver(LATER)
            desk.store.requeue([1], NOW + LATER)
            desk.deliver(timedelta(0))
        assert sorted(paths(server))[:4] == ["/first", "/first", "/second", "/second"]
        assert paths(server).count("/first") == 2


def test_it_is_kept_while_another_service_still_hangs(url: str) -> None:
    """A kill in that moment must not send it twice to the one that has it."""
    hang, kept = threading.Event(), threading.Event()

    def answer(path: str, number: int) -> Reply:
        if path == "/second":
            hang.wait(30)
        return OK

    class Watched(AlertStore):
        def keep_taken(self, alert_id: int, taken: object) -> None:
            super().keep_taken(alert_id, taken)  # type: ignore[arg-type]  # handed on
            kept.set()

    with Receiver(answer) as server:
        database = open_database(url)
        store = Watched(database)
        store.queue([Alert(AlertKey("s", "r", "chat", "new"), evidence(), NOW)])

        def watch() -> None:
            assert kept.wait(30)
            marks.extend(AlertStore(database).history()[0].queued.taken)
            hang.set()

        marks: list[str] = []
        watcher = threading.Thread(target=watch)
        watcher.start()
        _deliver(store, both(server.address))
        watcher.join()
        assert {each.split(":")[1] for each in marks} > {"all"}
        assert len({each.split(":")[0] for each in marks}) == 1
        assert store.history()[0].queued.state is AlertState.SENT
        database.close()


def _deliver(store: AlertStore, channel: Channel) -> None:
    with closing(Writer()) as writer:
        courier = Courier(
            WriterOutbox(writer, store, Policies(())),
            [channel],
            CourierSettings(),
            lambda: NOW,
            random.Random(1),  # noqa: S311 - it spreads retries
        )
        asyncio.run(courier.deliver_due())


def test_an_attempt_is_recorded_once_the_disk_has_room_and_sent_once(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(AlertStore):
        """Has no room the first two times."""

        refusals = 2

        def settle(self, delivery: Delivery, *rest: object) -> int:  # type: ignore[override]  # handed on as they come
            if self.refusals:
                self.refusals -= 1
                raise StorageError("database or disk is full", "free some space")
            return super().settle(delivery, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("alerts.courier._SETTLE_AGAIN_S", (0.01, 0.01, 0.01))
    database = open_database(url)
    store = Full(database)
    store.queue([Alert(AlertKey("s", "r", "chat", "new"), evidence(), NOW)])
    with Receiver(lambda path, number: OK) as server:
        channel = open_channel("chat", Secret(f"json://{server.address}/first"), "", print)
        _deliver(store, channel)
        assert len(server.received) == 1
        assert store.history()[0].queued.state is AlertState.SENT
        assert "could not be stored, trying again" in caplog.text
        store.queue([Alert(AlertKey("t", "r", "chat", "new"), evidence(), NOW)])
        store.refusals = 99
        with pytest.raises(StorageError):
            _deliver(store, channel)
        assert store.release(NOW) == 1  # what the next start does
    database.close()
