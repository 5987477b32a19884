"""One article: its text with the hits marked, its score taken apart, its revisions, and what readers say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from storage.alerts import KeptRuling
from storage.articles import StoredArticle
from tripoint.app.web.csrf import checked_form
from tripoint.app.web.rendering import Part, parts_of, render
from tripoint.app.web.rooms import Rooms, rooms_of
from tripoint.domain.types import Assessment, Hit, Zone
from tripoint.relevance.explain import Flip, flips, margin
from tripoint.stories.edits import Edit, edit

_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one topic makes of an article."""

    stored: Assessment | None  #: as it was judged when it came, None where the topic came later
    now: Assessment  #: by the topic and lexicon of today
    title: str  #: of the topic
    margin: float
    flips: tuple[Flip, ...]
    said: bool | None  #: what a reader said: relevant or not

    @property
    def is_stale(self) -> bool:
        """Whether the topic or the lexicon changed since it was judged."""
        return self.stored is None or abs(self.stored.score - self.now.score) > 0.0005


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is shown of an article."""

    stored: StoredArticle
    verdicts: tuple[Verdict, ...]
    title: tuple[Part, ...]
    paragraphs: tuple[tuple[Part, ...], ...]
    edits: tuple[tuple[int, Edit], ...]  #: number of the revision that an edit made
    rulings: tuple[KeptRuling, ...]  #: why it was told or not, to whom and by which rule


async def one(request: Request) -> Response:
    """Show one article."""
    rooms = rooms_of(request)
    number = _number(request)
    found = await rooms.reader.do(lambda: whole_article(rooms, number))
    return await render(request, "article.html", found=found, article=found.stored.article, said=request.query_params)


def whole_article(rooms: Rooms, number: int) -> Whole:
    """Read and judge an article; raises the answer 404 for a number that none has."""
    stored = rooms.stores.articles.get(number)
    if stored is None:
        raise HTTPException(404)
    article = stored.article
    judged = rooms.judge().assess(article.title, article.text, article.language)
    said = rooms.stores.feedback.of_article(number)
    verdicts = tuple(_verdict(rooms, stored, each, said.get(each.topic)) for each in judged)
    best = max(judged, key=lambda each: each.score)
    hits = {zone: [each for each in best.hits if each.zone is zone] for zone in Zone}
    return Whole(
        stored,
        verdicts,
        tuple(parts_of(article.title, hits[Zone.TITLE])),
        tuple(_paragraphs(article.text, hits[Zone.TEXT])),
        tuple(_edits(rooms.stores.articles.revisions(number))),
        tuple(rooms.stores.alerts.rulings(number)),
    )


def _verdict(rooms: Rooms, stored: StoredArticle, now: Assessment, said: bool | None) -> Verdict:
    before = next((each for each in stored.assessments if each.topic == now.topic), None)
    topic = rooms.judge().topic(now.topic)
    return Verdict(before, now, topic.title, margin(now), flips(topic, now), said)


def _paragraphs(text: str, hits: Sequence[Hit]) -> list[tuple[Part, ...]]:
    found = []
    at = 0
    for line in text.split("\n"):
        if line.strip():
            inside = [each for each in hits if at <= each.start and each.end <= at + len(line)]
            found.append(tuple(parts_of(line, inside, at)))
        at += len(line) + 1
    return found


def _edits(revisions: Sequence[tuple[int, str, str]]) -> list[tuple[int, Edit]]:
    return [
        (after[0], edit(f"{before[1]}\n{before[2]}", f"{after[1]}\n{after[2]}"))
        for before, after in pairwise(revisions)
    ]


async def feedback(request: Request) -> Response:
    """Take down what a reader says of an article, and show the article again."""
    rooms = rooms_of(request)
    number = _number(request)
    form = await checked_form(request)
    topic, verdict = _text(form, "topic"), _text(form, "verdict")
    if topic not in {each.name for each in rooms.seeds.topics} or verdict not in {"relevant", "irrelevant", "forget"}:
        raise HTTPException(400)
    if verdict == "forget":
        await rooms.writer.do(lambda: rooms.stores.feedback.forget(number, topic))
    else:
        note = _text(form, "note")[:_LONGEST_NOTE]
        is_relevant, at = verdict == "relevant", rooms.now()
        known = await rooms.writer.do(
            lambda: rooms.stores.feedback.record(number, topic, relevant=is_relevant, note=note, at=at)
        )
        if not known:
            raise HTTPException(404)
    return RedirectResponse(f"/articles/{number}?thanks={verdict}#feedback", 303)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _number(request: Request) -> int:
    text: str = request.path_params["number"]
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(404)
    return int(text)


ROUTES = (Route("/articles/{number}", one), Route("/articles/{number}/feedback", feedback, methods=["POST"]))
