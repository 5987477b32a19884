"""Who hears what, when: conditions, quiet hours over the days on which clocks change, digests, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import Policy
from tripoint.app.policies import load_policies
from tripoint.app.seeds import load_seeds
from tripoint.app.settings import ChannelSection, Settings
from tripoint.domain.digests import Period
from tripoint.domain.errors import SeedError
from tripoint.domain.policies import Conditions, Grade, Limit, Quiet, Rule, Schedule, next_digest, quiet_until
from tripoint.domain.types import Article, Assessment, Hearing, Hit, Placement, PlacementKind, Verdict, Zone

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SEEDS = load_seeds()
NIGHT = Quiet(time(22), time(7), "America/New_York", 0.97)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (NIGHT, "2026-11-24T02:59", None),  # 21:59 in New York
        (NIGHT, "2026-11-24T03:00", "2026-11-24T12:00"),
        (NIGHT, "2026-11-24T11:59", "2026-11-24T12:00"),
        (NIGHT, "2026-11-24T12:00", None),
        # In the night of 8 March 2026 the clocks jump from 02:00 to 03:00, on 1 November they go back.
        (NIGHT, "2026-03-08T04:00", "2026-03-08T11:00"),
        (NIGHT, "2026-11-01T03:00", "2026-11-01T12:00"),
        (Quiet(time(1), time(2, 30), "America/New_York"), "2026-03-08T07:10", "2026-03-08T07:30"),  # 02:30 is 03:30
        (Quiet(time(1), time(2, 30), "America/New_York"), "2026-03-08T07:30", None),
        (Quiet(time(0), time(1, 30), "America/New_York"), "2026-11-01T05:29", "2026-11-01T05:30"),
        (Quiet(time(0), time(1, 30), "America/New_York"), "2026-11-01T06:10", None),  # the second 01:10
        (Quiet(time(12), time(14), "Asia/Ho_Chi_Minh"), "2026-11-24T06:00", "2026-11-24T07:00"),
        (Quiet(time(12), time(14), "Asia/Ho_Chi_Minh"), "2026-11-24T12:30", None),
    ],
)
def test_quiet_hours_end_by_the_readers_clock(quiet: Quiet, now: str, until: str | None) -> None:
    assert quiet_until(quiet, at(now)) == (at(until) if until else None)


def test_what_is_breaking_pierces_quiet_hours() -> None:
    assert quiet_until(NIGHT, at("2026-11-24T03:00"), 0.96) is not None
    assert quiet_until(NIGHT, at("2026-11-24T03:00"), 0.97) is None


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [
        (Schedule(Period.HOURLY, "UTC"), "2026-11-24T08:00", "2026-11-24T09:00"),
        (Schedule(Period.HOURLY, "Asia/Kolkata"), "2026-11-24T08:10", "2026-11-24T08:30"),
        (Schedule(Period.HOURLY, "America/New_York"), "2026-11-01T05:40", "2026-11-01T06:00"),
        (Schedule(Period.DAILY, "Asia/Ho_Chi_Minh", time(7)), "2026-11-24T00:00", "2026-11-25T00:00"),
        (Schedule(Period.DAILY, "Asia/Ho_Chi_Minh", time(7)), "2026-11-23T23:59", "2026-11-24T00:00"),
        (Schedule(Period.DAILY, "Europe/Berlin", time(2, 30)), "2026-03-28T12:00", "2026-03-29T01:30"),
        (Schedule(Period.DAILY, "Europe/Berlin", time(2, 30)), "2026-10-25T00:00", "2026-10-25T00:30"),
        (Schedule(Period.DAILY, "Europe/Berlin", time(2, 30)), "2026-10-25T00:30", "2026-10-26T01:30"),
        (Schedule(Period.WEEKLY, "UTC", time(6), 0), "2026-11-24T08:00", "2026-11-30T06:00"),
        (Schedule(Period.WEEKLY, "UTC", time(6), 1), "2026-11-24T05:00", "2026-11-24T06:00"),
    ],
)
def test_when_a_digest_goes_out(schedule: Schedule, now: str, due: str) -> None:
    assert next_digest(schedule, at(now)) == at(due)


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: at("2026-01-01T00:00") + timedelta(minutes=minutes))


@given(MOMENTS, ZONES, st.times(), st.times())
def test_quiet_hours_end_and_then_are_over(now: datetime, zone: str, start: time, end: time) -> None:
    quiet = Quiet(start, end, zone)
    until = quiet_until(quiet, now)
    if until is not None and start != end:
        assert now < until <= now + timedelta(hours=25)
        assert quiet_until(quiet, until) is None


@given(MOMENTS, ZONES, st.times(), st.sampled_from([Period.HOURLY, Period.DAILY, Period.WEEKLY]))
def test_the_next_digest_is_ahead_and_near(now: datetime, zone: str, when: time, period: Period) -> None:
    due = next_digest(Schedule(period, zone, when, 3), now)
    longest = {Period.HOURLY: timedelta(hours=1), Period.DAILY: timedelta(hours=25), Period.WEEKLY: timedelta(days=8)}
    assert now < due <= now + longest[period]


def _hit(concept: str) -> Hit:
    return Hit(concept, concept.split(".")[0], Zone.TEXT, "x", 0, 1, 0)


def ask(rule: Rule, *, score: float = 0.9, age_h: float = 1, now: datetime = NOW, **placed: Any) -> Hearing:
    hits = (_hit("actor.russia"), _hit("act.exercise"))
    judged = Assessment("t", "v", score, 0.5, score >= 0.5, (), hits)
    published = now - timedelta(hours=age_h)
    article = Article("https://a.example/1", "u", "T", "x", published, "en", (), "A", "a", "h", now)
    placement = Placement(**{"story": "s", "kind": PlacementKind.NEW, **placed})
    return Policy([rule], {}).who_must_hear(placement, article, [judged], now)


def rule(when: Conditions = Conditions(), **more: Any) -> Rule:  # noqa: B008 - frozen
    return Rule(**{"name": "r", "channels": ("c",), "max_age": timedelta(hours=72), "when": when, **more})


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (Conditions(topics=("other",)), "about none of other"),
        (Conditions(min_score=0.95), "score 0.90 for t, 0.05 below the rule's 0.95"),
        (Conditions(grade=Grade.STRONG), ""),
        (Conditions(facets=(("actors", ("actor.us*",)),)), "names none of the actors actor.us*"),
        (Conditions(facets=(("actors", ("actor.us*", "actor.russia*")), ("acts", ("act.exercise",)))), ""),
        (Conditions(languages=("vi",)), "its language is en"),
        (Conditions(sources=("b",)), "it is by a"),
        (Conditions(independent=3), "2 independent reports, the rule asks for 3"),
    ],
)
def test_every_condition_holds_or_is_named(when: Conditions, reason: str) -> None:
    heard = ask(rule(when), independent=2)
    assert bool(heard.alerts) is (reason == "")
    assert [each.verdict for each in heard.rulings] == ([Verdict.NO_MATCH] if reason else [])
    assert not reason or reason in heard.rulings[0].detail


def test_what_is_not_told_says_why() -> None:
    (below,) = ask(rule(), score=0.3).rulings
    assert (below.verdict, below.detail) == (Verdict.BELOW, "score 0.30 for t, 0.20 below its threshold 0.50")
    (copy,) = ask(rule(), kind=PlacementKind.SYNDICATED, what_is_new="the text that B has").rulings
    assert (copy.verdict, copy.detail) == (Verdict.COPY, "the text that B has; it is in the story s")
    (off,) = ask(rule(channels=(), disabled=("mail",))).rulings
    assert (off.verdict, off.channel) == (Verdict.DISABLED, "mail")
    (old,) = ask(rule(tells_old=False), age_h=80).rulings
    assert old.verdict is Verdict.TOO_OLD
    assert "published 80 h ago, and the rule tells of at most 72 h" in old.detail


def test_when_an_alert_goes_out() -> None:
    night = at("2026-11-24T03:00")
    assert ask(rule()).alerts[0].plan.due_at is None
    assert ask(rule(quiet=NIGHT), now=night).alerts[0].plan.due_at == at("2026-11-24T12:00")
    assert ask(rule(quiet=NIGHT), now=night, score=0.98).alerts[0].plan.due_at is None
    digest = ask(rule(digest=Schedule(Period.DAILY, "UTC", time(9)))).alerts[0].plan
    assert (digest.period, digest.due_at) == (Period.DAILY, at("2026-11-24T09:00"))
    assert ask(rule(), age_h=80).alerts[0].plan.period is Period.OLD
    limited = ask(rule(limit=Limit(3, timedelta(hours=1)))).alerts[0].plan
    assert (limited.most, limited.per_s) == (3, 3600)


CHANNELS = {
    "mail": ChannelSection(url="console://", tags=["desk"]),
    "chat": ChannelSection(url="console://", tags=["desk", "loud"]),
    "sms": ChannelSection(url="console://", enabled=False),
}


def read(folder: Path, text: str) -> tuple[Rule, ...]:
    file = folder / "policies.toml"
    file.write_text(text, encoding="utf-8")
    settings = Settings(channels=CHANNELS)
    alerts = settings.alerts.model_copy(update={"policies": file})
    return load_policies(settings.model_copy(update={"alerts": alerts}), SEEDS).rules


def test_a_file_says_everything(tmp_path: Path) -> None:
    (one,) = read(
        tmp_path,
        """
timezone = "Asia/Karachi"
[[rule]]
name = "all-of-it"
channels = ["tag:desk", "sms"]
topics = ["russia-pakistan-us"]
grade = "strong"
min_score = 0.8
actors = ["actor.russia*"]
acts = ["act.*"]
platforms = ["platform.f16"]
languages = ["vi"]
independent = 2
max_age = "24h"
old = false
quiet = { from = "22:00", to = "06:30", unless_score = 0.97 }
digest = { every = "weekly", on = "friday", at = "18:00", zone = "Europe/Berlin" }
limit = { most = 10, per = "1h" }
""",
    )
    assert (one.channels, one.disabled) == (("mail", "chat"), ("sms",))
    assert one.quiet == Quiet(time(22), time(6, 30), "Asia/Karachi", 0.97)
    assert one.digest == Schedule(Period.WEEKLY, "Europe/Berlin", time(18), 4)
    assert one.limit == Limit(10, timedelta(hours=1))
    assert one.when.facets[2] == ("platforms", ("platform.f16",))
    assert (one.max_age, one.tells_old, one.zone) == (timedelta(hours=24), False, "Asia/Karachi")


def test_the_packaged_rules_tell_every_channel() -> None:
    (one,) = load_policies(Settings(channels=CHANNELS), SEEDS).rules
    assert (one.name, one.channels, one.disabled) == ("relevant", ("mail", "chat"), ("sms",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('channels = ["pager"]', "no channel `pager` — known are mail, chat, sms"),
        ('channels = ["tag:none"]', "no channel `tag:none`"),
        ('channels = ["mail"]\nchanels = 1', "unknown key `chanels` — did you mean `channels`?"),
        ('channels = ["mail"]\ntopics = ["nothing"]', '"nothing", which is not known — choose from india-russia'),
        ('channels = ["mail"]\nactors = ["actor.atlantis"]', 'no concept of the lexicon is called "actor.atlantis"'),
        ('channels = ["mail"]\nquiet = { from = "22", to = "06:00" }', '"22" is no time of day'),
        ('channels = ["mail"]\nquiet = { from = "22:00", to = "22:00" }', "quiet hours end when they begin"),
        ('channels = ["mail"]\ntimezone = "Mars/Olympus"', '"Mars/Olympus" is no time zone'),
        ('channels = ["mail"]\ndigest = { every = "daily", on = "monday" }', "`on` is for weekly digests"),
        ('channels = ["mail"]\nlimit = { most = 0, per = "1h" }', "a limit lets at least one through"),
        ('channels = ["mail"]\nmax_age = "3 weeks"', '"3 weeks" is no span of time'),
        ('channels = ["mail"]\nmin_score = 7', "7 is no score"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_mend(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SeedError) as error:
        read(tmp_path, f'[[rule]]\nname = "r"\n{line}\n')
    assert said in str(error.value)
    number = 3 + line.count("\n") if "\n" in line else 3
    assert f"policies.toml:{number}: " in str(error.value)
