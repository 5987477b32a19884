"""`tripoint alerts policies | show | why`: who hears what, what became of an alert, why an article was told or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.phrases import said
from tripoint.app.cli.terminal import out, plain, print_json, print_table, settings_of
from tripoint.app.policies import file_of, load_policies
from tripoint.app.seeds import load_seeds
from tripoint.domain.errors import MendError
from tripoint.domain.policies import Escalation, Grade, Rule
from tripoint.domain.rhythm import Rhythm
from tripoint.domain.urls import canonical_url

if TYPE_CHECKING:
    from storage.alerts import AlertHistory, KeptRuling
    from tripoint.app.wiring import Stores

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def register(alerts: typer.Typer) -> None:
    """Add the verbs to `tripoint alerts`."""

    @alerts.command(epilog="Example: tripoint alerts policies --json")
    def policies(context: typer.Context, as_json: AsJson = False) -> None:
        """Show who hears what: the rules as they are understood, and how each channel does."""
        _policies(context, as_json=as_json)

    @alerts.command(epilog="Example: tripoint alerts show 17")
    def show(
        context: typer.Context,
        alert: Annotated[int, typer.Argument(help="Number of an alert, as `alerts list` shows.")],
        as_json: AsJson = False,
    ) -> None:
        """Show one alert: what it tells, to whom, each attempt and its answer."""
        _show(context, alert, as_json=as_json)

    @alerts.command(epilog="Example: tripoint alerts why 17   ·   tripoint alerts why https://outlet.example/story")
    def why(
        context: typer.Context,
        article: Annotated[str, typer.Argument(help="Number or address of a stored article.")],
        as_json: AsJson = False,
    ) -> None:
        """Say why an article was told or not, to each channel by each rule, as it was decided then."""
        _why(context, article, as_json=as_json)


def _policies(context: typer.Context, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores

    settings = settings_of(context)
    policies = load_policies(settings, load_seeds(settings.seeds.folder))
    file = file_of(settings)
    with opened_stores(settings) as stores:
        channels, rhythms = stores.alerts.channels(), stores.rhythms.everything()
    if as_json:
        states = {"channels": [asdict(each) for each in channels], "topics": [asdict(each) for each in rhythms]}
        print_json({"file": file, **asdict(policies), **states})
        return
    rules = policies.rules
    rows = [(each.name, ", ".join(_channels(each)), "; ".join(_asks(each)), _when(each)) for each in rules]
    print_table(file, ("rule", "channels", "asks for", "tells"), rows)
    if policies.escalation:
        out().print(plain(f"what Tripoint tells of itself{_escalates(policies.escalation)}"))
    for topic in rhythms:
        if topic.state is not Rhythm.USUAL:
            out().print(plain(f"topic {topic.topic}: {topic.state} since {topic.since:%Y-%m-%d %H:%M} UTC"))
    for each in channels:
        if each.failing_since:
            since = f"{each.failing_since:%Y-%m-%d %H:%M} UTC, {each.failures} times"
            out().print(plain(f"{each.channel} fails since {since}: {each.detail}"))


def _show(context: typer.Context, alert: int, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores

    with opened_stores(settings_of(context)) as stores:
        found = stores.alerts.get(alert)
        told, elsewhere = stores.alerts.told_in(alert), stores.alerts.escalated_to(alert)
    if found is None:
        raise MendError(f"there is no alert {alert}", "tripoint alerts list shows them; why ARTICLE is for articles")
    if as_json:
        print_json({**as_plain(found), "tells": told, "escalated_to": [number for number, _ in elsewhere]})
        return
    for line in _lines(found):
        out().print(plain(line))
    for number, channel in elsewhere:
        out().print(plain(f"told on {channel} too, as alert {number}: {found.queued.alert.key.channel} stayed down"))
    if told:
        out().print(f"tells {len(told)} alerts together: {', '.join(map(str, told))}")
    tried = found.deliveries
    rows = [(each.attempt, each.at.strftime("%Y-%m-%d %H:%M:%S"), each.outcome, each.detail) for each in tried]
    print_table("attempts", ("attempt", "at (UTC)", "outcome", "answer"), rows)


def _why(context: typer.Context, article: str, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores

    with opened_stores(settings_of(context)) as stores:
        number = _article(stores, article)
        kept = stores.alerts.rulings(number)
    if as_json:
        print_json([{"article": number, "at": each.at, **asdict(each.ruling)} for each in kept])
        return
    columns = ("at (UTC)", "rule", "channel", "verdict", "why")
    print_table(f"article {number}", columns, [_row(each) for each in kept])
    if not kept:
        out().print("nothing was decided about it: it was stored before decisions were kept")


def _article(stores: Stores, text: str) -> int:
    number = int(text) if text.isdigit() and len(text) < 10 else stores.articles.find(canonical_url(text))
    if number is None or stores.articles.get(number) is None:
        raise MendError(f"no stored article is {text}", "tripoint search finds articles, with their numbers")
    return number


def _row(kept: KeptRuling) -> tuple[object, ...]:
    ruling = kept.ruling
    until = f" until {ruling.until:%Y-%m-%d %H:%M} UTC" if ruling.until else ""
    at = kept.at.strftime("%Y-%m-%d %H:%M")
    return at, ruling.rule or "every", ruling.channel or "every", ruling.verdict, ruling.detail + until


def _lines(found: AlertHistory) -> Iterator[str]:
    queued, evidence, key = found.queued, found.queued.alert.evidence, found.queued.alert.key
    yield f"alert {queued.id}: {evidence.title}"
    yield f"{evidence.outlet} · {evidence.url}"
    yield f"story {key.story} · rule {key.rule} · channel {key.channel} · {key.kind.split(':')[0]}"
    yield f"queued {queued.alert.queued_at:%Y-%m-%d %H:%M:%S} UTC · {queued.state}"
    for remark in evidence.remarks:
        yield said(remark, "en", "UTC")
    if found.escalated_from:
        yield f"in the place of alert {found.escalated_from}"
    if found.sent_at:
        yield f"accepted {found.sent_at:%Y-%m-%d %H:%M:%S} UTC"
    elif found.digest_id:
        yield f"told in the digest that is alert {found.digest_id}"
    elif found.period:
        yield f"held for the {found.period} digest, not before {queued.next_attempt_at:%Y-%m-%d %H:%M} UTC"
    else:
        yield f"next attempt {queued.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC"


def _channels(rule: Rule) -> list[str]:
    return [*rule.channels, *(f"{each} (switched off)" for each in rule.disabled)]


def _asks(rule: Rule) -> Iterator[str]:
    when = rule.when
    yield ", ".join(when.topics) or "every topic"
    if when.min_score:
        yield f"score from {when.min_score:g}"
    if when.grade is not Grade.RELEVANT:
        yield f"grade {when.grade}"
    for name, wanted in (*when.facets, ("languages", when.languages), ("outlets", when.sources)):
        if wanted:
            yield f"{name} {', '.join(wanted)}"
    if when.independent > 1:
        yield f"{when.independent} independent reports"
    yield f"not older than {rule.max_age.total_seconds() / 3600:g} h"


def _when(rule: Rule) -> str:
    parts = ["at once"]
    if digest := rule.digest:
        day = (
            f" {('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[digest.weekday]}" if digest.period == "weekly" else ""
        )
        at = "" if digest.period == "hourly" else f"{day} at {digest.at:%H:%M} {digest.zone}"
        parts = [f"together, {digest.period}{at}"]
    if quiet := rule.quiet:
        parts.append(f"quiet {quiet.start:%H:%M} to {quiet.end:%H:%M} {quiet.zone}")
        if quiet.unless_score <= 1:
            parts.append(f"but for scores from {quiet.unless_score:g}")
    if not rule.tells_rhythm:
        parts.append("no spikes nor silence of topics")
    if rule.limit:
        parts.append(f"at most {rule.limit.most} in {rule.limit.per}")
    return ", ".join(parts) + (_escalates(rule.escalation) if rule.escalation else "")


def _escalates(way: Escalation) -> str:
    named = ", ".join([*way.to, *(f"{each} (switched off)" for each in way.disabled)])
    least = way.after.total_seconds() / 60
    return f"; {'instead ' if way.instead else ''}on {named} when a channel accepts nothing for {least:g} min"


def as_plain(history: AlertHistory) -> dict[str, Any]:
    """Return an alert with every attempt, for JSON."""
    queued = history.queued
    return {
        "id": queued.id,
        "state": queued.state,
        "attempts": queued.attempts,
        "next_attempt_at": queued.next_attempt_at,
        "queued_at": queued.alert.queued_at,
        "sent_at": history.sent_at,
        **asdict(queued.alert.key),
        "evidence": asdict(queued.alert.evidence),
        "held_for": history.period,
        "told_in": history.digest_id,
        "escalated_at": history.escalated_at,
        "escalated_from": history.escalated_from,
        "digest": asdict(queued.alert.digest) if queued.alert.digest else None,
        "deliveries": [asdict(each) for each in history.deliveries],
    }
