"""From evidence to a message. Text that came from outside never becomes markup, and a subject is one line."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from alerts.assessed import assessed
from alerts.chart import as_bars, as_png, in_words
from alerts.markup import line, web_address
from alerts.message import Format as Format
from alerts.message import Message as Message
from alerts.message import Picture, Reader
from alerts.phrases import all_said, said, weekday, words
from alerts.proof import BARE_ALERT, FULL_ALERT, full_digest
from alerts.templates import Templates
from tripoint.domain.digests import Digest, DigestStory
from tripoint.domain.templates import TemplateState
from tripoint.domain.types import UPDATE, AlertKey, Evidence, Marked, Phrase

log = logging.getLogger(__name__)

_LONGEST_SUBJECT = 200
_CHART = "volume.png"
_NO_STORY = (
    "source:",
    "check:",
    "template:",
    "topic:",
    "backfill:",
    "digest:",
    "test:",
)  # how keys begin that name no story of the archive


def reference(key: AlertKey) -> str:
    """Return a short mark of an alert by which two copies of it can be told to be the same."""
    joined = "\n".join((key.story, key.rule, key.channel, key.kind))
    return hashlib.sha256(joined.encode()).hexdigest()[:12]


class Renderer:
    """Renders alerts and digests for a reader."""

    def __init__(
        self,
        folder: Path | None = None,
        public_url: str = "",
        tell: Callable[[str], None] = log.error,
    ) -> None:
        self._templates = Templates(folder, tell)
        self._public_url = public_url.rstrip("/")

    def render(self, evidence: Evidence, key: AlertKey, reader: Reader) -> Message:
        """Return one alert; what a service has no room for is left out, the link never."""
        fitting = evidence
        while True:
            message = self._alert(fitting, key, reader)
            if fits(message.body, reader):
                return message
            if not fitting.sentences:
                return replace(message, body=_shortest(fitting, reader))
            fitting = replace(fitting, sentences=fitting.sentences[:-1])

    def render_digest(self, digest: Digest, key: AlertKey, reader: Reader, remarks: Sequence[Phrase] = ()) -> Message:
        """Return one digest, with a chart where a picture can be shown; `remarks` say how it came to this reader."""
        values = self._digest_values(digest, key, reader)
        values["remark"] = _remark(remarks, reader.language, reader.timezone or digest.timezone)
        html = reader.form is Format.HTML
        return Message(
            subject=_one_subject(f"[Tripoint] {values['headline']} ({line(values['topics'])})"),
            body=self._templates.render("digest", reader.form, values),
            format=reader.form,
            plain=self._templates.render("digest", Format.TEXT, values) if html else "",
            reference=reference(key),
            thread=f"digest {key.rule} {key.channel}",
            starts_thread=False,
            pictures=(Picture(_CHART, as_png(digest.volume)),) if html else (),
        )

    def try_templates(self) -> Sequence[TemplateState]:
        """Return how the templates of a person do: with made-up alerts, and with the real ones since they changed."""
        key = AlertKey("test:proof", "test", "proof", "new")
        for form in Format if self._templates.are_overridden else ():
            for told in (FULL_ALERT, BARE_ALERT):
                self._alert(told, key, Reader(form))
            self.render_digest(full_digest(), key, Reader(form), FULL_ALERT.remarks)
        return self._templates.states()

    def _alert(self, evidence: Evidence, key: AlertKey, reader: Reader) -> Message:
        values = self._alert_values(evidence, key, reader)
        html = reader.form is Format.HTML
        return Message(
            subject=_subject(evidence, reader),
            body=self._templates.render("alert", reader.form, values),
            format=reader.form,
            plain=self._templates.render("alert", Format.TEXT, values) if html else "",
            reference=reference(key),
            thread=f"{key.story} {key.rule} {key.channel}",
            starts_thread=not key.kind.startswith(UPDATE),
        )

    def _alert_values(self, evidence: Evidence, key: AlertKey, reader: Reader) -> dict[str, Any]:
        phrase = words(reader.language)
        zone = reader.timezone or evidence.timezone
        return {
            "words": phrase,
            "title": line(title_of(evidence, reader.language, zone)),
            "outlet": line(evidence.outlet),
            "published": _local(evidence.published, zone) or phrase["time_unknown"],
            "published_utc": _utc(evidence.published),
            "score": f"{evidence.score:.2f}",
            "threshold": f"{evidence.threshold:.2f}",
            "topic": line(evidence.topic),
            "language": evidence.language,
            "assessed": line(assessed(evidence, reader.language), 600),
            "facets": [(phrase[name], line(", ".join(named))) for name, named in evidence.facets if name in phrase],
            "sentences": evidence.sentences,
            "what_is_new": _new(evidence, reader.language, zone),
            "corroboration": _behind(evidence, reader.language, zone),
            "remark": _remark(evidence.remarks, reader.language, zone),
            "url": web_address(evidence.url),
            "page": self._page(key.story),
            "reference": reference(key),
        }

    def _digest_values(self, digest: Digest, key: AlertKey, reader: Reader) -> dict[str, Any]:
        phrase = words(reader.language)
        zone = reader.timezone or digest.timezone
        return {
            "words": phrase,
            "headline": digest_headline(digest, reader.language),
            "topics": line(", ".join(digest.topics)),
            "volume": in_words(digest.volume, reader.language),
            "bars": as_bars(digest.volume),
            "picture": _CHART,
            "days": [
                {
                    "name": f"{weekday(each.day.weekday(), reader.language)} {each.day.isoformat()}",
                    "stories": [self._story(story, reader.language, zone) for story in each.stories],
                }
                for each in digest.days
            ],
            "left_out": phrase["and_more"].format(number=digest.left_out) if digest.left_out else "",
            "reference": reference(key),
        }

    def _story(self, story: DigestStory, language: str, zone: str) -> dict[str, Any]:
        head = story.headline.evidence
        return {
            "title": line(head.title),
            "outlet": line(head.outlet),
            "score": f"{head.score:.2f}",
            "assessed": line(assessed(head, language, with_threshold=False), 600),
            "reports": len(story.items),
            "news": list(_news(story, language, zone)),
            "corroboration": _behind(head, language, zone),
            "url": web_address(head.url),
            "page": self._page(story.story),
        }

    def _page(self, story: str) -> str:
        if not self._public_url or story.startswith(_NO_STORY):
            return ""
        return web_address(f"{self._public_url}/stories/{quote(story, safe='')}")


def digest_headline(digest: Digest, language: str = "en") -> str:
    """Return what a digest is, in one line."""
    phrase = words(language)
    number = phrase["story"] if digest.stories == 1 else phrase["stories"]
    return f"{phrase[digest.period.value]}: {digest.stories} {number}"


def _news(story: DigestStory, language: str, zone: str) -> Iterator[tuple[str, str]]:
    for item in story.items:
        if item.evidence.what_is_new:
            yield f"{item.at.astimezone(ZoneInfo(zone)):%H:%M}", _new(item.evidence, language, zone)


def _new(evidence: Evidence, language: str, zone: str) -> str:
    return line(all_said(evidence.news, language, zone) or evidence.what_is_new, 600)


def _behind(evidence: Evidence, language: str, zone: str) -> str:
    return line(all_said(evidence.behind, language, zone) or evidence.corroboration, 600)


def fits(text: str, reader: Reader) -> bool:
    """Return whether a service has room for a text."""
    return not reader.longest or _size(text, reader) <= reader.longest


def _size(text: str, reader: Reader) -> int:
    return len(text.encode()) if reader.in_bytes else len(text)


def _shortest(evidence: Evidence, reader: Reader) -> str:
    """Return the title, cut, and the link, whole."""
    link = web_address(evidence.url)
    title = whole = line(title_of(evidence, reader.language, reader.timezone or evidence.timezone))
    while title and _size(f"{title}… {link}", reader) > reader.longest:
        title = title[:-1]
    return f"{title}{'' if title == whole else '…'} {link}".strip()


def sample(channel: str, reader: Reader, now: datetime) -> tuple[Evidence, AlertKey]:
    """Return what a test of a channel tells."""
    phrase = words(reader.language)
    title = f"{phrase['test']}: {phrase['test_title'].format(channel=channel)}"
    sentence = phrase["test_sentence"]
    evidence = Evidence(
        title,
        "Tripoint",
        "",
        now,
        now,
        reader.language,
        "",
        0.0,
        0.0,
        (Marked(sentence, ()),),
        reader.timezone or "UTC",
    )
    return evidence, AlertKey(f"test:{now.isoformat()}", "test", channel, "new")


def _remark(remarks: Sequence[Phrase], language: str, zone: str) -> str:
    return line(all_said(remarks, language, zone, " "), 600)


def title_of(evidence: Evidence, language: str, zone: str) -> str:
    """Return the headline: an article's as it was written, our own in the reader's language."""
    return said(evidence.headline, language, zone) if evidence.headline else evidence.title


def _subject(evidence: Evidence, reader: Reader) -> str:
    mark = f"[Tripoint] {words(reader.language)['update']}: " if evidence.what_is_new else "[Tripoint] "
    title = title_of(evidence, reader.language, reader.timezone or evidence.timezone)
    return _one_subject(f"{mark}{line(title)} — {line(evidence.outlet)}")


def _one_subject(text: str) -> str:
    return line(text, _LONGEST_SUBJECT)


def _local(moment: datetime | None, timezone: str) -> str:
    return moment.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M %Z") if moment else ""


def _utc(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""
