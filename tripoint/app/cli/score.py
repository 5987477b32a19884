"""`tripoint score`: what the matcher makes of a text, a file, a page or a stream of lines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.progress import track
from rich.text import Text

from tripoint.app.cli.terminal import err, out, plain, print_json, settings_of
from tripoint.app.settings import Settings
from tripoint.domain.errors import MendError, UnavailableError
from tripoint.domain.text import nfc, one_line, sentences
from tripoint.domain.types import Article, Assessment, Zone
from tripoint.relevance.explain import flips, margin

if TYPE_CHECKING:
    from tripoint.relevance.assess import Judge

_PAGE_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_LIKE_A_FILE = re.compile(r"^\S+\.(?:txt|html?|xhtml|md|jsonl)$")


@dataclass(frozen=True, slots=True)
class Input:
    """Something to score."""

    title: str
    text: str
    language: str
    id: Any = None


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(
        epilog="Example: tripoint score article.txt   ·   tripoint score --jsonl articles.jsonl > scores.jsonl"
    )
    def score(
        context: typer.Context,
        what: Annotated[str, typer.Argument(help="A text, a file (.txt, .html), a web address, or - for stdin.")] = "",
        jsonl: Annotated[str, typer.Option(help="File of JSON lines, or - for stdin: one line out for each in.")] = "",
        title: Annotated[str, typer.Option(help="Title that belongs to the text.")] = "",
        lang: Annotated[str, typer.Option(help="Language of the text, such as vi; guessed if not given.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Judge a text by the topics, and show what was found where.

        A JSON line has `id`, `title`, `text` and, if known, `lang`, `url` and `published`; the line that answers it
        has `id`, `score`, `relevant` and `hits`, or `error`.
        """
        if bool(what) == bool(jsonl):
            raise MendError("say what to score", "give a text, file or address, or --jsonl FILE")
        settings = settings_of(context)
        judge = _judge(settings)
        if jsonl:
            if not _score_lines(judge, jsonl):
                raise typer.Exit(1)
            return
        item = _read(settings, what, title, lang)
        assessments = judge.assess(item.title, item.text, item.language)
        if as_json:
            print_json(_answer(judge, item, assessments))
        else:
            _show(judge, item, assessments)


def _judge(settings: Settings) -> Judge:
    from tripoint.app.seeds import load_seeds
    from tripoint.app.wiring import build_judge

    return build_judge(load_seeds(settings.seeds.folder))


def _read(settings: Settings, what: str, title: str, language: str) -> Input:
    if re.match(r"https?://", what):
        article = fetch_article(settings, what)
        return Input(title or article.title, article.text, language or article.language, what)
    if what == "-":
        return Input(title, nfc(sys.stdin.read()), language)
    path = Path(what)
    if len(what) < 1000 and path.is_file():
        return _read_file(path, title, language)
    if _LIKE_A_FILE.match(what):
        raise MendError(f"{what}: no such file", "check the path, or put a text between quotes")
    return Input(title, nfc(what), language)


def _read_file(path: Path, title: str, language: str) -> Input:
    from crawler.markup import decode

    body = path.read_bytes()
    if path.suffix.lower() not in _PAGE_SUFFIXES:
        return Input(title, nfc(decode(body)), language, path.name)
    from tripoint.app.single_page import read_saved_page

    article = read_saved_page(body, path.as_uri() if path.is_absolute() else path.resolve().as_uri())
    return Input(title or article.title, article.text, language or article.language, path.name)


def fetch_article(settings: Settings, url: str) -> Article:
    """Fetch one page as a crawl would, robots.txt and all, and store nothing."""
    from crawler.reactor import run_on_reactor
    from tripoint.app.single_page import fetch_single_page

    found = run_on_reactor(lambda: fetch_single_page(settings, url))
    if isinstance(found, Article):
        return found
    raise UnavailableError(f"{url}: {found.reason}", "open it in a browser to see what is there")


def _score_lines(judge: Judge, name: str) -> bool:
    """Answer each line with a line; return whether all could be scored."""
    good = True
    with _opened(name) as (stream, total):
        numbered: Any = enumerate(stream, start=1)
        if total and sys.stderr.isatty() and not sys.stdout.isatty():
            numbered = track(numbered, total=total, console=err(), description="scoring")
        for number, line in numbered:
            answer = _score_line(judge, number, line)
            good = good and "error" not in answer
            print_json(answer)
    return good


@contextmanager
def _opened(name: str) -> Iterator[tuple[TextIO, int]]:
    if name == "-":
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        yield sys.stdin, 0
        return
    path = Path(name)
    try:
        with path.open(encoding="utf-8", errors="replace") as counted:
            total = sum(1 for _ in counted)
        with path.open(encoding="utf-8", errors="replace") as stream:
            yield stream, total
    except OSError as error:
        raise MendError(f"{name}: {error.strerror}", "name a file of JSON lines, or - for stdin") from error


def _score_line(judge: Judge, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"line {number} is no JSON: {one_line(str(error))}"}
    if not isinstance(row, dict):
        return {"id": None, "error": f"line {number} is no JSON object"}
    values = [row.get(key) or "" for key in ("title", "text", "lang")]
    if not all(isinstance(each, str) for each in values) or not any(values[:2]):
        return {"id": row.get("id"), "error": f"line {number} needs `title` or `text`, and both as text"}
    item = Input(nfc(values[0]), nfc(values[1]), values[2], row.get("id"))
    return _answer(judge, item, judge.assess(item.title, item.text, item.language))


def _answer(judge: Judge, item: Input, assessments: Sequence[Assessment]) -> dict[str, Any]:
    best = max(assessments, key=lambda each: each.score)
    spans = {Zone.TITLE: [(0, len(item.title))], Zone.TEXT: sentences(item.text)}
    texts = {Zone.TITLE: item.title, Zone.TEXT: item.text}
    hits = [
        {
            "concept": hit.concept,
            "facet": hit.facet,
            "zone": hit.zone,
            "surface": hit.surface,
            "start": hit.start,
            "end": hit.end,
            "sentence": texts[hit.zone][slice(*spans[hit.zone][hit.sentence])],
        }
        for hit in best.hits
    ]
    answer = {
        "id": item.id,
        "score": best.score,
        "relevant": best.relevant,
        "threshold": best.threshold,
        "margin": margin(best),
        "topic": best.topic,
        "facets": dict(best.facets),
        "shares": {each.feature: each.share for each in best.shares},
        "flips": [asdict(each) for each in flips(judge.topic(best.topic), best)],
        "hits": hits,
    }
    if best.note:
        answer["note"] = best.note
    if len(assessments) > 1:
        answer["topics"] = {each.topic: each.score for each in assessments}
    return answer


def _show(judge: Judge, item: Input, assessments: Sequence[Assessment]) -> None:
    console = out()
    for each in assessments:
        verdict = "relevant" if each.relevant else "not relevant"
        console.print(Text(f"{each.topic}: {each.score:.2f} — {verdict} (alerts from {each.threshold:.2f})", "bold"))
        if each.note:
            console.print(Text(f"  {each.note}"))
        facets = ", ".join(f"{name} {count}" for name, count in each.facets)
        console.print(Text(f"  concepts: {facets or 'none'}"))
        shares = ", ".join(f"{share.feature} {share.share:+.2f}" for share in each.shares if share.share)
        console.print(Text(f"  what made the score: {shares or 'nothing'}"))
        turning = "; ".join(flip.reason for flip in flips(judge.topic(each.topic), each)[:3])
        console.print(Text(f"  margin {margin(each):+.2f}; would flip: {turning or 'no single change'}"))
        for sentence in each.evidence:
            console.print(_highlighted(item, each, sentence.start, sentence.end))


def _highlighted(item: Input, assessment: Assessment, start: int, end: int) -> Text:
    shown = Text("  > ")
    position = start
    for hit in assessment.hits:
        if hit.zone is Zone.TEXT and start <= hit.start and hit.end <= end and hit.start >= position:
            shown.append(_spaced(item.text[position : hit.start]))
            shown.append(plain(hit.surface), style="bold yellow")
            position = hit.end
    return shown.append(_spaced(item.text[position:end]))


def _spaced(text: str) -> str:
    """Return a piece as one line that keeps the space at its ends."""
    if not text.strip():
        return " " if text else ""
    return f"{' ' * text[0].isspace()}{plain(text)}{' ' * text[-1].isspace()}"
