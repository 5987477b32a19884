"""What readers see: two languages, digests with a chart, templates of one's own, and hostile text that stays text."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.message import Message as MimeMessage
from pathlib import Path

import pytest
from PIL import Image

from alerts.chart import as_png, in_words
from alerts.mail import compose
from alerts.message import Format, Message, Reader
from alerts.phrases import LANGUAGES, catalogue
from alerts.render import Renderer, sample
from tripoint.app.seeds import load_seeds
from tripoint.domain.digests import DayVolume, Digest, DigestDay, DigestItem, DigestStory, Period
from tripoint.domain.types import AlertKey, Evidence, Marked, Named, Phrase

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
KEY = AlertKey("story-1", "relevant", "desk", "new")
HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "**bold** [link](http://evil.example) `code` | # h",
    "@everyone <!channel> @here",
    "{{ 7*7 }} {% for x in y %} {{ ''.__class__ }}",
    "safe\u202egnp.exe\u2066 \u200bhidden",
    "line\r\nBcc: victim@example.org\r\n\r\n.",
    "long " * 20_000,
]
HOSTILE_IDS = ["html", "markdown", "mention", "template", "bidi", "newline", "long"]
ADDRESSES = {"From": "Tripoint <t@example.org>", "To": "desk@example.org"}


def evidence(title: str = "Nga và Pakistan ký thỏa thuận", sentence: str = "Russia met Pakistan.") -> Evidence:
    return Evidence(
        title=title,
        outlet="Báo A",
        url="https://a.example/x?a=1",
        published=NOW,
        fetched_at=NOW,
        language="vi",
        topic="topic",
        score=0.91,
        threshold=0.5,
        sentences=(Marked(sentence, ((0, min(6, len(sentence))),)),),
        timezone="Europe/Moscow",
        facets=(("actor", ("Nga", "Pakistan")), ("act", ("ký",))),
        concepts=(
            Named("actor", "actor.russia_army", "quân đội Nga"),
            Named("actor", "actor.russia", "Nga"),
            Named("actor", "actor.pakistan", "Pakistan"),
            Named("act", "act.sale", "ký"),
            Named("platform", "platform.mi35", "Mi-35M"),
            Named("platform", "platform.x", "Mi-35"),
        ),
    )


def digest(title: str = "Title") -> Digest:
    volume = tuple(
        DayVolume(date(2026, 10, 26 + each) if each < 6 else date(2026, 11, each - 5), each) for each in range(30)
    )
    item = DigestItem("story-1", "new", evidence(title), NOW)
    days = (DigestDay(date(2026, 11, 24), (DigestStory("story-1", (item,)),)),)
    return Digest(Period.DAILY, "relevant", NOW, NOW, "Asia/Ho_Chi_Minh", days, volume, ("topic",), 3)


def test_both_languages_have_every_phrase_with_the_same_places() -> None:
    names = {language: set(phrases) for language, phrases in catalogue().items()}
    assert set(names) == set(LANGUAGES)
    assert names["en"] == names["vi"]
    for name, phrase in catalogue()["en"].items():
        assert _places(phrase) == _places(catalogue()["vi"][name]), name


def _places(phrase: str) -> list[str]:
    """Return what a phrase has places for; a country is an adjective in English, and a month has a name."""
    alike = {"{adjective}": "{its_country}", "{month_name}": "{month}"}
    return sorted(alike.get(each, each) for each in re.findall(r"{\w+}", phrase))


def test_what_has_a_name_in_messages_is_in_the_lexicon() -> None:
    named = {each for each in catalogue()["en"] if each.split(".")[0] in {"actor", "act", "third"} and "." in each}
    assert len(named) > 20
    assert named <= set(load_seeds().lexicon.ids)


def test_what_is_new_and_who_has_it_is_told_in_the_readers_language() -> None:
    news = (
        Phrase("denial", (("said", "bác bỏ"),)),
        Phrase("new_date", (("day", "5"), ("month", "12"), ("month_name", "Dec"))),
    )
    behind = (
        Phrase("first_at_from", (("outlet", "Dawn"), ("wire", "TASS"))),
        Phrase("no_outlet", (("adjective", "Russian"), ("its_country", "RU"), ("hours", "7"))),
    )
    update = replace(evidence(), what_is_new="in English", corroboration="in English", news=news, behind=behind)
    item = DigestItem("story-1", "update:x", update, NOW)
    day = DigestDay(date(2026, 11, 24), (DigestStory("story-1", (item,)),))
    of_day = replace(digest(), days=(day,))
    for language, parts in (
        ("en", ("a denial (bác bỏ); date: 5 Dec", "first at Dawn, from TASS; no Russian outlet after 7 h")),
        ("vi", ("bác bỏ (bác bỏ); ngày 5/12", "đăng đầu tiên: Dawn, theo TASS; chưa có báo nào của Nga sau 7 giờ")),
    ):
        reader = Reader(Format.TEXT, language)
        for message in (Renderer().render(update, KEY, reader), Renderer().render_digest(of_day, KEY, reader)):
            assert "in English" not in message.body
            assert all(part in message.body for part in parts)


@pytest.mark.parametrize("form", list(Format))
def test_words_of_an_article_in_the_assessment_stay_text(form: Format) -> None:
    nasty = replace(evidence(), concepts=(Named("platform", "platform.x", "<b>@everyone</b> **x** {{ 7*7 }}"),))
    body = Renderer().render(nasty, KEY, Reader(form)).body
    assert "@everyone" not in body
    assert "<b>\u200b" not in body
    assert "49" not in body
    assert form is Format.TEXT or "**x**" not in body or form is Format.HTML


def test_a_reader_gets_her_language_and_her_zone() -> None:
    message = Renderer(public_url="https://desk.example/").render(
        evidence(), KEY, Reader(Format.TEXT, "vi", "Asia/Ho_Chi_Minh")
    )
    for part in (
        "liên quan rõ (0.91, báo từ 0.50): Nga và Pakistan, bán vũ khí, Mi-35M",
        "2026-11-24 15:00 +07",
        "Mọi bản tin: ",
    ):
        assert part in message.body
    assert "https://desk.example/stories/story-1" in message.body
    english = Renderer().render(evidence(), KEY, Reader(Format.TEXT)).body
    assert "clearly relevant (0.91, alerts from 0.50): Russia and Pakistan, arms sale, Mi-35M" in english
    assert "11:00 MSK" in english
    assert "All reports" not in english


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", list(Format))
def test_a_digest_tells_days_stories_and_the_numbers_of_its_chart(form: Format, language: str) -> None:
    message = Renderer().render_digest(digest(), KEY, Reader(form, language))
    assert in_words(digest().volume, language) in message.body
    assert "435" in message.body
    assert {"en": "Tuesday 2026-11-24", "vi": "Thứ Ba 2026-11-24"}[language] in message.body
    assert "Title" in message.body
    assert "3" in message.body
    assert ("cid:volume.png" in message.body) is bool(message.pictures) is (form is Format.HTML)


def test_the_chart_is_a_picture_with_a_column_a_day() -> None:
    image = Image.open(io.BytesIO(as_png(digest().volume)))
    assert image.format == "PNG"
    heights = []
    for place in range(30):
        column = [image.getpixel((6 + place * 16 + 5, y)) for y in range(image.height)]
        heights.append(column.count((31, 95, 160)))
    assert heights[0] == 0
    assert heights[1:] == sorted(heights[1:])
    assert heights[1] >= 2
    assert Image.open(io.BytesIO(as_png(()))).width > 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("nasty", HOSTILE, ids=HOSTILE_IDS)
def test_hostile_text_stays_text(nasty: str, form: Format, language: str) -> None:
    renderer = Renderer()
    for message in (
        renderer.render(evidence(nasty, nasty[:400]), KEY, Reader(form, language)),
        renderer.render_digest(digest(nasty), KEY, Reader(form, language)),
    ):
        assert not set(message.subject) & set("\r\n\u202e\u2066\u200b")
        assert len(message.subject) <= 200
        assert len(message.body) < 20_000
        assert not set(message.body) & set("\u202e\u2066\r")
        if nasty.startswith("{{"):
            assert "7*7" in message.body.replace("\\", "")
        if form is Format.HTML:
            assert not re.search(r"<(script|img src=x)", message.body)
        else:
            assert not re.search(r"@(everyone|here)|<!channel", message.body)
        if form is Format.MARKDOWN:
            assert "](http" not in message.body
        mail = _read(compose(message, ADDRESSES, "example.org", NOW))
        assert mail["Bcc"] is None


def _read(mail: MimeMessage) -> EmailMessage:
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_mail_threads_by_its_story_and_shows_its_picture() -> None:
    renderer, reader = Renderer(), Reader(Format.HTML)
    first = _read(compose(renderer.render(evidence(), KEY, reader), ADDRESSES, "x", NOW))
    update = AlertKey("story-1", "relevant", "desk", "update:1")
    later = _read(compose(renderer.render(evidence(), update, reader), ADDRESSES, "x", NOW))
    assert first["Message-ID"].endswith("@example.org>")
    assert later["References"] == later["In-Reply-To"] == first["Message-ID"] != later["Message-ID"]
    assert first["References"] is None
    for mail in (first, later):
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["List-Id"] == "Tripoint alerts <alerts.tripoint>"
        assert mail["Date"]
        assert mail.get_content_type() == "multipart/alternative"
        assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]
    sheet = _read(compose(renderer.render_digest(digest(), KEY, reader), ADDRESSES, "x", NOW))
    (related,) = [each for each in sheet.walk() if each.get_content_type() == "multipart/related"]
    html, picture = related.iter_parts()
    assert picture["Content-ID"] == "<volume.png>"
    assert picture.get_content().startswith(b"\x89PNG")
    alternative = re.search(r'alt="([^"]+)"', html.get_content())
    assert alternative is not None
    assert "435" in alternative[1]


@pytest.mark.parametrize(
    "title", ["Russian, Pakistani navies begin Arabian Monsoon exercise", "Nga và Pakistan ký", "T " * 90]
)
def test_a_subject_arrives_as_it_was_written(title: str) -> None:
    message = Renderer().render(evidence(title), KEY, Reader(Format.HTML))
    assert _read(compose(message, ADDRESSES, "x", NOW))["Subject"] == message.subject


def test_what_a_service_has_no_room_for_is_left_out_and_never_the_link() -> None:
    long = evidence("Tiếng Việt " * 30, "Russia " + "met Pakistan " * 20)
    for reader in (Reader(Format.TEXT, longest=140), Reader(Format.TEXT, longest=160, in_bytes=True)):
        body = Renderer().render(long, KEY, reader).body
        assert body.endswith("https://a.example/x?a=1")
        assert body.startswith("Tiếng Việt")
        assert len(body.encode() if reader.in_bytes else body) <= reader.longest
    middle = Renderer().render(long, KEY, Reader(Format.TEXT, longest=600)).body
    assert "ref " in middle
    assert "met Pakistan" not in middle


@pytest.mark.parametrize(
    ("template", "says"),
    [("{{ nothing }}", "UndefinedError"), ("{% if %}", "TemplateSyntaxError"), ("{{ 1/0 }}", "ZeroDivision"),
     ("{{ title.__class__.__mro__ }}", "SecurityError")],
)  # fmt: skip
def test_a_broken_template_falls_back_and_is_told_once(tmp_path: Path, template: str, says: str) -> None:
    told: list[str] = []
    (tmp_path / "alert.text.j2").write_text(template, encoding="utf-8")
    renderer = Renderer(tmp_path, tell=told.append)
    for _ in range(3):
        assert (
            renderer.render(evidence(), KEY, Reader(Format.TEXT)).body
            == Renderer().render(evidence(), KEY, Reader(Format.TEXT)).body
        )
    assert len(told) == 1
    assert says in told[0]
    assert "alert.text.j2" in told[0]


def test_a_template_of_ones_own_is_used(tmp_path: Path) -> None:
    (tmp_path / "alert.text.j2").write_text("OURS {{ title }} {{ url }}", encoding="utf-8")
    assert Renderer(tmp_path).render(evidence("T"), KEY, Reader(Format.TEXT)).body == "OURS T https://a.example/x?a=1\n"


def test_a_sample_says_that_it_is_a_test() -> None:
    for language, word in (("en", "TEST"), ("vi", "THỬ")):
        reader = Reader(Format.TEXT, language)
        message: Message = Renderer().render(*sample("desk", reader, NOW), reader)
        assert word in message.subject
        assert "desk" in message.body
