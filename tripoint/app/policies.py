"""Reads who hears what: the seeds' policies.toml, or the file that the settings name; errors say line and mend."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from fnmatch import fnmatchcase
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

from tripoint.app.seeds import Seeds, packaged_seeds
from tripoint.app.settings import ChannelSection, Settings
from tripoint.domain.digests import Period
from tripoint.domain.errors import Place, SeedError
from tripoint.domain.policies import Conditions, Escalation, Grade, Limit, Policies, Quiet, Rule, Schedule
from tripoint.domain.seedfile import SeedTable, read_seed

FILE = "policies.toml"
EVERY = "*"
TAG = "tag:"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_SPAN = re.compile(r"(\d{1,4})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS = {"hourly": Period.HOURLY, "daily": Period.DAILY, "weekly": Period.WEEKLY}
_OURS = frozenset({"health", "backfill"})  # rules that the house itself uses


@dataclass(frozen=True, slots=True)
class _World:
    """What rules may name."""

    channels: Mapping[str, ChannelSection]
    topics: Collection[str]
    sources: Collection[str]
    concepts: Collection[str]
    max_age: timedelta
    min_score: float
    zone: str = "UTC"
    escalation: Escalation | None = None


def load_policies(settings: Settings, seeds: Seeds) -> Policies:
    """Return who hears what, the rules in the order of the file.

    Raises `SeedError` for the first mistake: one line with file, line, problem and mend.
    """
    place, text = _text(settings)
    world = _World(
        settings.channels,
        [each.name for each in seeds.all_topics],
        [each.name for each in seeds.sources],
        seeds.lexicon.ids,
        timedelta(hours=settings.alerts.max_age_h),
        settings.alerts.min_score or 0.0,
    )
    return _policies(read_seed(place, text), world)


def _text(settings: Settings) -> tuple[str, str]:
    file: Traversable = settings.alerts.policies or (settings.seeds.folder or packaged_seeds()) / FILE
    if settings.alerts.policies is None and not file.is_file():
        file = packaged_seeds() / FILE  # a folder that an older `tripoint init` made
    try:
        return str(file), file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mend = "name a file in UTF-8 with alerts.policies, or leave it out"
        raise SeedError(Place(str(file)), f"cannot be read: {error}", mend) from error


def _policies(table: SeedTable, world: _World) -> Policies:
    world = replace(world, zone=_zone(table, "timezone", "UTC"))
    world = replace(world, escalation=_escalation(table, world))
    rules: dict[str, Rule] = {}
    for entry in table.tables("rule"):
        rule = _rule(entry, world)
        if rule.name in rules:
            raise entry.error("name", f'two rules are called "{rule.name}"', "rename one of them")
        rules[rule.name] = rule
    table.done()
    if not rules:
        raise table.error("", "holds no rule, so that nobody would hear anything", "add a [[rule]]")
    return Policies(tuple(rules.values()), world.escalation)


def _rule(entry: SeedTable, world: _World) -> Rule:
    name = entry.text("name")
    if not _NAME.fullmatch(name) or name in _OURS:
        raise entry.error("name", f'"{name}" is no name for a rule', "use small letters, digits and hyphens")
    named = _channels(entry, "channels", world, entry.texts("channels"))
    max_age = _span(entry, "max_age", entry.text("max_age", ""))
    zone = _zone(entry, "timezone", world.zone)
    rule = Rule(
        name=name,
        channels=tuple(each for each in named if world.channels[each].enabled),
        max_age=max_age or world.max_age,
        when=_conditions(entry, world),
        zone=zone,
        disabled=tuple(each for each in named if not world.channels[each].enabled),
        digest=_digest(entry, zone),
        quiet=_quiet(entry, zone),
        limit=_limit(entry),
        tells_old=entry.flag("old", True),
        escalation=_escalation(entry, world, named),
        tells_rhythm=entry.flag("rhythm", True),
    )
    entry.done()
    return rule


def _conditions(entry: SeedTable, world: _World) -> Conditions:
    facets = [(each, _concepts(entry, each, world.concepts)) for each in ("actors", "acts", "platforms")]
    return Conditions(
        topics=_known(entry, "topics", world.topics),
        min_score=max(_share(entry, "min_score", 0.0), world.min_score),
        grade=Grade(_choice(entry, "grade", entry.text("grade", "relevant"), list(Grade))),
        facets=tuple((facet, wanted) for facet, wanted in facets if wanted),
        languages=entry.texts("languages", ()),
        sources=_known(entry, "outlets", world.sources),
        independent=_count(entry, "independent", 1),
    )


def _channels(entry: SeedTable, key: str, world: _World, wanted: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in wanted:
        if each == EVERY:
            names = list(world.channels)
        elif each.startswith(TAG):
            names = [name for name, section in world.channels.items() if each.removeprefix(TAG) in section.tags]
        else:
            names = [each] if each in world.channels else []
        if not names:
            known = ", ".join(world.channels)
            raise entry.error(key, f"there is no channel `{each}`", f"known are {known}; tags are written tag:NAME")
        found.update(dict.fromkeys(names))
    if not found:
        raise entry.error(key, f"`{key}` is empty", 'name channels, or write ["*"] for all')
    return tuple(found)


def _known(entry: SeedTable, key: str, known: Collection[str]) -> tuple[str, ...]:
    wanted = entry.texts(key, ())
    for each in wanted:
        _choice(entry, key, each, known)
    return wanted


def _choice(entry: SeedTable, key: str, value: str, known: Collection[str]) -> str:
    if value not in known:
        shown = ", ".join(sorted(known)[:20])
        raise entry.error(key, f'`{key}` holds "{value}", which is not known', f"choose from {shown}")
    return value


def _concepts(entry: SeedTable, key: str, known: Collection[str]) -> tuple[str, ...]:
    patterns = entry.texts(key, ())
    for each in patterns:
        if not any(fnmatchcase(concept, each) for concept in known):
            raise entry.error(key, f'no concept of the lexicon is called "{each}"', "see lexicon/ of the seeds")
    return patterns


def _digest(entry: SeedTable, zone: str) -> Schedule | None:
    if "digest" not in entry:
        return None
    table = entry.table("digest")
    period = _PERIODS[_choice(table, "every", table.text("every"), _PERIODS)]
    day = _choice(table, "on", table.text("on", "monday"), _DAYS)
    at = _time(table, "at", table.text("at", "07:00"))
    schedule = Schedule(period, _zone(table, "zone", zone), at, _DAYS.index(day))
    if "on" in table and period is not Period.WEEKLY:
        raise table.error("on", "`on` is for weekly digests", 'leave it out, or write every = "weekly"')
    if "at" in table and period is Period.HOURLY:
        raise table.error("at", "an hourly digest goes out at the full hour", "leave `at` out")
    table.done()
    return schedule


def _quiet(entry: SeedTable, zone: str) -> Quiet | None:
    if "quiet" not in entry:
        return None
    table = entry.table("quiet")
    start, end = _time(table, "from", table.text("from")), _time(table, "to", table.text("to"))
    if start == end:
        raise table.error("to", "quiet hours end when they begin", "write two different times")
    quiet = Quiet(start, end, _zone(table, "zone", zone), _share(table, "unless_score", 2.0))
    table.done()
    return quiet


def _limit(entry: SeedTable) -> Limit | None:
    if "limit" not in entry:
        return None
    table = entry.table("limit")
    most, per = _count(table, "most", 0), _span(table, "per", table.text("per"))
    if most < 1 or not per:
        raise table.error("", "a limit lets at least one through", 'write limit = { most = 10, per = "1h" }')
    table.done()
    return Limit(most, per)


def _escalation(entry: SeedTable, world: _World, hearing: Sequence[str] = ()) -> Escalation | None:
    """Return who is told too, by the file's own key where a rule has none; `hearing` hear the rule anyway."""
    if "escalate" not in entry:
        return world.escalation
    table = entry.table("escalate")
    wanted = table.texts("to")
    named = _channels(table, "to", world, wanted) if wanted else ()
    after = _span(table, "after", table.text("after", "15m"))
    escalation = Escalation(
        to=tuple(each for each in named if world.channels[each].enabled),
        after=after,
        instead=table.flag("instead", False),
        disabled=tuple(each for each in named if not world.channels[each].enabled),
    )
    if named and set(named) <= set(hearing):
        raise table.error("to", f"{', '.join(named)} hear of it anyway", "name a channel that the rule does not name")
    table.done()
    return escalation if named else None


def _span(table: SeedTable, key: str, text: str) -> timedelta:
    if not text:
        return timedelta(0)
    found = _SPAN.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise table.error(key, f'"{text}" is no span of time', f'write {key} = "30m", "24h" or "7d"')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _time(table: SeedTable, key: str, text: str) -> time:
    try:
        if not re.fullmatch(r"\d{1,2}:\d\d", text):
            raise ValueError(text)
        hour, minute = text.split(":")
        return time(int(hour), int(minute))
    except ValueError as error:
        raise table.error(key, f'"{text}" is no time of day', f'write {key} = "07:00"') from error


def _zone(table: SeedTable, key: str, default: str) -> str:
    zone = table.text(key, default)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise table.error(key, f'"{zone}" is no time zone', 'write an IANA name, such as "Asia/Karachi"') from error
    return zone


def _share(table: SeedTable, key: str, default: float) -> float:
    value = table.number(key, default)
    if key in table and not 0 <= value <= 1:
        raise table.error(key, f"{value:g} is no score", "write a number between 0 and 1")
    return value


def _count(table: SeedTable, key: str, default: int) -> int:
    value = table.number(key, default)
    if value != int(value) or value < default:
        raise table.error(key, f"{value:g} is no number of things", f"write a whole number from {max(default, 1)} on")
    return int(value)


def file_of(settings: Settings) -> str:
    """Return where the rules are read from, for who asks."""
    return _text(settings)[0]
