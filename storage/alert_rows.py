"""Alerts as rows: evidence and digests to JSON and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from storage import tables as t
from tripoint.domain.digests import DayVolume, Digest, DigestDay, DigestItem, DigestStory, Period
from tripoint.domain.types import Alert, AlertKey, AlertState, Evidence, Marked, Named, Phrase, QueuedAlert

_PHRASES = ("news", "behind", "remarks")


def values_of(alert: Alert) -> dict[str, Any]:
    """Return the columns of an alert that waits for its first attempt."""
    plan = alert.plan
    due_at = plan.due_at or alert.queued_at
    return {
        **asdict(alert.key),
        "evidence": evidence_to_json(alert.evidence),
        "queued_at": alert.queued_at,
        "state": AlertState.HELD if plan.period else AlertState.PENDING,
        "attempts": 0,
        "next_attempt_at": due_at,
        "due_at": due_at,
        "period": plan.period or "",
        "digest": _digest_to_json(alert.digest) if alert.digest else None,
        "last_detail": "",
    }


def queued_of(row: dict[str, Any]) -> QueuedAlert:
    """Return a row as the outbox shows it."""
    key = AlertKey(row["story"], row["rule"], row["channel"], row["kind"])
    digest = _digest_from_json(row["digest"]) if row["digest"] else None
    alert = Alert(key, evidence_from_json(row["evidence"]), row["queued_at"], digest=digest)
    state = AlertState(row["state"])
    taken = tuple(row["taken"] or ())
    tried = (row["attempts"], row["next_attempt_at"], row["last_detail"], row["due_at"])
    return QueuedAlert(row["id"], alert, state, *tried, taken)


def item_of(row: dict[str, Any]) -> DigestItem:
    """Return an alert that was held, as a digest tells it."""
    evidence = evidence_from_json(row["evidence"])
    return DigestItem(row["story"], row["kind"], evidence, evidence.published or evidence.fetched_at)


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """Return evidence as JSON values, clean of what a database refuses."""
    values = {key: t.clean(value) if isinstance(value, str) else value for key, value in asdict(evidence).items()}
    values["published"] = evidence.published.isoformat() if evidence.published else None
    values["fetched_at"] = evidence.fetched_at.isoformat()
    values["sentences"] = [[t.clean(each.text), [list(span) for span in each.spans]] for each in evidence.sentences]
    values["facets"] = [[kind, [t.clean(each) for each in named]] for kind, named in evidence.facets]
    values["concepts"] = [[each.facet, each.concept, t.clean(each.words)] for each in evidence.concepts]
    for key in _PHRASES:
        values[key] = [_phrase_to_json(each) for each in getattr(evidence, key)]
    values["headline"] = _phrase_to_json(evidence.headline) if evidence.headline else None
    return values


def evidence_from_json(values: dict[str, Any]) -> Evidence:
    """Return evidence as it was queued."""
    published = values["published"]
    known = {key: value for key, value in values.items() if key != "remark"}  # older rows have one, always empty
    sentences = tuple(Marked(text, tuple((start, end) for start, end in spans)) for text, spans in values["sentences"])
    return Evidence(
        **{
            **known,
            "published": datetime.fromisoformat(published) if published else None,
            "fetched_at": datetime.fromisoformat(values["fetched_at"]),
            "sentences": sentences,
            "facets": tuple((kind, tuple(named)) for kind, named in values.get("facets", ())),
            "concepts": tuple(Named(*each) for each in values.get("concepts", ())),
            **{key: tuple(_phrase_from_json(each) for each in values.get(key, ())) for key in _PHRASES},
            "headline": _phrase_from_json(values["headline"]) if values.get("headline") else None,
        }
    )


def _phrase_to_json(phrase: Phrase) -> list[Any]:
    return [phrase.name, [[key, t.clean(text)] for key, text in phrase.values]]


def _phrase_from_json(values: list[Any]) -> Phrase:
    name, filled = values
    return Phrase(name, tuple((key, text) for key, text in filled))


def _digest_to_json(digest: Digest) -> dict[str, Any]:
    return {
        "period": digest.period,
        "rule": digest.rule,
        "since": digest.since.isoformat(),
        "until": digest.until.isoformat(),
        "timezone": digest.timezone,
        "topics": list(digest.topics),
        "left_out": digest.left_out,
        "volume": [[each.day.isoformat(), each.reports] for each in digest.volume],
        "days": [
            [day.day.isoformat(), [[each.story, [_item_to_json(item) for item in each.items]] for each in day.stories]]
            for day in digest.days
        ],
    }


def _item_to_json(item: DigestItem) -> list[Any]:
    return [item.kind, item.at.isoformat(), evidence_to_json(item.evidence)]


def _digest_from_json(values: dict[str, Any]) -> Digest:
    return Digest(
        period=Period(values["period"]),
        rule=values["rule"],
        since=datetime.fromisoformat(values["since"]),
        until=datetime.fromisoformat(values["until"]),
        timezone=values["timezone"],
        days=tuple(
            DigestDay(date.fromisoformat(day), tuple(_story_from_json(story, items) for story, items in stories))
            for day, stories in values["days"]
        ),
        volume=tuple(DayVolume(date.fromisoformat(day), reports) for day, reports in values["volume"]),
        topics=tuple(values["topics"]),
        left_out=values["left_out"],
    )


def _story_from_json(story: str, items: list[list[Any]]) -> DigestStory:
    return DigestStory(
        story,
        tuple(
            DigestItem(story, kind, evidence_from_json(evidence), datetime.fromisoformat(at))
            for kind, at, evidence in items
        ),
    )
