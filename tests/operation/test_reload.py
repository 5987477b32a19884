"""A running service takes over edited seeds and settings, and refuses what is broken while it goes on."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread
from tests.operation.heard import DEADLINE_S, Heard

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")


@contextmanager
def running(house: House, *arguments: str) -> Iterator[Heard]:
    """Run the service while the block lasts."""
    service = house.start("run", *arguments)
    heard = Heard(service)
    try:
        heard.wait_for("watching")
        yield heard
    finally:
        assert heard.end(signal.SIGTERM) == 0, heard.lines


def until(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_edits_hold_from_the_next_pass_on_and_broken_ones_change_nothing(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    listed = [(each.outlet, room.base(each.outlet.name)) for each in desk]
    first, second = listed[0], listed[1]
    house.reads([first])
    topic = house.folder / "seeds" / "topics" / "russia-pakistan-us.toml"
    policies = house.folder / "seeds" / "policies.toml"

    def stored(outlet: DeskOutlet) -> int:
        counts = dict(house.rows("select source, count(*) from articles group by 1"))
        return counts.get(outlet.outlet.name, 0)

    with running(house) as heard:
        until(lambda: stored(desk[0]), "the first outlet is read")

        # A source and a rule more, a setting that can change, one that cannot.
        house.reads([first, second])
        policies.write_text(policies.read_text() + '\n[[rule]]\nname = "more"\nchannels = ["console"]\n')
        house.settings["crawl"]["timeout_s"] = 11.0
        house.settings["run"] = {"timezone": "Europe/London"}
        told = house.json("reload")
        assert told == {
            "reloaded": True,
            "settings": ["crawl.timeout_s"],
            "seeds": ["sources (1 added)", "policies.toml"],
            "needs_restart": ["run.timezone"],
        }
        until(lambda: stored(desk[1]), "the second outlet is read")
        rules = {rule for (rule,) in house.rows("select distinct rule from alert_decisions")}
        assert "more" in rules

        # A topic with a mistake: refused by the verb, with place and mend, and nothing has changed.
        good = topic.read_text()
        topic.write_text(good.replace('languages = ["vi", "en"]', 'languages = ["vi", "xx"]'))
        line = next(number for number, each in enumerate(good.splitlines(), 1) if each.startswith("languages"))
        refused = house.run("reload", "--json", code=2)
        said = json.loads(refused.stdout)
        assert said["reloaded"] is False
        assert said["problem"] == f'{topic}:{line}: "xx" cannot be scored — choose from vi, en'
        heard.wait_for(f"not reloaded, all goes on as before: {topic}:{line}: ")

        # The same by SIGHUP, a setting this time: the log names file, line and mend.
        topic.write_text(good)
        house.settings["crawl"]["timeout_s"] = -1
        file = Path(house.command("reload")[-2])  # writes the settings
        at = next(n for n, each in enumerate(file.read_text().splitlines(), 1) if each.startswith("timeout_s"))
        before = heard.send(signal.SIGHUP)
        assert f"{file}:{at}: setting `crawl.timeout_s`" in heard.wait_for("not reloaded", before)

        # Mended, it is taken over; what needs a restart is named until then.
        house.settings["crawl"]["timeout_s"] = 12.0
        house.reads([second])
        house.command("reload")
        before = heard.send(signal.SIGHUP)
        reloaded = heard.wait_for("reloaded: crawl.timeout_s; sources (1 removed)", before)
        assert "only after a restart: run.timezone" in reloaded


def test_without_a_service_the_verb_says_so(house: House) -> None:
    assert "no service runs on this database" in house.run("reload", code=1).stderr
