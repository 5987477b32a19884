"""The courier when its store fails: nothing is sent twice for it, nobody is left working, and it goes on afterwards."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest

from alerts.channels import Secret, open_channel
from alerts.courier import Courier, CourierSettings
from storage.alerts import AlertStore
from storage.database import open_database
from tests.alerts.office import NOW
from tests.alerts.test_messages import evidence
from tests.receiver import Receiver
from tripoint.app.writer import Writer, WriterOutbox
from tripoint.domain.errors import StorageError
from tripoint.domain.policies import Policies
from tripoint.domain.types import Alert, AlertKey, AlertState, Delivery, QueuedAlert


class Failing(AlertStore):
    """Fails where it is told to."""

    claims_of = ""  # a channel
    settles = 0  # so many more times

    def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take what is due, but of the channel that fails."""
        if self.claims_of in channels:
            raise StorageError("database or disk is full", "free some space")
        return super().claim(now, channels, limit)

    def settle(self, delivery: Delivery, *rest: object) -> int:  # type: ignore[override]  # handed on as they come
        """Record an attempt, but for the next few."""
        if self.settles:
            self.settles -= 1
            raise StorageError("database or disk is full", "free some space")
        return super().settle(delivery, *rest)  # type: ignore[arg-type]


@contextmanager
def courier(url: str, server: Receiver) -> Iterator[tuple[Failing, Courier]]:
    """Open a store with a courier of the channels `good` and `bad`."""
    database, writer = open_database(url), Writer()
    store = Failing(database)
    channels = [open_channel(each, Secret(f"json://{server.address}/{each}"), "", print) for each in ("good", "bad")]
    dice = random.Random(1)  # noqa: S311 - it spreads retries
    try:
        yield store, Courier(WriterOutbox(writer, store, Policies(())), channels, CourierSettings(), lambda: NOW, dice)
    finally:
        writer.close()
        database.close()


def queue(store: AlertStore, story: str, *channels: str) -> None:
    store.queue([Alert(AlertKey(story, "r", each, "new"), evidence(), NOW) for each in channels])


def test_where_the_store_fails_one_channel_all_end_before_it_is_told(url: str) -> None:
    """Trap: the others went on unseen beside those of the next start, and spun without a rest."""
    asked, go_on = threading.Event(), threading.Event()

    def answer(path: str, number: int) -> tuple[int, dict[str, str], str]:
        asked.set()
        go_on.wait(30)
        return 200, {}, "ok"

    async def run() -> None:
        store.claims_of = "bad"
        running = asyncio.create_task(beside.run(asyncio.Event()))
        await asyncio.to_thread(asked.wait, 30)
        assert not running.done()  # a message is under way
        go_on.set()
        with pytest.raises(StorageError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert [each.queued.state for each in store.history()] == [AlertState.PENDING, AlertState.SENT]
        store.claims_of = ""
        await beside.deliver_due()

    with Receiver(answer) as server, courier(url, server) as (store, beside):
        queue(store, "s", "good", "bad")
        asyncio.run(run())
        assert [each.queued.state for each in store.history()] == [AlertState.SENT] * 2
        assert sorted(path for path, _ in server.received) == ["/bad", "/good"]


def test_what_was_accepted_but_could_not_be_stored_is_stored_first_of_all_later(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: it stayed as being sent until the process ended, and held up all that followed of its story."""
    monkeypatch.setattr("alerts.courier._SETTLE_AGAIN_S", (0.01, 0.01))
    with Receiver(lambda path, number: (200, {}, "ok")) as server, courier(url, server) as (store, courier_):
        queue(store, "s", "good")
        store.queue([Alert(AlertKey("s", "r", "good", "update:1"), evidence(), NOW)])
        store.settles = 5
        with pytest.raises(StorageError):
            asyncio.run(courier_.deliver_due())
        with pytest.raises(StorageError):  # still full
            store.settles = 1
            asyncio.run(courier_.deliver_due())
        assert len(server.received) == 1
        asyncio.run(courier_.deliver_due())
        assert [each.queued.state for each in store.history()] == [AlertState.SENT] * 2
        assert len(server.received) == 2


def test_a_channel_that_hangs_or_is_down_delays_no_other(url: str) -> None:
    go_on, number_good = threading.Event(), 20

    def answer(path: str, number: int) -> tuple[int, dict[str, str], str]:
        if path == "/bad":
            go_on.wait(60)
            return 503, {}, "down"
        return 200, {}, "ok"

    async def run() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(courier_.run(stop))
        tried = asyncio.create_task(courier_.tried())
        while sum(path == "/good" for path, _ in server.received) < number_good:
            assert not running.done()
            await asyncio.sleep(0.02)
        assert not go_on.is_set()  # all of one channel arrived while the first of the other was under way
        assert not tried.done()
        go_on.set()
        await tried
        stop.set()
        await running

    with Receiver(answer) as server, courier(url, server) as (store, courier_):
        for each in range(number_good):
            queue(store, f"s{each}", "bad", "good")
        asyncio.run(asyncio.wait_for(run(), 60))
        states = {(each.queued.alert.key.channel, each.queued.state) for each in store.history(limit=99)}
        assert states == {("good", AlertState.SENT), ("bad", AlertState.PENDING)}
