"""`tripoint search`: what the archive holds of something, on the terminal or out to a file."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tripoint.app.cli.terminal import err, out, plain, print_json, settings_of
from tripoint.app.seeds import load_seeds
from tripoint.app.telling import moment
from tripoint.domain.errors import MendError, StorageError
from tripoint.domain.searchtext import Concept, leaves, parse
from tripoint.domain.types import Marked

if TYPE_CHECKING:
    from storage.search import SearchHit, SearchQuery, SearchStore
    from tripoint.app.seeds import Seeds

_HELP = 'Words, "a phrase", prefix*, OR, NOT or -, ( ), concept:platform.mi35; with or without marks.'
_EPILOG = "Example: tripoint search 'tập trận chung' --since 30d --lang vi   ·   tripoint search 'drill* -navy' --csv"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog=_EPILOG)
    def search(
        context: typer.Context,
        words: Annotated[str, typer.Argument(help=_HELP)] = "",
        since: Annotated[str, typer.Option(help="Published then or later: 24h, 7d, 2026-11-24, or a time.")] = "",
        until: Annotated[str, typer.Option(help="Published before then.")] = "",
        outlet: Annotated[list[str] | None, typer.Option(help="Name of a source; may be given again.")] = None,
        lang: Annotated[list[str] | None, typer.Option(help="Language, such as vi; may be given again.")] = None,
        min_score: Annotated[float | None, typer.Option(min=0, max=1, help="Least score.")] = None,
        relevant: Annotated[bool, typer.Option("--relevant", help="Only what was judged relevant.")] = False,
        topic: Annotated[str, typer.Option(help="Only what this topic calls relevant, or scores so high.")] = "",
        newest: Annotated[bool, typer.Option("--newest", help="Newest first instead of best first.")] = False,
        limit: Annotated[int, typer.Option(min=1, help="How many; an export holds all unless this is given.")] = 20,
        offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with spans to mark.")] = False,
        as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Export every hit, a line each.")] = False,
        as_csv: Annotated[bool, typer.Option("--csv", help="Export every hit as CSV.")] = False,
        as_parquet: Annotated[bool, typer.Option("--parquet", help="Export every hit as Parquet; needs -o.")] = False,
        output: Annotated[Path | None, typer.Option("--output", "-o", help="File to export to.")] = None,
    ) -> None:
        """Find articles in the archive: best first with the words marked; exports hold every hit, newest first."""
        from storage.search import Order, SearchQuery
        from tripoint.app.wiring import opened_stores, utc_now

        export = _export_of(as_json=as_json, jsonl=as_jsonl, csv=as_csv, parquet=as_parquet, output=output)
        settings = settings_of(context)
        seeds = load_seeds(settings.seeds.folder)
        _check(seeds, outlet or [], topic)
        now = utc_now()
        query = SearchQuery(
            words,
            _time(since, now),
            _time(until, now),
            tuple(outlet or ()),
            tuple(lang or ()),
            min_score,
            relevant,
            topic,
            Order.NEWEST if newest else Order.BEST,
            limit,
            offset,
        )
        with opened_stores(settings) as stores:
            if export:
                most = limit if _is_given(context, "limit") else None
                _export(stores.search, query, export, output, most)
            else:
                _show(stores.search, query, seeds, as_json=as_json)


def _time(text: str, now: datetime) -> datetime | None:
    return moment(text, now) if text else None


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check(seeds: Seeds, outlets: Iterable[str], topic: str) -> None:
    """Refuse a name that nothing has: it would silently find nothing."""
    known = {"outlet": [each.name for each in seeds.sources], "topic": [each.name for each in seeds.all_topics]}
    for kind, given in (("outlet", outlets), ("topic", [topic] if topic else [])):
        for name in given:
            if name not in known[kind]:
                near = difflib.get_close_matches(name, known[kind], n=1)
                mend = f"did you mean `{near[0]}`?" if near else f"`tripoint {_LISTS[kind]} list` names them"
                raise MendError(f"there is no {kind} `{name}`", mend)


_LISTS = {"outlet": "sources", "topic": "topic"}


def _export_of(*, as_json: bool, jsonl: bool, csv: bool, parquet: bool, output: Path | None) -> str:
    named = {"csv": csv, "jsonl": jsonl, "parquet": parquet}
    chosen = [name for name, wanted in named.items() if wanted]
    if len(chosen) + as_json > 1:
        raise MendError("more than one form", "choose one of --json, --jsonl, --csv and --parquet")
    if output and not chosen:
        raise MendError("a file without a form", "add --csv, --jsonl or --parquet")
    if parquet and not output:
        raise MendError("Parquet is no text for a terminal", "name a file: --output hits.parquet")
    return chosen[0] if chosen else ""


def _export(store: SearchStore, query: SearchQuery, form: str, output: Path | None, most: int | None) -> None:
    from tripoint.app.export import write_csv, write_json_lines, write_parquet

    hits: Iterator[SearchHit] = islice(store.walk(query), query.offset, None if most is None else query.offset + most)
    if output is None:
        (write_csv if form == "csv" else write_json_lines)(hits, sys.stdout)
        return
    try:
        if form == "parquet":
            count = write_parquet(hits, output)
        else:
            # A spreadsheet reads CSV as UTF-8 only with the mark at its beginning.
            encoding = "utf-8-sig" if form == "csv" else "utf-8"
            with output.open("w", encoding=encoding, newline="" if form == "csv" else "\n") as file:
                count = (write_csv if form == "csv" else write_json_lines)(hits, file)
    except OSError as error:
        raise StorageError(f"cannot write {output}: {error.strerror}", "name another file") from error
    err().print(f"{count} articles in {output}")


def _show(store: SearchStore, query: SearchQuery, seeds: Seeds, *, as_json: bool) -> None:
    page = store.find(query)
    if as_json:
        print_json(
            {"hits": [_as_json(each) for each in page.hits], "is_more": page.is_more, "all_ranked": page.all_ranked}
        )
        return
    say = out()
    for hit in page.hits:
        _print_hit(say, hit)
    if not page.hits:
        err().print(_why_nothing(query, seeds))
    elif page.is_more:
        err().print(f"there are more: --offset {query.offset + len(page.hits)}, or --csv for all")
    if not page.all_ranked:
        err().print(
            "so many were found that the best are those of the newest; a time (--since, --until) ranks older ones"
        )


def _why_nothing(query: SearchQuery, seeds: Seeds) -> str:
    """Return what may find more; a concept that the lexicon does not know is likely a slip."""
    known = seeds.lexicon.ids
    for leaf in leaves(parse(query.text)):
        if isinstance(leaf, Concept) and not leaf.is_prefix and leaf.name not in known:
            near = difflib.get_close_matches(leaf.name, known, n=3)
            named = f"near it are {', '.join(near)}" if near else "`tripoint score` names the concepts of a text"
            return f"nothing found; the lexicon has no concept {leaf.name}; {named}"
    return "nothing found; fewer words, a prefix* or a longer time may find more"


def _print_hit(say: Console, hit: SearchHit) -> None:
    at = hit.published or hit.first_seen_at
    when = f"{at:%Y-%m-%d}" if hit.date_only else f"{at:%Y-%m-%d %H:%M} UTC"
    say.print(Text(f"{hit.article_id}  ", style="dim") + _marked(hit.title, "bold", say))
    say.print(Text(f"    {plain(hit.outlet)} · {when} · {hit.language} · score {hit.score:.2f}", style="dim"))
    say.print(Text("    ") + _marked(hit.snippet, "", say))
    say.print(Text(f"    {plain(hit.url)}", style="dim"))


def _marked(marked: Marked, style: str, say: Console) -> Text:
    """Return text with its spans lit; where there is no colour, between two asterisks."""
    line, position = Text(style=style), 0
    for start, end in marked.spans:
        line.append(_safe(marked.text[position:start]))
        hit = _safe(marked.text[start:end])
        line.append(hit if say.is_terminal else f"**{hit}**", style="bold reverse")
        position = end
    line.append(_safe(marked.text[position:]))
    return line


def _safe(text: str) -> str:
    """Return a part of a line without what steers a terminal, the spaces at its ends kept."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and text.strip() else ""
    return f"{before}{plain(text)}{after}"


def _as_json(hit: SearchHit) -> dict[str, Any]:
    from tripoint.app.export import row

    return {
        **row(hit),
        "date_only": hit.date_only,
        "rank": round(hit.rank, 6),
        "title_spans": hit.title.spans,
        "snippet_spans": hit.snippet.spans,
    }
