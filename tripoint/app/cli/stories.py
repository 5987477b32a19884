"""`tripoint stories` and `tripoint story`: what belongs together, who has it, and mending it where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from tripoint.app.cli.terminal import out, plain, print_json, print_table, settings_of
from tripoint.app.seeds import load_seeds
from tripoint.app.telling import moment, stories_since, story_as_json, telling_sentences, told_story
from tripoint.domain.types import Report

if TYPE_CHECKING:
    from storage.stories import Correction

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
        found = stories_since(seeds, stores, moment(since, now), now, relevant_only=not everything, limit=limit)
    if as_json:
        print_json([story_as_json(each) for each in found])
        return
    rows = [
        (
            each.key[:8],
            each.behind.first.seen_at.strftime("%Y-%m-%d %H:%M"),
            len(each.reports),
            each.behind.independent,
            "/".join(each.behind.languages),
            plain(each.headline.title),
            each.behind.line,
        )
        for each in found
    ]
    columns = ("story", "first seen (UTC)", "reports", "independent", "languages", "title", "who has it")
    print_table(f"{len(rows)} stories", columns, rows)


def _show(context: typer.Context, key: str, *, as_json: bool) -> None:
    from tripoint.app.wiring import build_judge, opened_stores, utc_now

    settings = settings_of(context)
    seeds = load_seeds(settings.seeds.folder)
    with opened_stores(settings) as stores:
        story = told_story(seeds, stores, key, utc_now())
        sentences: dict[str, list[str]] = {}
        for each in telling_sentences(build_judge(seeds), stores, story.reports):
            told = f"{plain(each.marked.text)} ({plain(each.report.outlet)})"
            sentences.setdefault(each.report.language, []).append(told)
    if as_json:
        print_json({**story_as_json(story), "sentences": sentences})
        return
    say = out()
    say.print(f"story {story.key}")
    say.print(Text(plain(story.headline.title), style="bold"))
    say.print(Text(plain(f"first seen {story.behind.first.seen_at:%Y-%m-%d %H:%M} UTC; {story.behind.line}")))
    columns = ("article", "seen (UTC)", "outlet", "wire", "is", "what is new", "title")
    print_table("", columns, [_row(each) for each in story.reports])
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


def _say(done: Correction) -> None:
    moved = ", ".join(map(str, done.articles))
    out().print(f"{done.action}: articles {moved} are now of story {done.becomes}")
