"""From evidence to a message. Text that came from outside never becomes markup, and a subject is one line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from alerts.plain_digest import as_text, headline
from tripoint.domain.digests import Digest
from tripoint.domain.text import one_line
from tripoint.domain.types import AlertKey, Evidence, Marked

_LONGEST_SUBJECT = 200
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


class Format(StrEnum):
    """How a message is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Message:
    """A message, ready to send."""

    subject: str
    body: str
    format: Format


def reference(key: AlertKey) -> str:
    """Return a short mark of an alert by which two copies of it can be told to be the same."""
    joined = "\n".join((key.story, key.rule, key.channel, key.kind))
    return hashlib.sha256(joined.encode()).hexdigest()[:12]


class Renderer:
    """Renders alerts by the templates of the package."""

    def __init__(self) -> None:
        self._environments = {each: _environment(each) for each in Format}

    def render(self, evidence: Evidence, key: AlertKey, form: Format) -> Message:
        """Return subject and body of one alert."""
        template = self._environments[form].get_template(f"alert.{form}.j2")
        body = template.render(
            title=one_line(evidence.title),
            outlet=one_line(evidence.outlet),
            published=_local(evidence.published, evidence.timezone),
            published_utc=_utc(evidence.published),
            score=f"{evidence.score:.2f}",
            threshold=f"{evidence.threshold:.2f}",
            topic=evidence.topic,
            language=evidence.language,
            sentences=evidence.sentences,
            what_is_new=one_line(evidence.what_is_new),
            corroboration=one_line(evidence.corroboration),
            url=_web_address(evidence.url),
            remark=one_line(evidence.remark),
            reference=reference(key),
        )
        return Message(_subject(evidence), body.strip() + "\n", form)

    def render_digest(self, digest: Digest, key: AlertKey, form: Format) -> Message:
        """Return subject and body of one digest; as text, whatever form was asked for."""
        return Message(f"[Tripoint] {headline(digest)}", f"{as_text(digest)}\n\nref {reference(key)}\n", Format.TEXT)


def _environment(form: Format) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=PackageLoader("alerts"),
        autoescape=form is Format.HTML,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    marks: dict[Format, Callable[[Marked], Any]] = {
        Format.TEXT: lambda marked: _joined(marked, str, "**", "**"),
        Format.MARKDOWN: lambda marked: _joined(marked, escape_markdown, "**", "**"),
        Format.HTML: lambda marked: Markup(_joined(marked, _escape_html, "<mark>", "</mark>")),  # noqa: S704 - escaped
    }
    environment.filters["marked"] = marks[form]
    environment.filters["markdown"] = escape_markdown
    return environment


def _joined(marked: Marked, write: Callable[[str], str], before: str, after: str) -> str:
    parts: list[str] = []
    position = 0
    for start, end in marked.spans:
        if start < position:
            continue
        parts += [write(marked.text[position:start]), before, write(marked.text[start:end]), after]
        position = end
    return "".join([*parts, write(marked.text[position:])])


def escape_markdown(text: str) -> str:
    """Return text in which nothing means anything to Markdown; a mention or a bare link stays words."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text).replace("@", "@\u200b").replace("://", ":\u200b//")


def _escape_html(text: str) -> str:
    return str(escape(text))


def _subject(evidence: Evidence) -> str:
    mark = "[Tripoint] Update: " if evidence.what_is_new else "[Tripoint] "
    subject = f"{mark}{one_line(evidence.title)} — {one_line(evidence.outlet)}"
    return subject if len(subject) <= _LONGEST_SUBJECT else subject[: _LONGEST_SUBJECT - 1] + "…"


def _web_address(url: str) -> str:
    """Return the link with nothing in it that could end it or begin something else."""
    if not url.startswith(("http://", "https://")):
        return ""
    return re.sub(r"[\s<>\"'`()\[\]\\|]", lambda found: f"%{ord(found[0]):02X}", url)


def _local(moment: datetime | None, timezone: str) -> str:
    return moment.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M %Z") if moment else "time unknown"


def _utc(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""
