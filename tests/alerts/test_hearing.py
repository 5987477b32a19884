"""What `tripoint alerts` says: who hears what, what was sent where with each answer, and why an article was not told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.queue import write_rulings
from tests.alerts.test_messages import evidence
from tests.alerts.test_policies import NIGHT, ask, at, rule
from tests.house import House
from tests.storage.test_stores import keep
from tripoint.app.cli import alerts
from tripoint.domain.errors import MendError
from tripoint.domain.policies import Limit
from tripoint.domain.types import Alert, AlertKey, AlertState, Delivery, Outcome, PlacementKind, Ruling, Verdict

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
RULES = """
timezone = "Asia/Ho_Chi_Minh"
escalate = { to = ["sms"], after = "15m" }
[[rule]]
name = "arms"
channels = ["tag:desk", "off"]
topics = ["russia-pakistan-us"]
grade = "strong"
min_score = 0.8
platforms = ["platform.mi35"]
languages = ["vi"]
independent = 2
max_age = "24h"
quiet = { from = "22:00", to = "06:30", unless_score = 0.97 }
limit = { most = 10, per = "1h" }
rhythm = false
[[rule]]
name = "week"
channels = ["mail"]
digest = { every = "weekly", on = "friday", at = "18:00" }
"""


@pytest.fixture
def desk(house: House) -> House:
    """Return a house with rules and channels."""
    (house.folder / "seeds" / "policies.toml").write_text(RULES, encoding="utf-8")
    console = {"url": "console://"}
    house.settings["channels.mail"] = {**console, "tags": ["desk"]}
    house.settings["channels.sms"] = console
    house.settings["channels.off"] = {**console, "enabled": False}
    return house


@pytest.fixture
def database(desk: House) -> Iterator[Database]:
    opened = open_database(desk.database)
    yield opened
    opened.close()


def say(house: House, *arguments: str) -> str:
    """Run `tripoint alerts …` in this process, and return what it printed as one line."""
    file = Path(house.command()[-1])
    app = typer.Typer()

    @app.callback()
    def common(context: typer.Context) -> None:
        context.obj = (file, {})

    alerts.register(app)
    done = CliRunner().invoke(app, ["alerts", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def read(house: House, *arguments: str) -> Any:
    return json.loads(say(house, *arguments, "--json"))


def test_policies_shows_each_rule_as_it_is_understood(desk: House, database: Database) -> None:
    shown = say(desk, "policies")
    for part in (
        "arms mail, off (switched off)",
        "russia-pakistan-us; score from 0.8; grade strong; platforms platform.mi35; languages vi; 2 independent reports;"
        " not older than 24 h",
        "quiet 22:00 to 06:30 Asia/Ho_Chi_Minh, but for scores from 0.97",
        "no spikes nor silence of topics, at most 10 in 1:00:00",
        "on sms when a channel accepts nothing for 15 min",
        "every topic; not older than 72 h together, weekly Fri at 18:00 Asia/Ho_Chi_Minh",
        "what Tripoint tells of itself; on sms when",
    ):
        assert part in shown
    assert "fails since" not in shown
    told = read(desk, "policies")
    assert [each["name"] for each in told["rules"]] == ["arms", "week"]
    assert told["rules"][0]["escalation"]["to"] == ["sms"]
    assert told["channels"] == []
    store = AlertStore(database)
    store.queue([Alert(AlertKey("s", "arms", "mail", "new"), evidence(), NOW)])
    store.settle(Delivery(1, 1, NOW, Outcome.TRANSIENT, "451 later"), AlertState.PENDING, NOW)
    assert "mail fails since 2026-11-24 08:00 UTC, 1 times: 451 later" in say(desk, "policies")
    assert read(desk, "policies")["channels"][0]["failures"] == 1


def test_an_alert_is_shown_with_each_attempt_and_answer(desk: House, database: Database) -> None:
    store = AlertStore(database)
    store.queue([Alert(AlertKey("s", "arms", "mail", "new"), evidence("Nga và Pakistan"), NOW)])
    store.queue([Alert(AlertKey("other", "arms", "mail", "new"), evidence("Waits"), NOW)])
    store.claim(NOW, ["mail"], 1)
    store.release(NOW)  # as after a kill
    minute = timedelta(minutes=1)
    store.settle(Delivery(1, 2, NOW + minute, Outcome.TRANSIENT, "SMTP 451: later"), AlertState.PENDING, NOW)
    store.settle(Delivery(1, 3, NOW + 2 * minute, Outcome.ACCEPTED, "accepted"), AlertState.SENT, NOW)
    shown = say(desk, "show", "1")
    for part in (
        "alert 1: Nga và Pakistan",
        "story s · rule arms · channel mail · new",
        "accepted 2026-11-24 08:02:00 UTC",
        "1 2026-11-24 08:00:00 transient cut off: the process ended before an answer was recorded",
        "2 2026-11-24 08:01:00 transient SMTP 451: later",
        "3 2026-11-24 08:02:00 accepted accepted",
    ):
        assert part in shown
    assert [each["id"] for each in read(desk, "list")] == [2, 1]
    (sent,) = read(desk, "list", "--state", "sent")
    assert [each["outcome"] for each in sent["deliveries"]] == ["transient", "transient", "accepted"]
    assert "2 2026-11-24 08:00 pending mail new 0 0.91 Báo A Waits" in say(desk, "list")


def test_why_names_each_reason_for_which_an_article_was_not_told(desk: House, database: Database) -> None:
    night = at("2026-11-24T03:00")
    store, articles = AlertStore(database), ArticleStore(database)

    def article(rulings: tuple[Ruling, ...]) -> str:
        number = keep(articles, len(kept) + 1).article_id
        kept.append(number)
        with database.write() as connection:
            write_rulings(connection, number, NOW, rulings)
        return say(desk, "why", str(number))

    kept: list[int] = []
    assert "below score 0.30 for t, 0.20 below its threshold 0.50" in article(ask(rule(), score=0.3).rulings)
    held = store.queue(ask(rule(quiet=NIGHT), now=night, story="quiet").alerts).rulings
    assert "new; held by quiet hours until 2026-11-24 12:00 UTC" in article(held)
    copy = ask(rule(), kind=PlacementKind.SYNDICATED, what_is_new="the text that B has", story="s").rulings
    assert "the text that B has; it is in the story s" in article(copy)
    first, again = (store.queue(ask(rule(), story="known").alerts).rulings for _ in range(2))
    assert [each.verdict for each in (*first, *again)] == [Verdict.QUEUED, Verdict.KNOWN]
    assert "story known was told there as alert" in article(again)
    limit = rule(limit=Limit(1, timedelta(hours=1)), name="limited")
    limited = [store.queue(ask(limit, story=f"limited-{each}").alerts).rulings for each in range(2)][1]
    assert "held for the overflow digest until 2026-11-24 09:00 UTC" in article(limited)
    old = ask(rule(tells_old=False), age_h=80).rulings
    assert "published 80 h ago, and the rule tells of at most 72 h" in article(old)
    told = read(desk, "why", str(kept[1]))
    assert [(each["verdict"], each["until"]) for each in told][-1] == ("quiet", "2026-11-24T12:00:00+00:00")


def test_what_was_given_up_is_tried_again_dropped_or_sent_once_more(desk: House, database: Database) -> None:
    store = AlertStore(database)
    for each in ("mail", "mail", "sms"):
        number = len(store.history()) + 1
        store.queue([Alert(AlertKey(f"s{number}", "arms", each, "new"), evidence(f"T{number}"), NOW)])
        store.settle(Delivery(number, 1, NOW, Outcome.PERMANENT, "SMTP 550: unknown"), AlertState.DEAD, NOW)

    def states() -> list[str]:
        return [each.queued.state for each in reversed(store.history())]

    assert [each["id"] for each in read(desk, "failed")] == [1, 2, 3]
    assert [each["id"] for each in read(desk, "failed", "--channel", "sms")] == [3]
    assert "SMTP 550: unknown" in say(desk, "failed", "--channel", "sms")
    assert read(desk, "retry", "--all", "--channel", "mail") == {"verb": "retry", "changed": 2, "ids": [1, 2]}
    assert states() == ["pending", "pending", "dead"]
    assert "drop: 1 alert" in say(desk, "drop", "3")
    assert states() == ["pending", "pending", "dropped"]
    with pytest.raises(MendError, match="alert 3 is none that is dead, pending"):
        say(desk, "retry", "3")
    assert "resend: 1 alert; `tripoint run` sends them within seconds" in say(desk, "resend", "3")
    assert states() == ["pending"] * 3
    with pytest.raises(MendError, match="needs to know which"):
        say(desk, "drop")
    assert read(desk, "failed") == []
