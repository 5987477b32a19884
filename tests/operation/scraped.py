"""A service that ran for a while, and what it told Prometheus then."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.house import House, page_address
from tests.newsroom import NewsroomThread

DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Scraped:
    """The samples of one scrape."""

    text: str
    samples: tuple[tuple[str, Mapping[str, str], float], ...]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name with these labels; fails where there is none."""
        found = [value for each, has, value in self.samples if each == name and labels.items() <= has.items()]
        assert found, f"no sample {name} {labels}"
        return sum(found)

    def values_of(self, name: str, label: str) -> set[str]:
        """Return the values that a label has."""
        return {labels[label] for each, labels, _ in self.samples if each == name and label in labels}


def get(url: str, headers: Mapping[str, str] | None = None) -> str:
    """Return what an address answers."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {}))) as answer:
        text: str = answer.read().decode()
        return text


def parse(text: str) -> Scraped:
    """Read Prometheus' text format with Prometheus' own library."""
    families = text_string_to_metric_families(text)
    return Scraped(text, tuple((each.name, each.labels, each.value) for family in families for each in family.samples))


def scrape_after_a_pass(house: House, room: NewsroomThread, expected: int) -> Scraped:
    """Run the service until it has stored so many articles and told its alerts, and return its figures."""
    service = house.start("run")
    try:
        page = page_address(service)
        until = time.monotonic() + DEADLINE_S
        while True:
            found = parse(get(f"{page}/metrics"))
            stored = found.value("tripoint_stored_articles") >= expected
            told = found.value("tripoint_alerts", state="sent") == found.value("tripoint_alerts_queued_total") > 0
            if stored and told and not found.value("tripoint_reading"):
                return found
            assert time.monotonic() < until, found.text
            time.sleep(0.1)
    finally:
        service.terminate()
        service.communicate(timeout=DEADLINE_S)
