"""What channels hear of a topic that is louder than usual, fell silent, or is as usual again. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.phrases import said
from tripoint.domain.policies import Rule, quiet_until
from tripoint.domain.rhythm import Rhythm, Turn
from tripoint.domain.types import UPDATE, Alert, AlertKey, Evidence, Marked, Phrase, Plan

_OVER = f"{UPDATE}over"


def rhythm_alerts(turn: Turn, title: str, rules: Sequence[Rule]) -> tuple[Alert, ...]:
    """Return the alerts of a change: to the channels of the rules about the topic, in their quiet hours at the end.

    The end of a spike or silence follows its beginning as an update does.
    """
    topic = ("topic", title)
    alerts: list[Alert] = []
    if turn.was is not Rhythm.USUAL:
        said_of_it = _end(turn, topic)
        alerts += _to_all(turn, _story(turn.topic, turn.was, turn.since), _OVER, _evidence(turn, *said_of_it), rules)
    if turn.judged.rhythm is not Rhythm.USUAL:
        said_of_it = _beginning(turn, topic)
        story = _story(turn.topic, turn.judged.rhythm, turn.at)
        alerts += _to_all(turn, story, turn.judged.rhythm.value, _evidence(turn, *said_of_it), rules)
    return tuple(alerts)


def _beginning(turn: Turn, topic: tuple[str, str]) -> tuple[Phrase, Phrase]:
    found = turn.judged
    if found.rhythm is Rhythm.SPIKE:
        hours = ("hours", str(found.hours))
        headline = Phrase("spike", (topic, ("stories", str(found.stories)), hours))
        return headline, Phrase("spike_usual", (("usual", f"{found.usual:g}"), ("least", str(found.least)), hours))
    headline = Phrase("silence", (topic, ("days", str(found.quiet_days))))
    figures = (("usual", f"{found.usual:g}"), ("longest", str(found.longest_quiet)))
    return headline, Phrase("silence_usual", figures)


def _end(turn: Turn, topic: tuple[str, str]) -> tuple[Phrase, Phrase]:
    name = "spike_over" if turn.was is Rhythm.SPIKE else "silence_over"
    return Phrase(name, (topic,)), Phrase(f"{name}_since", (("since_at", turn.since.isoformat()),))


def _evidence(turn: Turn, headline: Phrase, figures: Phrase) -> Evidence:
    shown = turn.headlines
    return Evidence(
        title=said(headline, "en", "UTC"),
        outlet="Tripoint",
        url=shown[0].url if shown else "",
        published=turn.at,
        fetched_at=turn.at,
        language="en",
        topic="",
        score=0.0,
        threshold=0.0,
        sentences=tuple(Marked(f"{each.title} — {each.outlet}", ()) for each in shown),
        headline=headline,
        remarks=(figures,),
    )


def _to_all(turn: Turn, story: str, kind: str, evidence: Evidence, rules: Sequence[Rule]) -> Iterator[Alert]:
    for rule in rules:
        if rule.tells_rhythm and (not rule.when.topics or turn.topic in rule.when.topics):
            plan = Plan(quiet_until(rule.quiet, turn.at))
            yield from (
                Alert(AlertKey(story, rule.name, channel, kind), evidence, turn.at, plan) for channel in rule.channels
            )


def _story(topic: str, rhythm: Rhythm, since: datetime) -> str:
    named = f"{topic}\n{rhythm}\n{since.isoformat()}"
    return f"topic:{hashlib.sha256(named.encode()).hexdigest()[:16]}"
