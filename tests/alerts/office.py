"""An outbox of one's own with a courier that delivers from it, by a clock that only the test moves."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from alerts.channels import Channel
from alerts.courier import Courier, CourierSettings
from storage.alerts import AlertHistory, AlertStore
from storage.database import open_database
from tripoint.app.writer import Writer, WriterOutbox
from tripoint.domain.policies import Policies
from tripoint.domain.types import Alert, AlertKey, AlertState, Evidence, Marked, Outcome

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Office:
    """Queues alerts and delivers what is due by the test's own clock."""

    def __init__(self, store: AlertStore, writer: Writer, channels: Sequence[Channel], timeout_s: float) -> None:
        self.store = store
        self.now = NOW
        self._names = [each.name for each in channels]
        self._courier = Courier(
            WriterOutbox(writer, store, Policies(())),
            channels,
            CourierSettings(timeout_s=timeout_s),
            lambda: self.now,
            random.Random(1),  # noqa: S311 - it spreads retries
        )

    def queue(
        self, title: str, story: str = "story", kind: str = "new", sentence: str = "Russia met Pakistan."
    ) -> None:
        """Queue an alert for each channel."""
        told = Evidence(
            title=title,
            outlet="Báo A",
            url=f"https://a.example/{story}?a=1",
            published=NOW,
            fetched_at=NOW,
            language="en",
            topic="topic",
            score=0.9,
            threshold=0.5,
            sentences=(Marked(sentence, ((0, 6),)),),
            what_is_new="" if kind == "new" else "a denial",
        )
        self.store.queue([Alert(AlertKey(story, "relevant", each, kind), told, self.now) for each in self._names])

    def deliver(self, later: timedelta = timedelta(0)) -> Counter[Outcome]:
        """Deliver what is due so much later, and return what came of it."""
        self.now += later
        return asyncio.run(self._courier.deliver_due()).outcomes

    def alerts(self) -> list[AlertHistory]:
        """Return every alert with its attempts, oldest first."""
        return list(reversed(self.store.history(limit=1000)))

    def states(self) -> list[AlertState]:
        """Return the state of every alert, oldest first."""
        return [each.queued.state for each in self.alerts()]


@contextmanager
def office(url: str, *channels: Channel, timeout_s: float = 30) -> Iterator[Office]:
    """Open an office with the outbox of a database for a while."""
    database = open_database(url)
    with closing(database), closing(Writer()) as writer:
        yield Office(AlertStore(database), writer, channels, timeout_s)
