"""`tripoint feedback`: a reader says whether an article was worth an alert, and `calibrate` may learn from it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.terminal import out, print_json, print_table, settings_of
from tripoint.app.seeds import Seeds, load_seeds
from tripoint.domain.errors import MendError
from tripoint.domain.urls import canonical_url

if TYPE_CHECKING:
    from tripoint.app.wiring import Stores


class Said(StrEnum):
    """What can be said of an article."""

    RELEVANT = "relevant"
    IRRELEVANT = "irrelevant"
    FORGET = "forget"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(
        epilog="Example: tripoint feedback 17 irrelevant --note cricket   ·   tripoint feedback   (lists what was said)"
    )
    def feedback(
        context: typer.Context,
        article: Annotated[str, typer.Argument(help="Number or address of a stored article.")] = "",
        verdict: Annotated[Said | None, typer.Argument(help="relevant, irrelevant, or forget to take it back.")] = None,
        topic: Annotated[str, typer.Option(help="Topic that is meant; the one that is watched if not given.")] = "",
        note: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Without an article: print one JSON list.")] = False,
    ) -> None:
        """Say whether an article was worth an alert; without arguments, list what was said.

        `tripoint calibrate --with-feedback` learns from it. The last word on an article counts.
        """
        from tripoint.app.wiring import opened_stores, utc_now

        settings = settings_of(context)
        seeds = load_seeds(settings.seeds.folder)
        with opened_stores(settings) as stores:
            if not article:
                _list(stores, as_json=as_json)
                return
            if verdict is None:
                raise MendError("the verdict is missing", f"tripoint feedback {article} relevant|irrelevant|forget")
            name = _topic(seeds, topic)
            number = article_number(stores, article)
            if verdict is Said.FORGET:
                if not stores.feedback.forget(number, name):
                    raise MendError(f"nothing was said of article {number}", "tripoint feedback lists what was")
            else:
                is_relevant = verdict is Said.RELEVANT
                stores.feedback.record(number, name, relevant=is_relevant, note=note, at=utc_now())
        out().print(f"article {number}, {name}: {verdict.value}")


def _list(stores: Stores, *, as_json: bool) -> None:
    found = stores.feedback.everything()
    if as_json:
        print_json([{key: value for key, value in asdict(each).items() if key != "text"} for each in found])
        return
    rows = [
        (
            each.article_id,
            each.topic,
            "relevant" if each.relevant else "irrelevant",
            each.at.strftime("%Y-%m-%d %H:%M"),
            each.title,
            each.note,
        )
        for each in found
    ]
    print_table(f"{len(rows)} verdicts", ("article", "topic", "verdict", "said (UTC)", "title", "note"), rows)


def _topic(seeds: Seeds, name: str) -> str:
    known = [each.name for each in seeds.all_topics]
    if name:
        if name not in known:
            raise MendError(f"no topic is called {name}", f"choose from {', '.join(known)}")
        return name
    if len(seeds.topics) > 1:
        raise MendError("several topics are watched", f"choose one with --topic: {', '.join(known)}")
    return seeds.topics[0].name


def article_number(stores: Stores, wanted: str) -> int:
    """Return the number of the stored article that is meant by number or address; raises `MendError` for none."""
    if wanted.isdecimal():
        number: int | None = int(wanted) if len(wanted) < 10 and stores.articles.get(int(wanted)) else None
    else:
        try:
            number = stores.articles.find(canonical_url(wanted))
        except ValueError:
            number = None
    if number is None:
        raise MendError(f"no article {wanted} is stored", "give its number, as `tripoint topic diff` shows, or address")
    return number
