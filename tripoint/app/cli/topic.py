"""`tripoint topic`: what is watched; trying an edited topic on what is stored, and taking it over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track

from tripoint.app.cli.terminal import err, out, print_json, print_table, settings_of
from tripoint.app.seeds import Seeds, load_seeds
from tripoint.app.settings import Settings
from tripoint.domain.errors import MendError
from tripoint.relevance.topic import Topic

if TYPE_CHECKING:
    from storage.articles import StoredArticle
    from tripoint.app.replay import Change, Comparison
    from tripoint.app.wiring import Stores


FileOption = Annotated[Path | None, typer.Option("--topic", help="An edited topic's file; else the seeds as they are.")]
NameOption = Annotated[str, typer.Option("--name", help="A topic of the seeds, where there are several.")]
ThresholdOption = Annotated[float | None, typer.Option(help="Try this threshold, between 0 and 1.")]
SinceOption = Annotated[datetime | None, typer.Option(help="Only articles first seen since then (UTC).")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    topic = typer.Typer(no_args_is_help=True, help="What is watched: list, try an edited topic, take it over.")
    app.add_typer(topic, name="topic", epilog="Example: tripoint topic diff --threshold 0.6")

    @topic.command("list", epilog="Example: tripoint topic list --json")
    def list_(
        context: typer.Context,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    ) -> None:
        """List the topics of the seeds."""
        found = load_seeds(settings_of(context).seeds.folder).all_topics
        columns = ("name", "title", "languages", "threshold", "enabled", "fitted", "version")
        rows = [_row(each) for each in found]
        if as_json:
            print_json([dict(zip(columns, row, strict=True)) for row in rows])
            return
        shown = [("yes" if cell is True else "no" if cell is False else cell for cell in row) for row in rows]
        print_table(f"{len(rows)} topics", columns, [tuple(row) for row in shown])

    @topic.command(epilog="Example: tripoint topic diff --topic edited.toml   ·   tripoint topic diff --threshold 0.6")
    def diff(
        context: typer.Context,
        file: FileOption = None,
        name: NameOption = "",
        threshold: ThresholdOption = None,
        since: SinceOption = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Judge what is stored by an edited topic, and show which articles would gain or lose an alert.

        Nothing is saved. Without --topic and --threshold the seeds as they are, say after an edit of the lexicon, are
        compared with the verdicts in the database.
        """
        settings = settings_of(context)
        seeds, chosen, _ = _edited(settings, file, name, threshold)
        found = _compared(settings, seeds, chosen, since)
        if as_json:
            print_json(_plain(found))
        else:
            _show(found)

    @topic.command(epilog="Example: tripoint topic apply --topic edited.toml   ·   tripoint topic apply --tell")
    def apply(
        context: typer.Context,
        file: FileOption = None,
        name: NameOption = "",
        threshold: ThresholdOption = None,
        since: SinceOption = None,
        tell: Annotated[
            bool,
            typer.Option(
                "--tell",
                help="Tell of stored articles that become relevant: fresh ones one by one, older ones in one summary.",
            ),
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Take an edited topic into the seeds folder, and judge what is stored by it.

        Nobody is told of old news unless you ask with --tell, and of nothing twice. The file that was replaced is kept,
        and how to go back is said. A service that runs takes the topic up when it is started again.
        """
        settings = settings_of(context)
        seeds, chosen, text = _edited(settings, file, name, threshold)
        _apply(settings, seeds, chosen, text, since, tell=tell, as_json=as_json)

    @topic.command(epilog="Example: tripoint topic enable india-russia-air-defence")
    def enable(context: typer.Context, name: Annotated[str, typer.Argument(help="A topic of the seeds.")]) -> None:
        """Judge articles by this topic too, from the next start on."""
        _switch(settings_of(context), name, on=True)

    @topic.command(epilog="Example: tripoint topic disable india-russia-air-defence")
    def disable(context: typer.Context, name: Annotated[str, typer.Argument(help="A topic of the seeds.")]) -> None:
        """Judge articles by this topic no longer; its file and its stored verdicts stay."""
        _switch(settings_of(context), name, on=False)


def _row(topic: Topic) -> tuple[object, ...]:
    languages = ", ".join(topic.languages)
    return topic.name, topic.title, languages, topic.threshold, topic.is_enabled, topic.is_fitted, topic.version


def _edited(
    settings: Settings, file: Path | None, name: str, threshold: float | None
) -> tuple[Seeds, Topic | None, str]:
    """Return the seeds as edited, the topic that is edited if one is, and the text of its file where it changes."""
    from tripoint.app import replay

    seeds = load_seeds(settings.seeds.folder)
    if file is not None and name:
        raise MendError("--topic and --name both name a topic", "give one of them")
    if file is not None:
        topic = replay.read_topic(file, seeds, settings.seeds.folder, threshold)
        text = file.read_text(encoding="utf-8")
        text = text if threshold is None else replay.with_key(text, "threshold", f"{threshold:g}")
        return replay.with_topic(seeds, topic), topic, text
    if threshold is None and not name:
        return seeds, None, ""
    topic = _named(seeds, name)
    text = ""
    if threshold is not None:
        if not 0 < threshold < 1:
            raise MendError(f"{threshold:g} is no threshold", "give a number between 0 and 1")
        topic = replace(topic, threshold=threshold)
        of_it = replay.file_of(settings.seeds.folder, topic.name) if settings.seeds.folder else None
        if of_it is not None:
            text = replay.with_key(of_it.read_text(encoding="utf-8"), "threshold", f"{threshold:g}")
    return replay.with_topic(seeds, topic), topic, text


def _folder(settings: Settings) -> Path:
    if settings.seeds.folder is None:
        raise MendError("the packaged seeds are not for writing", "tripoint init seeds, and set seeds.folder to it")
    return settings.seeds.folder


def _named(seeds: Seeds, name: str) -> Topic:
    names = [each.name for each in seeds.all_topics]
    if not name and len(seeds.topics) == 1:
        return seeds.topics[0]
    for each in seeds.all_topics:
        if each.name == name:
            return each
    problem = f"no topic is called {name}" if name else "several topics are watched"
    raise MendError(problem, f"choose one with --name: {', '.join(names)}")


def _compared(settings: Settings, seeds: Seeds, chosen: Topic | None, since: datetime | None) -> list[Comparison]:
    from tripoint.app import replay
    from tripoint.app.wiring import build_judge, opened_stores

    judge = build_judge(seeds)
    topics = [chosen] if chosen else list(seeds.topics)
    with opened_stores(settings) as stores:
        return [replay.compare(each, judge, _walk(stores, since)) for each in topics]


def _walk(stores: Stores, since: datetime | None) -> Iterable[StoredArticle]:
    then = since.replace(tzinfo=UTC) if since and not since.tzinfo else since
    articles: Iterator[StoredArticle] = stores.articles.walk(then)
    total = stores.articles.counts().articles if then is None else None
    console = err()
    return track(
        articles, total=total, description="judging", console=console, disable=not console.is_terminal, transient=True
    )


def _apply(
    settings: Settings,
    seeds: Seeds,
    chosen: Topic | None,
    text: str,
    since: datetime | None,
    *,
    tell: bool,
    as_json: bool,
) -> None:
    from tripoint.app import replay
    from tripoint.app.wiring import build_judge, build_policy, opened_stores, utc_now

    folder = _folder(settings)
    kept = replay.put(folder, chosen.name, text) if chosen and text else None
    seeds = load_seeds(folder) if text else seeds  # as the next start reads them
    judge = build_judge(seeds)
    who_must_hear = build_policy(settings, seeds).who_must_hear if tell else None
    with opened_stores(settings) as stores:
        done = replay.adopt(judge, stores.articles, _walk(stores, since), who_must_hear, utc_now())
    if as_json:
        print_json({"articles": done.articles, "alerts_queued": done.alerts_queued, "replaced": kept})
        return
    out().print(f"{done.articles} articles judged anew, {done.alerts_queued} alerts queued")
    if kept is not None:
        err().print(f"to go back: tripoint topic apply --topic {kept}")
    err().print("a `tripoint run` that is going on takes this up when it is started again")


def _switch(settings: Settings, name: str, *, on: bool) -> None:
    from tripoint.app import replay

    folder = _folder(settings)
    seeds = load_seeds(folder)
    topic = _named(seeds, name)
    if not on and [each.name for each in seeds.topics] == [topic.name]:
        raise MendError(f"{topic.name} is the only topic that is watched", "enable another first")
    file = replay.file_of(folder, topic.name)
    if file is not None:
        text = replay.with_key(file.read_text(encoding="utf-8"), "enabled", "true" if on else "false")
        file.write_text(text, encoding="utf-8")
    out().print(f"{topic.name} is {'watched' if on else 'no longer watched'} from the next start on")
    if on:
        err().print("to judge what is stored by it as well: tripoint topic apply")


def _show(found: list[Comparison]) -> None:
    for each in found:
        rows = [_change(sign, change) for sign, changes in (("+", each.gained), ("-", each.lost)) for change in changes]
        title = f"{each.topic.name} from {each.topic.threshold:g}: {len(each.gained)} gain, {len(each.lost)} lose"
        print_table(title, ("", "id", "was", "is", "published", "outlet", "title"), rows)
        out().print(
            f"{each.topic.name}: of {each.articles} articles {each.relevant} would be relevant;"
            f" {len(each.gained)} gain and {len(each.lost)} lose an alert"
        )


def _change(sign: str, change: Change) -> tuple[object, ...]:
    article = change.article.article
    was = "-" if change.before is None else f"{change.before:.2f}"
    published = article.published.strftime("%Y-%m-%d %H:%M") if article.published else "-"
    return sign, change.article.id, was, f"{change.after:.2f}", published, article.outlet, article.title


def _plain(found: list[Comparison]) -> list[dict[str, Any]]:
    return [
        {
            "topic": each.topic.name,
            "threshold": each.topic.threshold,
            "articles": each.articles,
            "relevant": each.relevant,
            "gained": [_change_plain(change) for change in each.gained],
            "lost": [_change_plain(change) for change in each.lost],
        }
        for each in found
    ]


def _change_plain(change: Change) -> dict[str, Any]:
    article = change.article.article
    return {
        "id": change.article.id,
        "url": article.url,
        "title": article.title,
        "outlet": article.outlet,
        "published": article.published,
        "before": change.before,
        "after": change.after,
    }
