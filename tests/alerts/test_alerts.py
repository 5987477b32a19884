"""Alerts: outside text never becomes markup, a chat webhook gets them, and errors are told apart without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from alerts.attempt import Protocol, Said
from alerts.channels import Answer, Channel, Secret, open_channel
from alerts.courier import CourierSettings, next_state
from alerts.evidence import mark
from alerts.message import Format, Message, Reader
from alerts.policy import Policy
from alerts.render import Renderer, reference
from tripoint.domain.errors import SettingsError
from tripoint.domain.policies import Rule
from tripoint.domain.types import (
    AlertKey,
    AlertState,
    Article,
    Assessment,
    Evidence,
    Hit,
    Marked,
    Outcome,
    Placement,
    PlacementKind,
    Sentence,
    Zone,
)

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
KEY = AlertKey("story", "relevant", "chat", "new")
NASTY = "<script>alert(1)</script> **b** [x](http://evil.example) @everyone\r\nBcc: a@b.c"


def evidence(title: str = "Title", sentence: str = "Russia met Pakistan.") -> Evidence:
    published = datetime(2026, 11, 24, 8, 15, tzinfo=UTC)
    marked = (Marked(sentence, ((0, 6),)),)
    url = "https://a.example/x?a=1&b=(2)"
    return Evidence(title, "A & B", url, published, NOW, "en", "topic", 0.91, 0.5, marked, "Asia/Ho_Chi_Minh")


@pytest.mark.parametrize("form", list(Format))
def test_an_update_says_what_is_new_and_who_has_it(form: Format) -> None:
    told = replace(evidence(), what_is_new="a denial <i>", corroboration="TASS only; no Pakistani outlet after 6 h")
    message = Renderer().render(told, KEY, Reader(form))
    assert message.subject.startswith("[Tripoint] Update: Title")
    assert "New in this story: " in message.body
    assert "a denial" in message.body
    assert "<i>" not in message.body or form is Format.TEXT
    assert "no Pakistani outlet after 6 h" in message.body
    plain = Renderer().render(evidence(), KEY, Reader(form))
    assert plain.subject.startswith("[Tripoint] Title")
    assert "New in this story" not in plain.body


def test_a_message_says_everything() -> None:
    body = Renderer().render(evidence(), KEY, Reader(Format.TEXT)).body
    for part in (
        "Title",
        "A & B",
        "2026-11-24 15:15 +07",
        "08:15 UTC",
        "0.91",
        "**Russia** met Pakistan.",
        "https://",
        reference(KEY),
    ):
        assert part in body


def test_outside_text_never_becomes_markup() -> None:
    renderer = Renderer()
    html = renderer.render(evidence(NASTY, NASTY), KEY, Reader(Format.HTML))
    assert "<script" not in html.body
    assert html.body.count("<b>") == 1
    assert "\n" not in html.subject
    assert "\r" not in html.subject
    markdown = renderer.render(evidence(NASTY, NASTY), KEY, Reader(Format.MARKDOWN)).body
    assert "](http" not in markdown
    assert "@everyone" not in markdown
    assert r"\*\*b\*\*" in markdown
    assert "{{" in renderer.render(evidence("{{ 7*7 }}"), KEY, Reader(Format.TEXT)).body


def test_a_long_sentence_is_cut_around_its_hits() -> None:
    text = "x " * 400 + "Russia met Pakistan" + " y" * 400
    hit = Hit("actor.russia", "actor", Zone.TEXT, "Russia", 800, 806, 0)
    cut = mark(Sentence(Zone.TEXT, 0, 0, len(text), text), [hit])
    assert len(cut.text) <= 322
    ((start, end),) = cut.spans
    assert cut.text[start:end] == "Russia"


def _article(published: datetime | None) -> Article:
    return Article("https://a.example/1", "u", "T", "x", published, "en", (), "A", "a", "h", NOW)


@pytest.mark.parametrize(
    ("kind", "relevant", "age_h", "told"),
    [
        (PlacementKind.NEW, True, 1, 2),
        (PlacementKind.NEW, True, 100, 0),
        (PlacementKind.NEW, False, 1, 0),
        (PlacementKind.DUPLICATE, True, 1, 0),
        (PlacementKind.REVISION, True, 1, 2),
        (PlacementKind.NEW, True, None, 2),
    ],
)
def test_who_must_hear(kind: PlacementKind, relevant: bool, age_h: float | None, told: int) -> None:
    policy = Policy([Rule("relevant", ("a", "b"), timedelta(hours=72))], {})
    judged = Assessment("t", "v", 0.9 if relevant else 0.1, 0.5, relevant, (), ())
    article = _article(NOW - timedelta(hours=age_h) if age_h is not None else None)
    alerts = policy.who_must_hear(Placement("s", kind), article, [judged], NOW).alerts
    assert len([each for each in alerts if each.plan.period is None]) == told


@pytest.mark.parametrize(
    ("answer", "attempt", "state", "wait_s"),
    [
        (Answer(Outcome.ACCEPTED, ""), 1, AlertState.SENT, 0),
        (Answer(Outcome.PERMANENT, ""), 1, AlertState.DEAD, 0),
        (Answer(Outcome.TRANSIENT, ""), 1, AlertState.PENDING, 30),
        (Answer(Outcome.TRANSIENT, ""), 4, AlertState.PENDING, 240),
        (Answer(Outcome.TRANSIENT, ""), 11, AlertState.PENDING, 3600),
        (Answer(Outcome.TRANSIENT, ""), 12, AlertState.DEAD, 0),
    ],
)
def test_what_follows_an_attempt(answer: Answer, attempt: int, state: AlertState, wait_s: int) -> None:
    assert next_state(answer, attempt, NOW, CourierSettings(), 0.0) == (state, NOW + timedelta(seconds=wait_s))


def test_retries_are_spread_and_wait_as_long_as_the_service_asks() -> None:
    asked = Answer(Outcome.TRANSIENT, "", retry_after_s=200.0)
    for jitter, answer, wait_s in ((0.5, Answer(Outcome.TRANSIENT, ""), 66), (1.0, asked, 200), (0.0, asked, 200)):
        assert next_state(answer, 2, NOW, CourierSettings(), jitter) == (
            AlertState.PENDING,
            NOW + timedelta(seconds=wait_s),
        )
    far = Answer(Outcome.TRANSIENT, "", retry_after_s=1e9)
    assert next_state(far, 1, NOW, CourierSettings(), 0.0)[1] == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "protocol", "final"),
    [
        (404, Protocol.HTTP, True),
        (408, Protocol.HTTP, False),
        (429, Protocol.HTTP, False),
        (503, Protocol.HTTP, False),
        (200, Protocol.HTTP, False),
        (0, Protocol.HTTP, False),
        (535, Protocol.SMTP, True),
        (550, Protocol.SMTP, True),
        (451, Protocol.SMTP, False),
        (0, Protocol.SMTP, False),
        (0x87, Protocol.MQTT, True),
        (0x89, Protocol.MQTT, False),
        (0, Protocol.MQTT, False),
    ],
)
def test_what_is_worth_another_try(status: int, protocol: Protocol, final: bool) -> None:
    assert Said(status, "", protocol=protocol).is_final is final


async def _with_webhook(status: int, use: Callable[[str, list[str]], object]) -> None:
    received: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        received.append(await request.text())
        return web.Response(status=status, text="ok")

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        await use(f"mmost://127.0.0.1:{port}/secret0token0secret0token0", received)  # type: ignore[misc]
    finally:
        await runner.cleanup()


def test_a_chat_webhook_gets_the_alert() -> None:
    async def use(url: str, received: list[str]) -> None:
        channel = open_channel("chat", Secret(url), "", print)
        message = Renderer().render(evidence(), KEY, channel.reader)
        assert (await channel.send(message, 10)).outcome is Outcome.ACCEPTED
        payload = json.loads(received[0])
        assert "**Russia** met Pakistan" in payload["text"]

    asyncio.run(_with_webhook(200, use))


@pytest.mark.parametrize(("status", "outcome"), [(404, Outcome.PERMANENT), (500, Outcome.TRANSIENT)])
def test_a_webhook_that_fails_is_told_without_its_token(status: int, outcome: Outcome) -> None:
    answers: list[Answer] = []
    logged = io.StringIO()
    root, handler = logging.getLogger(), logging.StreamHandler(logged)
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)

    async def use(url: str, received: list[str]) -> None:
        channel = open_channel("chat", Secret(url), "", print)
        answers.append(await channel.send(Renderer().render(evidence(), KEY, channel.reader), 10))

    try:
        asyncio.run(_with_webhook(status, use))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert answers[0].outcome is outcome
    assert str(status) in answers[0].detail
    assert "secret0token" not in answers[0].detail + logged.getvalue()


def test_a_long_message_is_split_and_not_cut() -> None:
    """Trap: by default Apprise cuts what a service has no room for."""

    async def use(url: str, received: list[str]) -> None:
        channel = open_channel("chat", Secret(url), "", print)
        assert (await channel.send(Message("s", "word " * 3000 + "end", channel.form), 20)).outcome is Outcome.ACCEPTED
        assert len(received) > 1
        assert json.loads(received[-1])["text"].rstrip().endswith("end")

    asyncio.run(_with_webhook(200, use))


def test_a_wrong_url_names_the_channel_and_not_the_url() -> None:
    with pytest.raises(SettingsError) as error:
        open_channel("chat", Secret("nonsense://very-secret-token"), "", print)
    assert "chat" in str(error.value)
    assert "very-secret" not in str(error.value)
    assert "very-secret" not in repr(Secret("very-secret-token"))
    assert isinstance(open_channel("c", Secret("console://"), "", print), Channel)
