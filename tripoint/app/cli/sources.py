"""`tripoint sources`: who is read, whether it works, and changing the catalogue."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tripoint.app.cli import quarantine
from tripoint.app.cli.progress import Progress
from tripoint.app.cli.terminal import err, out, plain, print_json, print_table, settings_of
from tripoint.app.seeds import load_seeds, parse_sources
from tripoint.app.settings import Settings
from tripoint.domain.errors import MendError
from tripoint.domain.seedfile import read_seed
from tripoint.domain.types import Source


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    sources = typer.Typer(no_args_is_help=True, help="The outlets that are read.")
    app.add_typer(sources, name="sources", epilog="Example: tripoint sources list --language vi")

    _register_changes(sources)
    quarantine.register(sources)

    @sources.command(epilog="Example: tripoint sources health --json")
    def health(
        context: typer.Context,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """Say how every source does: healthy, degraded, failing, empty, parse-broken or forbidden, and since when."""
        _health(settings_of(context), as_json=as_json)

    @sources.command("list", epilog="Example: tripoint sources list --language vi --json")
    def list_(
        context: typer.Context,
        language: Annotated[str, typer.Option(help="Only sources in this language, such as vi.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """List the catalogue; `verified` says whether a live check has seen the addresses work."""
        found = load_seeds(settings_of(context).seeds.folder).sources
        chosen = [each for each in found if language in {"", each.language}]
        if as_json:
            print_json([asdict(each) for each in chosen])
            return
        rows = [
            (
                each.name,
                each.outlet,
                each.language,
                each.country,
                each.timezone,
                "wire" if each.wire else "",
                "yes" if each.verified else "no",
                "yes" if each.enabled else "no",
                len(each.listings),
            )
            for each in chosen
        ]
        columns = ("name", "outlet", "language", "country", "time zone", "wire", "verified", "enabled", "listings")
        print_table(f"{len(rows)} sources", columns, rows)

    @sources.command(epilog="Example: tripoint sources show dawn")
    def show(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="Name of a source, as `sources list` shows it.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Show one source: its entry, and what the last visits to its listings brought."""
        _show(settings_of(context), name, as_json=as_json)

    @sources.command(epilog="Example: tripoint sources check dawn vnexpress   ·   tripoint sources check --write")
    def check(
        context: typer.Context,
        names: Annotated[list[str] | None, typer.Argument(help="Sources to check; all if none is named.")] = None,
        write: Annotated[bool, typer.Option("--write", help="Note in your seeds which of them work.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """Read every listing and an article of each source, and say what works, moved, is empty, fails or forbids us.

        Nothing is stored, and nobody is told. Exits with 1 if a source does not work.
        """
        _check(settings_of(context), names or [], write=write, as_json=as_json)


def _register_changes(sources: typer.Typer) -> None:
    """Add the verbs that change the catalogue, or carry it elsewhere."""

    @sources.command(epilog="Example: tripoint sources disable geo-news")
    def disable(context: typer.Context, name: Annotated[str, typer.Argument(help="Name of a source.")]) -> None:
        """Read a source no longer; its entry and its articles stay."""
        _switch(settings_of(context), name, on=False)

    @sources.command(epilog="Example: tripoint sources enable geo-news")
    def enable(context: typer.Context, name: Annotated[str, typer.Argument(help="Name of a source.")]) -> None:
        """Read a source again."""
        _switch(settings_of(context), name, on=True)

    @sources.command(epilog="Example: tripoint sources add https://a.example/ --country PK --timezone Asia/Karachi")
    def add(
        context: typer.Context,
        url: Annotated[str, typer.Argument(help="Address of an outlet, or of one of its feeds.")],
        name: Annotated[str, typer.Option(help="Short name; made from the outlet's if not given.")] = "",
        outlet: Annotated[str, typer.Option(help="Name of the outlet; as its page says if not given.")] = "",
        language: Annotated[str, typer.Option(help="Language that it publishes in; as its page says.")] = "",
        country: Annotated[str, typer.Option(help="Country of its seat, two capitals.")] = "US",
        timezone: Annotated[str, typer.Option(help="Time zone in which its pages state times.")] = "UTC",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what was found.")] = False,
    ) -> None:
        """Find an outlet's feeds and sitemaps, show a sample of each, and add it to your seeds.

        It looks at the link tags of the page, at the sitemaps that robots.txt names, and at common paths.
        """
        _add(settings_of(context), url, (name, outlet, language), (country, timezone), dry_run=dry_run)

    @sources.command("export", epilog="Example: tripoint sources export feeds.opml")
    def export(
        context: typer.Context,
        file: Annotated[Path | None, typer.Argument(help="OPML file to write; standard output if not given.")] = None,
    ) -> None:
        """Write the feeds of the catalogue as OPML, which every feed reader imports."""
        from tripoint.app.catalogue import to_opml

        text = to_opml(each for each in load_seeds(settings_of(context).seeds.folder).sources if each.enabled)
        if file is None:
            print(text, end="")  # noqa: T201 - stdout is where results go
            return
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise MendError(f"{file}: {error.strerror}", "name a file that you may write") from error

    @sources.command("import", epilog="Example: tripoint sources import feeds.opml --language en --country GB")
    def import_(
        context: typer.Context,
        file: Annotated[Path, typer.Argument(help="OPML file, as feed readers export it.")],
        language: Annotated[str, typer.Option(help="Language of feeds that do not say theirs.")] = "en",
        country: Annotated[str, typer.Option(help="Country of the outlets, two capitals.")] = "US",
        timezone: Annotated[str, typer.Option(help="Time zone in which their pages state times.")] = "UTC",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be added.")] = False,
    ) -> None:
        """Add the feeds of an OPML file to your seeds, in sources/imported.toml; known feeds are left out."""
        _import(settings_of(context), file, (language, country, timezone), dry_run=dry_run)


def _named(sources: Sequence[Source], name: str) -> Source:
    for each in sources:
        if each.name == name:
            return each
    near = difflib.get_close_matches(name, [each.name for each in sources], n=1)
    mend = f"did you mean {near[0]}?" if near else "`tripoint sources list` shows them"
    raise MendError(f"there is no source {name}", mend)


def _show(settings: Settings, name: str, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores

    source = _named(load_seeds(settings.seeds.folder).sources, name)
    urls = {url for _, url in source.listings}
    with opened_stores(settings) as stores:
        states = [each for each in stores.frontier.listings() if each.url in urls]
        counts = stores.articles.of_source(name)
    if as_json:
        print_json({**asdict(source), "visits": [asdict(each) for each in states], **asdict(counts)})
        return
    rows: list[tuple[str, object]] = [
        (key, _said(value)) for key, value in asdict(source).items() if value not in ("", (), [])
    ]
    rows += [("articles", counts.articles), ("relevant", counts.relevant), ("last article", _time(counts.last_at))]
    print_table(source.outlet, ("", ""), rows)
    visits = [
        (
            each.url,
            each.status,
            _time(each.polled_at),
            each.listed,
            _time(each.last_new_at),
            f"{each.interval_s:.0f} s" if each.interval_s else "-",
            _time(each.due_at),
            each.error,
        )
        for each in states
    ]
    columns = ("listing", "last visit", "at (UTC)", "listed", "last new", "interval", "due", "error")
    print_table("listings", columns, visits)


def _health(settings: Settings, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores

    rows: list[dict[str, Any]] = []
    with opened_stores(settings) as stores:
        verdicts = stores.health.everything()
        states = {each.url: each for each in stores.frontier.listings()}
        for source in load_seeds(settings.seeds.folder).sources:
            verdict = verdicts.get(source.name)
            due = [states[url].due_at for _, url in source.listings if url in states]
            rows.append(
                {
                    "name": source.name,
                    "state": verdict.state if verdict else "unknown",
                    "since": verdict.since if verdict else None,
                    "last_article_at": stores.articles.of_source(source.name).last_at,
                    "next_try_at": min((each for each in due if each), default=None) if source.enabled else None,
                    "reason": (verdict.reason if verdict else "not visited yet") if source.enabled else "disabled",
                }
            )
    if as_json:
        print_json(rows)
        return
    rows.sort(key=lambda row: (row["state"] == "healthy", row["state"], row["name"]))
    columns = ("source", "state", "since (UTC)", "last article", "next try", "reason")
    times = ("since", "last_article_at", "next_try_at")
    shown = [(row["name"], row["state"], *(_time(row[key]) for key in times), row["reason"]) for row in rows]
    print_table(f"{len(rows)} sources", columns, shown)


def _said(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "-"


def _check(settings: Settings, names: list[str], *, write: bool, as_json: bool) -> None:
    from crawler.reactor import run_on_reactor
    from tripoint.app.catalogue import set_in_folder
    from tripoint.app.probe import Verdict, check_sources

    folder = _folder(settings) if write else None
    known = load_seeds(settings.seeds.folder).sources
    chosen = [_named(known, each) for each in names] or [each for each in known if each.enabled]
    progress = Progress(err(), quiet=as_json)
    with progress:
        found = run_on_reactor(
            lambda: check_sources(settings, [replace(each, enabled=True) for each in chosen], progress.show)
        )
    fine = {Verdict.WORKS, Verdict.MOVED}
    for each in found if folder else ():
        set_in_folder(folder or Path(), each.source.name, "verified", "true" if each.verdict in fine else "false")
    if as_json:
        print_json(
            [
                {
                    "name": each.source.name,
                    "verdict": each.verdict,
                    "detail": each.detail,
                    "listings": [
                        {"url": poll.url, "status": poll.status, "listed": poll.listed, "error": poll.error}
                        | {"moved_to": poll.moved_to}
                        for poll in each.polls
                    ],
                    "articles": [article.url for article in each.articles],
                }
                for each in found
            ]
        )
    else:
        rows = [(each.source.name, each.verdict, sum(p.listed for p in each.polls), each.detail) for each in found]
        print_table(f"{len(rows)} sources", ("source", "verdict", "listed", "what was seen"), rows)
    if any(each.verdict not in fine for each in found):
        raise typer.Exit(1)


def _folder(settings: Settings) -> Path:
    if settings.seeds.folder is None:
        raise MendError("the packaged seeds are not for writing", "tripoint init seeds, and set seeds.folder to it")
    return settings.seeds.folder


def _switch(settings: Settings, name: str, *, on: bool) -> None:
    from tripoint.app.catalogue import set_in_folder

    folder = _folder(settings)
    source = _named(load_seeds(folder).sources, name)
    file = set_in_folder(folder, source.name, "enabled", "true" if on else "false")
    if file is None:
        raise MendError(f"no file under {folder}/sources holds {name} in the usual form", "write `enabled` into it")
    what = "read again" if on else "no longer read"
    out().print(f"{name} is {what} from the next start or `tripoint reload` on ({file.name})")


def _add(settings: Settings, url: str, said: tuple[str, str, str], place: tuple[str, str], *, dry_run: bool) -> None:
    from crawler.reactor import run_on_reactor
    from tripoint.app.catalogue import append, as_toml, source_of
    from tripoint.app.probe import discover_source

    folder = None if dry_run else _folder(settings)
    known = load_seeds(settings.seeds.folder).sources
    found = run_on_reactor(lambda: discover_source(settings, url))
    if not found.listings:
        problem = f"{url}: {found.problem or 'no feed and no sitemap was found'}"
        raise MendError(problem, "name the address of a feed, or write the entry by hand with its section pages")
    source = source_of(found, known, said, place)
    parse_sources([read_seed(url, as_toml([source]))])  # what could not be read back is not written
    columns = ("kind", "address", "listed", "sample")
    rows = [(each.kind, each.url, each.listed, " · ".join(each.sample)) for each in found.listings]
    print_table(f"{source.outlet}: {len(rows)} listings", columns, rows)
    if folder is not None:
        file = append(folder, [source])
        out().print(
            plain(f"added {source.name} ({source.language}, {source.country}, {source.timezone}) to {file.name}")
        )
        err().print(plain(f"see that it works: tripoint sources check {source.name}"))


def _import(settings: Settings, file: Path, said: tuple[str, str, str], *, dry_run: bool) -> None:
    from tripoint.app.catalogue import append, as_toml, from_opml

    folder = _folder(settings)
    try:
        body = file.read_bytes()
    except OSError as error:
        raise MendError(f"{file}: {error.strerror}", "name an OPML file") from error
    language, country, timezone = said
    known = load_seeds(folder).sources
    found, present = from_opml(body, known, language=language, country=country, timezone=timezone)
    parse_sources([read_seed(str(file), as_toml(found))])  # what could not be read back is not written
    if found and not dry_run:
        append(folder, found)
    columns = ("name", "outlet", "language", "feed")
    print_table(f"{len(found)} sources", columns, [(e.name, e.outlet, e.language, e.feeds[0]) for e in found])
    verb = "would be added" if dry_run else "added, unverified until `tripoint sources check` has seen them"
    err().print(f"{len(found)} {verb}; {present} were known")
