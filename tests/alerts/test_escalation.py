"""Escalation in a running house: one server refuses, another hears it and why, across processes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from alerts.message import Format, Reader
from alerts.render import Renderer
from storage import tables as t
from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import open_database
from tests.alerts.test_messages import KEY, digest, evidence
from tests.alerts.test_policies import CHANNELS, SEEDS, rule
from tests.house import House
from tests.receiver import Receiver, Reply
from tests.storage.test_stores import keep
from tripoint.app.policies import load_policies
from tripoint.app.settings import Settings
from tripoint.domain.errors import SeedError
from tripoint.domain.policies import Escalation, Policies
from tripoint.domain.types import Alert, AlertKey, Phrase

LAST_HOUR = timedelta(hours=1)
RULES = """
[[rule]]
name = "desk"
channels = ["chat"]
escalate = { to = ["sms"], after = "30m" }
"""


def told_by(received: list[tuple[str, object]], path: str) -> list[str]:
    return [str(payload) for where, payload in received if where.startswith(path)]


def test_a_desk_hears_on_the_second_channel_while_the_first_is_down(house: House) -> None:
    down = True

    def answer(path: str, number: int) -> Reply:
        return (503, {}, "down for repair") if down and path.startswith("/chat") else (200, {}, "ok")

    (house.folder / "seeds" / "policies.toml").write_text(RULES, encoding="utf-8")
    house.settings["crawl"]["workers"] = 1
    article = _queue(house, ["one", "two"])
    with Receiver(answer) as server:
        house.settings["channels.chat"] = {"url_env": "CHAT"}
        house.settings["channels.sms"] = {"url_env": "SMS", "language": "vi"}
        house.environment = {each.upper(): f"json://{server.address}/{each}" for each in ("chat", "sms")}
        house.run("crawl", "--quiet")
        assert told_by(server.received, "/sms") == []
        _hour_passes(house)
        house.run("crawl", "--quiet")
        first = told_by(server.received, "/sms")
        assert len(first) == 3
        assert all("Gửi cả đến đây, vì kênh chat không nhận tin nào từ " in each for each in first)
        assert "told on sms too, as alert 4: chat stayed down" in house.run("alerts", "show", "1").stdout
        assert "the channel chat has accepted nothing since" in house.run("alerts", "show", "4").stdout
        assert "escalated" in house.run("alerts", "why", str(article)).stdout
        policies = " ".join(house.run("alerts", "policies").stdout.split())
        assert "chat fails since" in policies

        down = False
        _hour_passes(house)
        house.run("crawl", "--quiet")
        assert len(told_by(server.received, "/sms")) == 3
        states = house.rows("select channel, state, count(*) from alerts group by 1, 2 order by 1")
        assert states == [("chat", "sent", 3), ("sms", "sent", 3)]


def _queue(house: House, stories: list[str]) -> int:
    """Store an article with an alert of its own, and alerts on stories; return the article's number."""
    database = open_database(house.database)
    kept = keep(ArticleStore(database), 1)
    store = AlertStore(database)
    with database.write() as connection:
        connection.execute(update(t.alerts).values(channel="chat", rule="desk"))
    told = [Alert(AlertKey(each, "desk", "chat", "new"), evidence(), datetime.now(UTC)) for each in stories]
    store.queue(told)
    database.close()
    return kept.article_id


def _hour_passes(house: House) -> None:
    """Put an hour behind the channel: what it rests for is over, and it fails since then."""
    earlier = f"{datetime.now(UTC) - LAST_HOUR:%Y-%m-%d %H:%M:%S.%f}"
    with closing(sqlite3.connect(house.folder / "tripoint.db")) as connection, connection:
        connection.execute("update channel_states set failing_since = ?, resume_at = ?", (earlier, earlier))
        connection.execute("update alerts set next_attempt_at = ? where state = 'pending'", (earlier,))


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize(("language", "said"), [("en", "has accepted nothing since"), ("vi", "không nhận tin nào từ")])
def test_the_message_says_why_it_came_here(form: Format, language: str, said: str) -> None:
    why = (Phrase("stays_down", (("channel", "chat"), ("since_at", "2026-11-24T01:00:00+00:00"))),)
    reader = Reader(form, language, "Asia/Karachi")
    told = evidence()
    for message in (
        Renderer().render(replace(told, remarks=why), KEY, reader),
        Renderer().render_digest(digest(), KEY, reader, why),
    ):
        assert said in message.body
        assert "2026-11-24 06:00 PKT" in message.body


@pytest.mark.parametrize("form", list(Format))
def test_what_a_server_answered_is_text(form: Format) -> None:
    why = (Phrase("given_up", (("channel", "chat"), ("answer", "<b>{channel}</b> {0} @everyone"))),)
    body = Renderer().render(replace(evidence(), remarks=why), KEY, Reader(form)).body
    assert "@everyone" not in body
    assert "<b>{channel}" not in body or form is not Format.HTML


def read(folder: Path, text: str) -> Policies:
    file = folder / "policies.toml"
    file.write_text(text, encoding="utf-8")
    settings = Settings(channels=CHANNELS)
    alerts = settings.alerts.model_copy(update={"policies": file})
    return load_policies(settings.model_copy(update={"alerts": alerts}), SEEDS)


def test_a_file_names_who_is_told_too(tmp_path: Path) -> None:
    head = 'escalate = { to = ["chat", "sms"] }\n'
    policies = read(
        tmp_path,
        head + '[[rule]]\nname = "a"\nchannels = ["mail"]\n[[rule]]\nname = "b"\nchannels = ["mail"]\n'
        'escalate = { to = ["tag:loud"], after = "2h", instead = true }\n'
        '[[rule]]\nname = "c"\nchannels = ["mail"]\nescalate = { to = [] }\n',
    )
    default = Escalation(("chat",), timedelta(minutes=15), False, ("sms",))
    assert policies.escalation_of("a") == policies.escalation_of("health") == default
    assert policies.escalation_of("b") == Escalation(("chat",), timedelta(hours=2), instead=True)
    assert policies.escalation_of("c") is None
    assert rule().escalation is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('escalate = { to = ["pager"] }', "no channel `pager`"),
        ('escalate = { to = ["chat"], after = "soon" }', '"soon" is no span of time'),
        ('escalate = { to = ["mail"] }', "mail hear of it anyway"),
        ('escalate = { after = "1h" }', "`to` is missing"),
        ('escalate = { to = ["chat"], since = "1h" }', "unknown key `since`"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SeedError) as error:
        read(tmp_path, f'[[rule]]\nname = "r"\nchannels = ["mail"]\n{line}\n')
    assert said in str(error.value)
    assert "policies.toml:4: " in str(error.value)
