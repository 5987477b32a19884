"""`tripoint stories` and `tripoint story`: what belongs together, who has it, and mending it where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tripoint.app.cli.terminal import out, plain, print_json, print_table, settings_of
from tripoint.app.seeds import Seeds, load_seeds
from tripoint.domain.errors import MendError
from tripoint.domain.types import Report
from tripoint.stories.corroboration import Corroboration, corroborate

if TYPE_CHECKING:
    from storage.stories import Correction
    from tripoint.app.wiring import Stores

_AGE = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_SENTENCES = 2  # of each report, side by side

StoryArgument = Annotated[str, typer.Argument(help="Key of a story, or its beginning, or the number of an article.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    stories = typer.Typer(help="Stories: reports that tell one event.", invoke_without_command=True)
    app.add_typer(stories, name="stories", epilog="Example: tripoint stories --since 7d   ·   tripoint stories undo")

    @stories.callback()
    def stories_(
        context: typer.Context,
        since: Annotated[str, typer.Option(help="Only stories with a report since then: 24h, 7d, or a time.")] = "7d",
        everything: Annotated[bool, typer.Option("--all", help="Also what was judged irrelevant.")] = False,
        limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, with every report.")] = False,
    ) -> None:
        """List stories, the one with the newest report first: when, how many reports, who stands behind it."""
        if context.invoked_subcommand:
            return
        _list(context, since, everything=everything, limit=limit, as_json=as_json)

    @stories.command(epilog="Example: tripoint stories merge 3f2a 91bc")
    def merge(
        context: typer.Context,
        story: StoryArgument,
        others: Annotated[list[str], typer.Argument(help="Stories whose reports belong to it.")],
    ) -> None:
        """Put the reports of other stories into one. Later reports follow; `stories undo` takes it back."""
        from tripoint.app.wiring import opened_stores, utc_now

        with opened_stores(settings_of(context)) as stores:
            find = stores.stories.find
            _say(stores.stories.merge(find(story), [find(each) for each in others], utc_now()))

    @stories.command(epilog="Example: tripoint stories split 3f2a 17 18")
    def split(
        context: typer.Context,
        story: StoryArgument,
        articles: Annotated[list[int], typer.Argument(help="Numbers of the articles that are a story of their own.")],
    ) -> None:
        """Put some reports of a story, with their copies, into one of their own. `stories undo` takes it back."""
        from tripoint.app.wiring import opened_stores, utc_now

        with opened_stores(settings_of(context)) as stores:
            _say(stores.stories.split(stores.stories.find(story), articles, utc_now()))

    @stories.command(epilog="Example: tripoint stories undo")
    def undo(context: typer.Context) -> None:
        """Take back the last merge or split that stands."""
        from tripoint.app.wiring import opened_stores, utc_now

        with opened_stores(settings_of(context)) as stores:
            _say(stores.stories.undo(utc_now()))

    @app.command(epilog="Example: tripoint story 3f2a   ·   tripoint story 17 --json")
    def story(
        context: typer.Context,
        story: StoryArgument,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Show a story: its reports in order, whose words they print, what each added, sentences side by side."""
        _show(context, story, as_json=as_json)


def _list(context: typer.Context, since: str, *, everything: bool, limit: int, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores, utc_now

    settings = settings_of(context)
    seeds = load_seeds(settings.seeds.folder)
    now = utc_now()
    with opened_stores(settings) as stores:
        found = stores.stories.since(moment(since, now), relevant_only=not everything, limit=limit)
        behind = [_behind(seeds, each, concepts, now) for each, concepts in _with_concepts(stores, found)]
    if as_json:
        print_json([_as_json(each, corroboration) for each, corroboration in zip(found, behind, strict=True)])
        return
    rows = [
        (
            each[0].story[:8],
            corroboration.first.seen_at.strftime("%Y-%m-%d %H:%M"),
            len(each),
            corroboration.independent,
            "/".join(corroboration.languages),
            plain(_headline(each).title),
            corroboration.line,
        )
        for each, corroboration in zip(found, behind, strict=True)
    ]
    columns = ("story", "first seen (UTC)", "reports", "independent", "languages", "title", "who has it")
    print_table(f"{len(rows)} stories", columns, rows)


def _with_concepts(
    stores: Stores, found: Sequence[Sequence[Report]]
) -> Sequence[tuple[Sequence[Report], frozenset[str]]]:
    concepts = stores.stories.concepts([each[0].story for each in found])
    return [(each, concepts[each[0].story]) for each in found]


def _behind(seeds: Seeds, reports: Sequence[Report], concepts: frozenset[str], now: datetime) -> Corroboration:
    return corroborate(seeds.wires, seeds.countries, reports, concepts, now)


def _headline(reports: Sequence[Report]) -> Report:
    """Return the first relevant report: what was told."""
    return next((each for each in reports if each.is_relevant), reports[0])


def _show(context: typer.Context, key: str, *, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores, utc_now

    settings = settings_of(context)
    seeds = load_seeds(settings.seeds.folder)
    with opened_stores(settings) as stores:
        reports = stores.stories.reports(stores.stories.find(key))
        concepts = stores.stories.concepts([reports[0].story])[reports[0].story]
        behind = _behind(seeds, reports, concepts, utc_now())
        sentences = _sentences(seeds, stores, reports)
    if as_json:
        print_json({**_as_json(reports, behind), "sentences": sentences})
        return
    say = out()
    say.print(f"story {reports[0].story}")
    say.print(Text(plain(_headline(reports).title), style="bold"))
    say.print(Text(plain(f"first seen {behind.first.seen_at:%Y-%m-%d %H:%M} UTC; {behind.line}")))
    columns = ("article", "seen (UTC)", "outlet", "wire", "is", "what is new", "title")
    print_table("", columns, [_row(each) for each in reports])
    _side_by_side(sentences)


def _row(report: Report) -> tuple[object, ...]:
    origin = report.origin
    return (
        report.article_id,
        report.seen_at.strftime("%m-%d %H:%M"),
        plain(report.outlet),
        f"{origin.wire} ({origin.how})" if origin else "-",
        f"{report.placement} of {report.copy_of}" if report.copy_of else report.placement.value,
        plain(report.what_is_new) or "-",
        plain(report.title),
    )


def _sentences(seeds: Seeds, stores: Stores, reports: Sequence[Report]) -> dict[str, list[str]]:
    """Return the sentences that say why, by language; of copies none."""
    from tripoint.app.wiring import build_judge

    judge = build_judge(seeds)
    found: dict[str, list[str]] = {}
    for each in reports:
        stored = stores.articles.get(each.article_id) if each.copy_of is None else None
        if stored is None:
            continue
        article = stored.article
        best = max(judge.assess(article.title, article.text, article.language), key=lambda one: one.score)
        evidence = sorted(best.evidence, key=lambda one: one.index)[:_SENTENCES]
        told = [f"{plain(one.text)} ({plain(article.outlet)})" for one in evidence]
        found.setdefault(article.language, []).extend(told)
    return found


def _side_by_side(sentences: Mapping[str, Sequence[str]]) -> None:
    languages = sorted(language for language, told in sentences.items() if told)
    if not languages:
        return
    say = out()
    if not say.is_terminal:
        print_table("", ("language", "sentence"), [(each, told) for each in languages for told in sentences[each]])
        return
    table = Table(*languages, title="evidence", title_justify="left", show_lines=True)
    for at in range(max(len(sentences[each]) for each in languages)):
        table.add_row(*(Text(sentences[each][at]) if at < len(sentences[each]) else "" for each in languages))
    say.print(table)


def _as_json(reports: Sequence[Report], behind: Corroboration) -> dict[str, Any]:
    return {
        "story": reports[0].story,
        "title": _headline(reports).title,
        "first_seen": behind.first.seen_at,
        "first_outlet": behind.first.outlet,
        "corroboration": behind.line,
        "independent": behind.independent,
        "outlets": behind.outlets,
        "countries": behind.countries,
        "wires": behind.wires,
        "languages": behind.languages,
        "silent": behind.silent,
        "reports": [
            {
                "article": each.article_id,
                "outlet": each.outlet,
                "language": each.language,
                "title": each.title,
                "url": each.url,
                "published": each.published,
                "seen": each.seen_at,
                "placement": each.placement,
                "copy_of": each.copy_of,
                "what_is_new": each.what_is_new,
                "is_material": each.is_material,
                "because": each.because,
                "wire": each.origin.wire if each.origin else None,
                "wire_how": each.origin.how if each.origin else None,
                "is_relevant": each.is_relevant,
            }
            for each in reports
        ],
    }


def _say(done: Correction) -> None:
    moved = ", ".join(map(str, done.articles))
    out().print(f"{done.action}: articles {moved} are now of story {done.becomes}")


def moment(since: str, now: datetime) -> datetime:
    """Return the moment that is meant: so long before now, or a time, in UTC where it has no zone."""
    if age := _AGE.fullmatch(since.strip()):
        return now - timedelta(hours=int(age[1]) * _HOURS[age[2]])
    try:
        at = datetime.fromisoformat(since.strip())
    except ValueError as error:
        raise MendError(
            f'"{since}" is no time', "write 24h, 7d, 2w, or 2026-11-24 or 2026-11-24T08:00+07:00"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
