"""`tripoint doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated

import typer

from tripoint.app.cli.terminal import print_json, print_table, settings_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import MendError, TripointError
from tripoint.domain.types import AlertState, PollStatus


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    good: bool
    found: str
    mend: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)  #: for scripts


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint doctor --json")
    def doctor(
        context: typer.Context,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """Check settings, seeds, database, channels and sources, and say how to mend what is wrong."""
        findings = list(examine(lambda: settings_of(context)))
        if as_json:
            print_json([asdict(each) for each in findings])
        else:
            rows = [("ok" if f.good else "WRONG", f.check, f.found, f.mend) for f in findings]
            print_table("Doctor", ("", "check", "found", "mend"), rows)
        if not all(each.good for each in findings):
            raise typer.Exit(1)


def examine(load: Callable[[], Settings]) -> Iterator[Finding]:
    """Run every check; one that fails does not keep the next from being made."""
    try:
        settings = load()
    except MendError as error:
        yield Finding("settings", good=False, found=error.problem, mend=error.mend)
        return
    yield Finding("settings", good=True, found="every key is known")
    checks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("seeds", _seeds),
        ("database", _database),
        ("channels", _channels),
        ("templates", _templates),
        ("page", _page),
        ("files", _files),
    )
    for name, check in checks:
        try:
            yield from check(settings)
        except TripointError as error:
            yield Finding(name, good=False, found=error.problem, mend=error.mend)


def _seeds(settings: Settings) -> Iterator[Finding]:
    from tripoint.app.seeds import load_seeds, packaged_seeds
    from tripoint.app.wiring import build_judge

    seeds = load_seeds(settings.seeds.folder)
    verified = sum(each.verified for each in seeds.sources)
    enabled = sum(each.enabled for each in seeds.sources)
    found = f"{len(seeds.sources)} in the catalogue, {enabled} enabled, {verified} verified by a live check"
    yield Finding("sources", good=enabled > 0, found=found, mend="" if enabled else "enable at least one source")
    aliases = sum(len(each.aliases) for each in seeds.lexicon.concepts)
    yield Finding("lexicon", good=True, found=f"{len(seeds.lexicon.concepts)} concepts, {aliases} aliases")
    article = next(each for each in (packaged_seeds() / "article").iterdir() if each.name.endswith(".txt"))
    for each in build_judge(seeds).assess("", article.read_text(encoding="utf-8"), "vi"):
        if each.topic == "russia-pakistan-us":
            mend = "" if each.relevant else "a weight, an alias or the threshold was edited too far"
            yield Finding("seed article", good=each.relevant, found=f"scores {each.score:.2f}", mend=mend)


def _database(settings: Settings) -> Iterator[Finding]:
    from tripoint.app.wiring import opened_stores

    with opened_stores(settings) as stores:
        counts = stores.articles.counts()
        found = f"{stores.database.name}: {counts.articles} articles, {counts.relevant} relevant"
        yield Finding("database", good=True, found=found, counts=asdict(counts))
        if stores.database.is_sqlite:
            yield library(sqlite3.sqlite_version_info)
        yield _disk(settings)
        states = stores.alerts.counts()
        dead = states[AlertState.DEAD]
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        yield Finding("alerts", good=not dead, found=told, mend="`tripoint alerts list --state dead`" if dead else "")
        failing = [each for each in stores.frontier.listings() if each.status is PollStatus.FAILED]
        for each in failing:
            found = f"{each.source}: {each.url}: {each.error} ({each.failures_in_a_row} times in a row)"
            yield Finding("listing", good=False, found=found, mend="open it in a browser; mend or disable the source")


def library(version: tuple[int, ...]) -> Finding:
    """Say which SQLite reads the file; one that may damage a WAL is told of, and is no error: most systems have one."""
    found = f"SQLite {'.'.join(map(str, version))}"
    is_mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51)
    if is_mended:
        return Finding("library", good=True, found=found)
    mend = (
        "very rarely two processes that write at once damage a file with versions before 3.51.3, unless your system's "
        "was mended (sqlite.org/wal.html#walresetbug): update it when you can, and keep backups"
    )
    return Finding("library", good=True, found=found, mend=mend)


def _disk(settings: Settings) -> Finding:
    from tripoint.app.disk import room_of

    room = room_of(settings)
    return Finding("disk", good=room.is_enough, found=str(room), mend=room.mend)


def _channels(settings: Settings) -> Iterator[Finding]:
    from tripoint.app.wiring import build_channels

    channels = build_channels(settings, lambda _text: None)
    for each in channels:
        yield Finding("channel", good=True, found=f"{each.name}: {each.kind}, {each.form}")
    if not channels:
        yield Finding("channel", good=False, found="no channel is enabled", mend="add one under [channels.NAME]")


def _templates(settings: Settings) -> Iterator[Finding]:
    from tripoint.app.wiring import build_renderer

    folder = settings.alerts.templates
    if folder is None:
        return
    states = [each for each in build_renderer(settings, lambda _line: None).try_templates() if each.mark]
    for each in states:
        mend = "mend or remove it; until then ours is used" if each.problem else ""
        found = f"{each.name}: {each.problem or 'works'}"
        yield Finding("template", good=not each.problem, found=found, mend=mend)
    if not states:
        mend = "`alerts/layout/` of the package has the names; or unset alerts.templates"
        yield Finding("template", good=False, found=f"{folder} has no template that is used", mend=mend)


def _page(settings: Settings) -> Iterator[Finding]:
    from tripoint.app.web.access import access_of

    web = settings.web
    if not web.enabled:
        yield Finding("page", good=True, found="not wanted (web.enabled)")
        return
    asks = "asks for a token" if access_of(web).token else "open to this machine alone"
    yield Finding("page", good=True, found=f"{web.host}, port {web.port}: {asks}")


def _files(settings: Settings) -> Iterator[Finding]:
    from tripoint.app.secrecy import how_to_close, wide_files

    wide = wide_files(settings)
    found = (
        f"every user of this machine may read {', '.join(map(str, wide))}"
        if wide
        else "database and secrets are closed"
    )
    yield Finding("files", good=not wide, found=found, mend=how_to_close(wide) if wide else "")
