"""What is counted since the start, and what the database holds, in the form that Prometheus reads.

Every label has few values: classes of statuses, kinds of outcomes, and the names in the catalogue and the settings. No
address, title or host ever becomes one.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tripoint.domain.health import HealthState
from tripoint.domain.meter import Told
from tripoint.domain.types import Kept, Outcome, PlacementKind, Step

if TYPE_CHECKING:
    from storage.figures import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
_READ_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_LAG_S = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400, 259200)
_DELIVERY_S = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
_WHAT = {Step.LISTING: "listing", Step.EXTRACT: "page"}


class Metrics:
    """The meter of a running house, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        build = Gauge("tripoint_build_info", "Which Tripoint this is.", ["version"], registry=registry)
        build.labels(version("tripoint")).set(1)
        self._fetches = Counter(
            "tripoint_fetches", "Fetches by the class of the answer's status.", ["status"], registry=registry
        )
        self._bytes = Counter("tripoint_fetched_bytes", "Bytes of bodies on the wire.", registry=registry)
        self._read = Histogram(
            "tripoint_read_seconds",
            "Time that a worker took to read a page or a listing.",
            ["what"],
            buckets=_READ_S,
            registry=registry,
        )
        self._unread = Counter(
            "tripoint_read_failures", "Pages and listings that no worker could read.", ["what"], registry=registry
        )
        self._reading = Gauge(
            "tripoint_reading", "Pages and listings that workers have or wait for.", registry=registry
        )
        self._articles = Counter(
            "tripoint_articles", "Articles taken in, by what each is to its story.", ["placement"], registry=registry
        )
        self._relevant = Counter("tripoint_relevant_articles", "Relevant articles taken in.", registry=registry)
        self._queued = Counter("tripoint_alerts_queued", "Alerts that articles caused.", registry=registry)
        self._deliveries = Counter(
            "tripoint_deliveries", "Attempts to deliver, by outcome.", ["channel", "outcome"], registry=registry
        )
        self._lag = Histogram(
            "tripoint_alert_lag_seconds",
            "From an article's publication to the accepted alert.",
            buckets=_LAG_S,
            registry=registry,
        )
        self._delivery = Histogram(
            "tripoint_alert_delivery_seconds",
            "From the queueing of an alert to its acceptance.",
            buckets=_DELIVERY_S,
            registry=registry,
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Let each series be there from the start: a rate over one that appears only later misses its first step."""
        for status in _CLASSES:
            self._fetches.labels(status)
        for what in _WHAT.values():
            self._read.labels(what)
            self._unread.labels(what)
        for placement in PlacementKind:
            self._articles.labels(placement)

    def expect(self, channels: Iterable[str]) -> None:
        """Begin the series of these channels at zero."""
        for channel in channels:
            for outcome in Outcome:
                self._deliveries.labels(channel, outcome)

    def answered(self, status: int, size: int) -> None:
        """Count an answer; status 0 is none."""
        kind = status // 100
        self._fetches.labels(_CLASSES[kind] if 1 <= kind <= 5 else "none").inc()
        self._bytes.inc(size)

    def read(self, step: Step, seconds: float, *, is_failed: bool) -> None:
        """Count what a worker read, and how long it took."""
        what = _WHAT.get(step, "page")
        if is_failed:
            self._unread.labels(what).inc()
        self._read.labels(what).observe(seconds)

    def reading(self, number: int) -> None:
        """Set how much workers have before them."""
        self._reading.set(number)

    def kept(self, kept: Kept) -> None:
        """Count an article."""
        self._articles.labels(kept.placement.kind).inc()
        if kept.is_relevant:
            self._relevant.inc()
        self._queued.inc(kept.alerts_queued)

    def told(self, told: Told) -> None:
        """Count an attempt to deliver."""
        self._deliveries.labels(told.channel, told.outcome).inc()
        if told.outcome is Outcome.ACCEPTED:
            self._delivery.observe(max(told.queued_s, 0.0))
            if told.lag_s is not None:
                self._lag.observe(max(told.lag_s, 0.0))

    def text(self, state: State) -> bytes:
        """Return everything in Prometheus' text format."""
        now = CollectorRegistry(auto_describe=False)
        now.register(_Now(state))
        return generate_latest(self.registry) + generate_latest(now)


@dataclass(frozen=True, slots=True)
class State:
    """What is true at the moment at which it is asked."""

    at: datetime
    figures: Figures
    sources: frozenset[str]  #: that are read
    channels: frozenset[str]  #: that are open
    writer_waiting: int
    alive: Mapping[str, bool]  #: by part of the service
    is_standby: bool = False  #: another process does the work


class _Now(Collector):
    """Turns a state into gauges."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        state, figures = self._state, self._state.figures
        for name, help_, value in (
            ("tripoint_stored_articles", "Articles in the archive.", figures.articles),
            ("tripoint_stored_relevant_articles", "Articles in the archive that are relevant.", figures.relevant),
            ("tripoint_pages_waiting", "Pages that were listed and not yet read.", figures.waiting),
            ("tripoint_pages_to_revisit", "Pages that will be looked at again for changes.", figures.revisits),
            (
                "tripoint_pages_quarantined",
                "Pages that nobody reads any more, since they killed or hung who did.",
                figures.quarantined,
            ),
            ("tripoint_writer_waiting", "Calls that the writer thread has before it.", state.writer_waiting),
            ("tripoint_database_bytes", "Size of the database.", figures.bytes),
            ("tripoint_standby", "Whether another process does the work, and this one waits.", state.is_standby),
        ):
            yield GaugeMetricFamily(name, help_, value=value)
        alerts = GaugeMetricFamily("tripoint_alerts", "Alerts in the outbox, by state.", labels=["state"])
        for at, number in figures.alerts.items():
            alerts.add_metric([at], number)
        yield alerts
        failing = GaugeMetricFamily(
            "tripoint_channel_failing", "Whether the last attempt on a channel failed.", labels=["channel"]
        )
        for channel in sorted(state.channels):
            failing.add_metric([channel], float(channel in figures.failing_channels))
        yield failing
        yield from self._sources()
        alive = GaugeMetricFamily("tripoint_alive", "Whether a part of the service answers in time.", labels=["part"])
        for part, is_alive in state.alive.items():
            alive.add_metric([part], float(is_alive))
        yield alive

    def _sources(self) -> Iterator[Metric]:
        state, figures = self._state, self._state.figures
        age = GaugeMetricFamily(
            "tripoint_source_last_good_poll_age_seconds",
            "Time since a listing of a source last answered as it should; +Inf if it never did.",
            labels=["source"],
        )
        for source in sorted(state.sources):
            at = figures.answered_at.get(source)
            age.add_metric([source], (state.at - at).total_seconds() if at else float("inf"))
        yield age
        counted = Tally(figures.health.get(source, HealthState.UNKNOWN) for source in state.sources)
        sources = GaugeMetricFamily("tripoint_sources", "Sources that are read, by health.", labels=["state"])
        for each in HealthState:
            sources.add_metric([each], counted.get(each, 0))
        yield sources
