"""Who hears what: a pure function of what was decided about an article, and the time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.evidence import make_evidence
from alerts.matching import best_for, why_not
from tripoint.domain.digests import Period
from tripoint.domain.policies import Rule, next_digest, quiet_until
from tripoint.domain.types import (
    UPDATE,
    Alert,
    AlertKey,
    Article,
    Assessment,
    Evidence,
    Hearing,
    Placement,
    PlacementKind,
    Plan,
    Ruling,
    Verdict,
)

_TOLD = frozenset({PlacementKind.NEW, PlacementKind.REVISION, PlacementKind.FURTHER})
OLD_RESTS = timedelta(minutes=15)  #: without another old report, and the summary of them goes out


@dataclass(frozen=True, slots=True)
class _Case:
    """One article before one rule."""

    placement: Placement
    article: Article
    evidence: Evidence
    now: datetime


class Policy:
    """Applies rules; an alert's key makes it the same alert however often an article is seen."""

    def __init__(self, rules: Sequence[Rule], timezones: Mapping[str, str]) -> None:
        self.rules = tuple(rules)
        self._timezones = timezones  # of each source, to show an outlet's own time

    def who_must_hear(
        self, placement: Placement, article: Article, assessments: Sequence[Assessment], now: datetime
    ) -> Hearing:
        """Return the alerts that an article causes, and why others hear nothing.

        Whatever is relevant asks for the story's own alert: the outbox knows whether it was told already, or whether
        an earlier report was too old or too weak. What is new and material asks for an update, which the outbox takes
        only for those who know the story. A copy asks for neither.
        """
        relevant = [each for each in assessments if each.relevant]
        if not relevant:
            return Hearing(rulings=_below(assessments))
        if placement.kind not in _TOLD:
            why = f"{placement.what_is_new or 'a copy'}; it is in the story {placement.story}"
            return Hearing(rulings=(Ruling(Verdict.COPY, why),))
        alerts: list[Alert] = []
        rulings: list[Ruling] = []
        for rule in self.rules:
            best = best_for(rule, relevant)
            reason = why_not(rule, article, best, placement)
            if best is None or reason:
                rulings.append(Ruling(Verdict.NO_MATCH, reason, rule.name))
                continue
            rulings += (Ruling(Verdict.DISABLED, "it is switched off", rule.name, each) for each in rule.disabled)
            told = replace(
                make_evidence(article, best, self._timezones.get(article.source, "UTC")),
                corroboration=placement.corroboration,
                behind=placement.behind,
            )
            plan, silence = _plan(rule, article, best.score, now)
            if silence:
                rulings.append(silence)
            else:
                alerts += _alerts(rule, _Case(placement, article, told, now), plan)
        return Hearing(tuple(alerts), tuple(rulings))


def _below(assessments: Sequence[Assessment]) -> tuple[Ruling, ...]:
    nearest = max(assessments, key=lambda each: each.score - each.threshold, default=None)
    if nearest is None:
        return ()
    short = nearest.threshold - nearest.score
    note = f" ({nearest.note})" if nearest.note else ""
    detail = f"score {nearest.score:.2f} for {nearest.topic}, {short:.2f} below its threshold {nearest.threshold:.2f}"
    return (Ruling(Verdict.BELOW, detail + note),)


def _plan(rule: Rule, article: Article, score: float, now: datetime) -> tuple[Plan, Ruling | None]:
    """Return when a rule tells of an article, or why it does not at all."""
    age = now - (article.published or article.fetched_at)
    if age > rule.max_age:
        detail = f"published {_hours(age)} ago, and the rule tells of at most {_hours(rule.max_age)}"
        old = Plan(now + OLD_RESTS, Period.OLD)
        return old, None if rule.tells_old else Ruling(Verdict.TOO_OLD, detail, rule.name)
    if rule.digest and score < _pierces(rule):
        return Plan(next_digest(rule.digest, now), rule.digest.period), None
    limit = rule.limit
    due_at = quiet_until(rule.quiet, now, score)
    return Plan(due_at, None, limit.most if limit else 0, limit.per.total_seconds() if limit else 0.0), None


def _pierces(rule: Rule) -> float:
    """Return the score from which on a report is told at once though it would wait for a digest."""
    return rule.quiet.unless_score if rule.quiet else 2.0


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.0f} h" if span < timedelta(days=4) else f"{span.days} days"


def _alerts(rule: Rule, case: _Case, plan: Plan) -> Iterator[Alert]:
    placement = case.placement
    for channel in rule.channels:
        yield Alert(AlertKey(placement.story, rule.name, channel, "new"), case.evidence, case.now, plan)
        if placement.is_material:
            key = AlertKey(placement.story, rule.name, channel, _update_kind(case.article, placement))
            yield Alert(
                key, replace(case.evidence, what_is_new=placement.what_is_new, news=placement.news), case.now, plan
            )


def _update_kind(article: Article, placement: Placement) -> str:
    told = f"{article.canonical_url}\n{placement.what_is_new}"
    return f"{UPDATE}{hashlib.sha256(told.encode()).hexdigest()[:12]}"
