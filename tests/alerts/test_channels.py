"""Channels against servers that answer as the real ones do: limits, refusals, several services, and secrets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from alerts.channels import Answer, Channel, Secret, open_channel
from alerts.message import Format, Message
from alerts.render import Renderer
from tests import receiver as r
from tests.alerts.test_messages import HOSTILE, HOSTILE_IDS, KEY, digest, evidence
from tests.house import House
from tests.mail import MailServer
from tests.receiver import Receiver, Reply
from tripoint.domain.digests import DigestDay, DigestItem, DigestStory
from tripoint.domain.types import Outcome

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
DISCORD = "discord://123456789012345678/abcdefghijABCDEFGHIJ0123456789?avatar=no"
TELEGRAM = "tgram://123456789:abcdefghijklmnopqrstuvwxyz012345678/12315544"
TOKENS = (
    "A1BRTD4JD",
    "TIiajkdnlazkcOXrIdevi7FQ",
    "abcdefghijABCDEFGHIJ0123456789",
    "abcdefghijklmnopqrstuvwxyz012345678",
)


def _open(url: str, form: str = "") -> Channel:
    return open_channel("chat", Secret(url), form, print)


def _send(channel: Channel, title: str = "Title", timeout_s: float = 60) -> Answer:
    message = Renderer().render(evidence(title, title[:300]), KEY, channel.reader)
    return asyncio.run(channel.send(message, timeout_s))


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the plugins of Slack, Discord and Telegram call a loopback address."""

    def point(address: str) -> None:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{address}/slack")
        monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://{address}/discord")
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://{address}/telegram")

    return point


@pytest.mark.parametrize(
    ("url", "reply", "outcome", "wait_s", "says"),
    [
        (SLACK, r.SLACK_OK, Outcome.ACCEPTED, None, "accepted"),
        (SLACK, r.SLACK_LIMITED, Outcome.TRANSIENT, 30, "429"),
        (SLACK, r.SLACK_GONE, Outcome.PERMANENT, None, "no_service"),
        (SLACK, (503, {}, "down"), Outcome.TRANSIENT, None, "503"),
        (DISCORD, r.DISCORD_OK, Outcome.ACCEPTED, None, "accepted"),
        (DISCORD, r.DISCORD_LIMITED, Outcome.TRANSIENT, 1.5, "rate limited"),
        (TELEGRAM, r.TELEGRAM_OK, Outcome.ACCEPTED, None, "accepted"),
        (TELEGRAM, r.TELEGRAM_LIMITED, Outcome.TRANSIENT, 7, "retry after 7"),
        (TELEGRAM, r.TELEGRAM_KICKED, Outcome.PERMANENT, None, "kicked"),
    ],
)
def test_what_a_chat_service_answers_is_understood(
    url: str, reply: Reply, outcome: Outcome, wait_s: float | None, says: str, point_at: Callable[[str], None]
) -> None:
    with Receiver(lambda path, number: reply) as server:
        point_at(server.address)
        answer = _send(_open(url))
    assert (answer.outcome, answer.retry_after_s) == (outcome, wait_s)
    assert says in answer.detail
    assert not any(token in answer.detail for token in TOKENS)


def _texts(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False)


@pytest.mark.parametrize("nasty", HOSTILE, ids=HOSTILE_IDS)
@pytest.mark.parametrize(("url", "reply"), [(SLACK, r.SLACK_OK), (DISCORD, r.DISCORD_OK), (TELEGRAM, r.TELEGRAM_OK)])
def test_hostile_titles_reach_chats_as_text(
    url: str, reply: Reply, nasty: str, point_at: Callable[[str], None]
) -> None:
    with Receiver(lambda path, number: reply) as server:
        point_at(server.address)
        assert _send(_open(url), nasty).outcome is Outcome.ACCEPTED
    assert len(server.received) == 1
    sent = _texts(server.received[0][1])
    for call in ("@everyone", "@here", "<!channel>", "](http:/", "\u202e"):
        assert call not in sent
    assert not re.search(r"(?<!\\)<script", sent)
    assert "https://a.example/x?a=1" in sent
    assert len(sent) < 8_000


@pytest.mark.parametrize(
    ("url", "reply", "field", "longest"),
    [
        (SLACK, r.SLACK_OK, "", 35_000),
        (DISCORD, r.DISCORD_OK, "content", 2_000),
        (TELEGRAM, r.TELEGRAM_OK, "text", 4_096),
        ("mmost://{address}/secret0token0secret0token0", r.SLACK_OK, "text", 4_000),
    ],
)
def test_a_long_digest_is_parted_within_the_limits_of_its_service_and_each_link_stays_whole(
    url: str, reply: Reply, field: str, longest: int, point_at: Callable[[str], None]
) -> None:
    links = [f"https://a.example/{each:03d}/{'x' * 150}" for each in range(40)]
    items = [
        DigestItem(f"s{each}", "new", replace(evidence(f"Title {each}"), url=link), NOW)
        for each, link in enumerate(links)
    ]
    day = DigestDay(NOW.date(), tuple(DigestStory(each.story, (each,)) for each in items))
    with Receiver(lambda path, number: reply) as server:
        point_at(server.address)
        channel = _open(url.format(address=server.address))
        message = Renderer().render_digest(replace(digest(), days=(day,)), KEY, channel.reader)
        assert asyncio.run(channel.send(message, 120)).outcome is Outcome.ACCEPTED
    parts = [str(body[field]) if field else _texts(body) for _, body in server.received]
    assert (len(parts) > 1) is (longest < len(message.body))
    assert max(len(each) for each in parts) <= longest
    for link in links:
        assert sum(link in each for each in parts) == 1
    if channel.form is Format.HTML:
        for each in parts:
            assert re.findall(r"<(\w+)", each) == re.findall(r"</(\w+)", each)  # no part begins within a tag


@pytest.mark.parametrize("nasty", [*HOSTILE, "\x1b[2J\x1b]0;title\x07 cleared\x9b31m"], ids=[*HOSTILE_IDS, "escape"])
def test_hostile_titles_reach_a_terminal_as_text(nasty: str) -> None:
    written: list[str] = []
    assert _send(open_channel("console", Secret("console://"), "", written.append), nasty).outcome is Outcome.ACCEPTED
    (text,) = written
    assert not set(text) - {"\n"} & {chr(each) for each in (*range(32), *range(127, 160), 0x202E, 0x2066)}
    assert "https://a.example/x?a=1" in text
    assert not re.search(r"@(everyone|here)|<!channel", text)
    assert len(text) < 8_000


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [("120", 120.0), ("0", 0.0), ("Tue, 24 Nov 2020 08:00:00 GMT", 0.0), ("soon", None), ("-5", 0.0)],
)
def test_how_long_a_header_asks_to_wait(header: str, wait_s: float | None) -> None:
    with Receiver(lambda path, number: (429, {"Retry-After": header}, "later")) as server:
        assert _send(_open(f"json://{server.address}/hook")).retry_after_s == wait_s


def test_a_date_in_the_header_is_a_time_to_wait() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    with Receiver(lambda path, number: (503, {"Retry-After": date}, "later")) as server:
        wait_s = _send(_open(f"json://{server.address}/hook")).retry_after_s
    assert wait_s is not None
    assert 240 < wait_s <= 300


def test_a_partly_accepted_message_is_not_sent_again_to_those_who_have_it(point_at: Callable[[str], None]) -> None:
    replies = {"/slack": [r.SLACK_OK], "/discord": [(500, {}, "oops"), r.DISCORD_OK]}

    def answer(path: str, number: int) -> Reply:
        return replies[next(each for each in replies if path.startswith(each))].pop(0)

    with Receiver(answer) as server:
        point_at(server.address)
        channel = _open(f"{SLACK}\n# the other room\n{DISCORD}")
        first, second = _send(channel), _send(channel)
    assert first.outcome is Outcome.TRANSIENT
    assert [each.outcome for each in first.services] == [Outcome.ACCEPTED, Outcome.TRANSIENT]
    assert "Slack: accepted" in first.detail
    assert "oops" in first.detail
    assert second.outcome is Outcome.ACCEPTED
    assert len([path for path, _ in server.received if path.startswith("/slack")]) == 1


def test_a_chat_that_is_gone_gives_no_other_chat_up(point_at: Callable[[str], None]) -> None:
    replies = [r.TELEGRAM_KICKED, (500, {}, "oops"), r.TELEGRAM_KICKED, r.TELEGRAM_OK, r.TELEGRAM_KICKED]
    with Receiver(lambda path, number: replies[number - 1]) as server:
        point_at(server.address)
        channel = _open(TELEGRAM + "/22222222")
        told = [_send(channel).outcome for _ in range(3)]
    assert told == [Outcome.TRANSIENT, Outcome.PERMANENT, Outcome.PERMANENT]
    assert len({body["chat_id"] for _, body in server.received}) == 2
    assert len(server.received) == 5


def test_parts_that_were_accepted_are_not_sent_again(point_at: Callable[[str], None]) -> None:
    """Trap: Apprise sends the parts before a failure, and all of them again when it is asked again."""

    def answer(path: str, number: int) -> Reply:
        return (500, {}, "oops") if number == 2 else r.DISCORD_OK

    with Receiver(answer) as server:
        point_at(server.address)
        channel = _open(DISCORD)
        message = Message(
            "s", "\n".join(f"line {each} " + "word " * 20 for each in range(60)), Format.TEXT, reference="x"
        )
        assert asyncio.run(channel.send(message, 60)).outcome is Outcome.TRANSIENT
        sent = len(server.received)
        assert asyncio.run(channel.send(message, 60)).outcome is Outcome.ACCEPTED
    assert sent > 2
    assert len(server.received) == sent + 1


def test_a_key_in_a_header_of_a_json_hook_stays_secret() -> None:
    with Receiver(lambda path, number: (401, {}, "wrong key s3cr3t-header-key")) as server:
        channel = _open(f"json://{server.address}/hook?+X-Api-Key=s3cr3t-header-key")
        answer = _send(channel)
    assert answer.outcome is Outcome.PERMANENT
    assert "401" in answer.detail
    assert "s3cr3t" not in f"{answer} {channel!r}"


def test_a_refused_connection_names_no_token() -> None:
    channel = _open("mmost://127.0.0.1:9/secret0token0secret0token0")
    answer = _send(channel)
    assert answer.outcome is Outcome.TRANSIENT
    assert "secret0token" not in answer.detail


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    """Return a mail server whose authority is trusted."""
    server = MailServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    return server


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [("451 4.3.0 come back later", Outcome.TRANSIENT), ("554 5.7.1 not wanted here", Outcome.PERMANENT)],
)
def test_what_a_mail_server_refuses(mail: MailServer, refusal: str, outcome: Outcome) -> None:
    with mail:
        channel = _open(mail.url())
        mail.inbox.refusal = refusal
        answer = _send(channel)
        assert answer.outcome is outcome
        assert refusal[:3] in answer.detail
        assert refusal[-5:] in answer.detail
        mail.inbox.refusal = ""
        assert _send(channel).outcome is Outcome.ACCEPTED
        assert len(mail.received) == 1


def test_a_wrong_password_is_told_without_it(mail: MailServer) -> None:
    with mail:
        answer = _send(_open(mail.url("wrong-horse-password")))
    assert answer.outcome is Outcome.PERMANENT
    assert "535" in answer.detail
    assert "wrong-horse" not in answer.detail


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with MailServer(tmp_path) as server:
        answer = _send(_open(server.url()))
        assert server.received == []
    assert answer.outcome is Outcome.TRANSIENT
    assert "certificate verify failed" in answer.detail.lower()


@pytest.mark.parametrize("nasty", HOSTILE, ids=HOSTILE_IDS)
def test_hostile_titles_reach_an_inbox_as_text(mail: MailServer, nasty: str) -> None:
    with mail:
        channel = _open(mail.url())
        assert channel.form is Format.HTML
        assert _send(channel, nasty).outcome is Outcome.ACCEPTED
    (received,) = mail.received
    assert received.recipients == ("desk@example.org",)
    assert "\n" not in received.subject
    assert "<script" not in received.html
    assert "https://a.example/x?a=1" in received.text
    assert nasty[:4] in received.text.replace("\u200b", "")


def test_a_digest_reaches_an_inbox_with_its_chart(mail: MailServer) -> None:
    with mail:
        channel = _open(mail.url())
        message = Renderer().render_digest(digest(), KEY, channel.reader)
        assert asyncio.run(channel.send(message, 60)).outcome is Outcome.ACCEPTED
    (received,) = mail.received
    assert "cid:volume.png" in received.html
    assert "435 relevant reports in the last 30 days" in received.text


def test_of_two_recipients_only_who_was_refused_gets_it_again(mail: MailServer) -> None:
    with mail:
        channel = _open(mail.url() + ",second@example.org")
        mail.inbox.refusals = ["", "451 later"]
        assert _send(channel).outcome is Outcome.TRANSIENT
        assert _send(channel).outcome is Outcome.ACCEPTED
        assert sorted(each.recipients for each in mail.received) == [("desk@example.org",), ("second@example.org",)]


def test_a_server_that_drops_the_line_or_hangs(mail: MailServer) -> None:
    with mail:
        channel = _open(mail.url())
        mail.inbox.behaviour = "drop"
        assert _send(channel).outcome is Outcome.TRANSIENT
        mail.inbox.behaviour = "hang"
        hung = _send(channel, timeout_s=1)
        assert hung.outcome is Outcome.TRANSIENT
        assert hung.detail == "no answer within 1 s"
        mail.inbox.behaviour = ""
        mail.inbox.let_go.set()
        assert mail.received == []


def test_a_channel_is_tested_by_hand(mail: MailServer, tmp_path: Path) -> None:
    house = House(tmp_path, {"channels.desk": {"url_env": "DESK", "language": "vi"}})
    house.environment = {"SSL_CERT_FILE": str(mail.authority), "DESK": mail.url()}
    with mail:
        assert "accepted" in house.run("alerts", "test", "desk").stdout
        mail.inbox.refusal = "554 5.7.1 not wanted here"
        said = house.run("alerts", "test", "desk", "--json", code=1)
    assert json.loads(said.stdout)["outcome"] == "permanent"
    assert "not wanted here" in said.stdout
    (received,) = mail.received
    assert "THỬ" in received.subject
    assert "no channel `dask`" in house.run("alerts", "test", "dask", code=2).stderr
