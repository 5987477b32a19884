"""Empties the outbox: claims what is due, hands it to its channel, and settles each attempt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from alerts.channels import Answer, Channel
from alerts.render import Renderer
from tripoint.domain.errors import StorageError
from tripoint.domain.meter import Meter, SilentMeter, Told
from tripoint.domain.types import AlertState, Delivery, Outcome, QueuedAlert

log = logging.getLogger(__name__)

_LONGEST_SLEEP_S = 60.0
_LONGEST_ASKED_S = 24 * 3600.0  # a service that asks for more is mistaken


_SETTLE_AGAIN_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class AsyncOutbox(Protocol):
    """The outbox as the courier sees it."""

    async def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take alerts that are due and mark them as being sent."""
        ...

    async def settle(
        self, delivery: Delivery, state: AlertState, next_attempt_at: datetime, resume_at: datetime | None
    ) -> int:
        """Record an attempt and the state that follows; nothing more is tried on its channel before `resume_at`.

        Returns how many alerts for other channels came of it.
        """
        ...

    async def keep_taken(self, alert_id: int, taken: Sequence[str]) -> None:
        """Remember who has an alert that others of its channel lack yet."""
        ...

    async def next_due(self, channels: Sequence[str]) -> datetime | None:
        """Return when the next pending alert is due."""
        ...


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """How patiently alerts are delivered."""

    max_attempts: int = 12
    first_retry_s: float = 30.0
    factor: float = 2.0
    longest_retry_s: float = 3600.0
    timeout_s: float = 60.0


@dataclass(slots=True)
class CourierReport:
    """What a round of deliveries came to."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    passed_on: int = 0  #: alerts for other channels that came of what was given up


def next_state(
    answer: Answer, attempt: int, now: datetime, settings: CourierSettings, jitter: float
) -> tuple[AlertState, datetime]:
    """Return what becomes of an alert after so many tries; `jitter` is between 0 and 1 and spreads retries."""
    if answer.outcome is Outcome.ACCEPTED:
        return AlertState.SENT, now
    if answer.outcome is Outcome.PERMANENT or attempt >= settings.max_attempts:
        return AlertState.DEAD, now
    wait_s = _back_off_s(attempt, settings) * (1 + 0.2 * jitter)
    return AlertState.PENDING, now + timedelta(seconds=max(wait_s, _asked_s(answer)))


def channel_pause(answer: Answer, failures: int, now: datetime, settings: CourierSettings) -> datetime | None:
    """Return until when a whole channel rests after `failures` in a row, this one included; None if it need not.

    One failure may be the message's own; from the second on it is the channel's. What a service asks for counts at
    once.
    """
    if answer.outcome is not Outcome.TRANSIENT:
        return None
    wait_s = _back_off_s(failures - 1, settings) if failures > 1 else 0.0
    wait_s = max(wait_s, _asked_s(answer))
    return now + timedelta(seconds=wait_s) if wait_s else None


def _back_off_s(attempt: int, settings: CourierSettings) -> float:
    return min(settings.first_retry_s * settings.factor ** min(attempt - 1, 60), settings.longest_retry_s)


def _asked_s(answer: Answer) -> float:
    return min(max(answer.retry_after_s or 0.0, 0.0), _LONGEST_ASKED_S)


class Courier:
    """Delivers alerts, each channel by itself and in order, so that a slow one delays no other."""

    def __init__(
        self,
        outbox: AsyncOutbox,
        channels: Sequence[Channel],
        settings: CourierSettings,
        clock: Callable[[], datetime],
        dice: random.Random,
        renderer: Renderer | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._meter = meter or SilentMeter()
        self._outbox = outbox
        self._channels = tuple(channels)
        self._settings = settings
        self._clock = clock
        self._dice = dice
        self._renderer = renderer or Renderer()
        self._wakes = {channel.name: asyncio.Event() for channel in channels}
        self._tried = {channel.name: asyncio.Event() for channel in channels}
        self._renewed = asyncio.Event()
        self._failures: Counter[str] = Counter()  # in a row, by channel
        self._unsettled: dict[str, Callable[[], Awaitable[int]]] = {}  # attempts that the store had no room for

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the names of the channels that it serves."""
        return tuple(self._wakes)

    @property
    def renderer(self) -> Renderer:
        """Return what writes its messages."""
        return self._renderer

    def wake(self) -> None:
        """Say that something was queued; from the loop's own thread."""
        for each in self._wakes.values():
            each.set()

    async def tried(self) -> None:
        """Wait until each channel was handed all that waited for it when `run` began."""
        await asyncio.gather(*(each.wait() for each in self._tried.values()))

    def renew(
        self, outbox: AsyncOutbox, channels: Sequence[Channel], settings: CourierSettings, renderer: Renderer
    ) -> None:
        """Deliver by these from now on; what is being sent is finished as it was begun."""
        self._outbox, self._channels = outbox, tuple(channels)
        self._settings, self._renderer = settings, renderer
        self._wakes = {each.name: asyncio.Event() for each in channels}
        for each in self._tried.values():
            each.set()  # who waits for the channels of before would wait for ever
        self._renewed.set()

    async def deliver_due(self, stop: asyncio.Event | None = None) -> CourierReport:
        """Deliver all that is due now, once; what fails is due again later."""
        report = CourierReport()
        until = stop or asyncio.Event()
        await asyncio.gather(*(self._drain(channel, report, until, until) for channel in self._channels))
        return report

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver whenever something is due, until `stop`; a message being sent is finished first.

        Raises `StorageError` where the store fails a channel, once all others have ended as well: whoever starts it
        again must not have two at work on one.
        """
        while not stop.is_set():
            self._renewed.clear()
            over = asyncio.Event()  # for the channels as they are now
            ends = [asyncio.create_task(each.wait()) for each in (stop, self._renewed)]
            serving = [asyncio.create_task(self._serve(each, over, stop)) for each in self._channels]
            try:
                await asyncio.wait({*ends, *serving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                over.set()  # where one failed, none of the others may go on unseen beside the next round
                for each in ends:
                    each.cancel()
                results = await asyncio.gather(*serving, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _serve(self, channel: Channel, over: asyncio.Event, stop: asyncio.Event) -> None:
        ended = asyncio.create_task(over.wait())
        wake = self._wakes[channel.name]
        try:
            while not over.is_set():
                wake.clear()
                await self._drain(channel, CourierReport(), over, stop)
                if tried := self._tried.get(channel.name):
                    tried.set()
                due = await self._outbox.next_due([channel.name])
                wait_s = (due - self._clock()).total_seconds() if due else _LONGEST_SLEEP_S
                woken = asyncio.create_task(wake.wait())
                timeout_s = min(max(wait_s, 0.05), _LONGEST_SLEEP_S)
                await asyncio.wait({woken, ended}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            ended.cancel()

    async def _drain(self, channel: Channel, report: CourierReport, over: asyncio.Event, stop: asyncio.Event) -> None:
        while not over.is_set():
            if left := self._unsettled.get(channel.name):
                report.passed_on += await left()
                del self._unsettled[channel.name]
            # One at a time: whatever a kill interrupts, at most one message of a channel is in doubt.
            claimed = await self._outbox.claim(self._clock(), [channel.name], 1)
            if not claimed:
                return
            for queued in claimed:
                report.outcomes[await self._deliver(channel, queued, report, stop)] += 1

    async def _deliver(
        self, channel: Channel, queued: QueuedAlert, report: CourierReport, stop: asyncio.Event
    ) -> Outcome:
        alert = queued.alert

        async def keep(taken: Sequence[str]) -> None:
            try:
                await self._outbox.keep_taken(queued.id, taken)
            except StorageError as error:  # the channel itself knows it until this process ends
                log.warning("who has alert %s could not be stored: %s", queued.id, error)

        try:
            message = (
                self._renderer.render_digest(alert.digest, alert.key, channel.reader, alert.evidence.remarks)
                if alert.digest
                else self._renderer.render(alert.evidence, alert.key, channel.reader)
            )
            message = replace(message, occasion=queued.due_at.isoformat() if queued.due_at else "")
            answer = await channel.send(message, self._settings.timeout_s, queued.taken, keep)
            if answer.taken and answer.taken != queued.taken:
                await keep(answer.taken)
        except Exception as error:  # noqa: BLE001 - the edge: a library's surprise is an attempt that failed
            answer = Answer(Outcome.TRANSIENT, type(error).__name__)
        attempt = queued.attempts + 1
        now = self._clock()
        state, due = next_state(answer, queued.tries + 1, now, self._settings, self._dice.random())
        self._failures[channel.name] = 0 if answer.outcome is Outcome.ACCEPTED else self._failures[channel.name] + 1
        resume_at = channel_pause(answer, self._failures[channel.name], now, self._settings)
        delivery = Delivery(queued.id, attempt, now, answer.outcome, answer.detail)
        if passed_on := await self._settled(
            channel, lambda: self._outbox.settle(delivery, state, due, resume_at), stop
        ):
            report.passed_on += passed_on
            self.wake()
        self._meter.told(_told(channel, queued, answer.outcome, now))
        if state is AlertState.DEAD:
            log.error("alert %s to %s given up: %s", queued.id, channel.name, answer.detail)
        return answer.outcome

    async def _settled(self, channel: Channel, settle: Callable[[], Awaitable[int]], stop: asyncio.Event) -> int:
        """Record an attempt, also where the disk is full for a while: what was accepted must not be sent again.

        One that could not be recorded is so before anything else of its channel, as soon as there is room.
        """
        for wait_s in _SETTLE_AGAIN_S:
            try:
                return await settle()
            except StorageError as error:
                log.error("an attempt could not be stored, trying again: %s", error)
                if stop.is_set():
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait_s)
        try:
            return await settle()
        except StorageError:
            self._unsettled[channel.name] = settle
            raise


def _told(channel: Channel, queued: QueuedAlert, outcome: Outcome, now: datetime) -> Told:
    alert = queued.alert
    published = None if alert.digest else alert.evidence.published
    if published is not None and published.astimezone(ZoneInfo(alert.evidence.timezone)).time() == time.min:
        published = None  # an outlet that says only the day: its age says nothing about us
    lag_s = (now - published).total_seconds() if published else None
    return Told(channel.name, outcome, (now - alert.queued_at).total_seconds(), lag_s)
