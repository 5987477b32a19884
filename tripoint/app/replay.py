"""Judging what is stored anew: what an edited topic would gain and lose, and taking it over without a word."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from storage.articles import ArticleStore, Rejudged, StoredArticle
from tripoint.app.calibrated import load_fitted
from tripoint.app.seeds import Seeds, packaged_seeds
from tripoint.domain.errors import Place, SeedError
from tripoint.domain.ports import Assessor
from tripoint.domain.seedfile import read_seed
from tripoint.domain.types import Article, Assessment, Hearing, Placement, PlacementKind
from tripoint.relevance.topic import Topic, parse_topic

_BATCH = 200
REPLACED = ".replaced"  # folder beside the topics' files; a dot keeps it from being read as seeds

WhoMustHear = Callable[[Placement, Article, Sequence[Assessment], datetime], Hearing]


@dataclass(frozen=True, slots=True)
class Change:
    """An article whose verdict turns."""

    article: StoredArticle
    before: float | None  #: score as stored, None where the topic never judged it
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a topic makes of the archive, beside what is stored."""

    topic: Topic
    articles: int
    relevant: int  #: of them, now
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Adopted:
    """What rescoring wrote."""

    articles: int
    alerts_queued: int


def read_topic(file: Path, seeds: Seeds, folder: Path | None, threshold: float | None = None) -> Topic:
    """Read an edited topic from a file of its own, with the lexicon and the fit of the seeds.

    Raises `SeedError` with file, line and mend.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeedError(Place(str(file)), f"cannot be read: {error}", "name a topic's .toml file, in UTF-8") from error
    if threshold is not None:
        text = with_key(text, "threshold", f"{threshold:g}")
    root = folder if folder is not None else packaged_seeds()
    return parse_topic(read_seed(str(file), text), seeds.lexicon, load_fitted(root, str(root)))


def compare(topic: Topic, assessor: Assessor, articles: Iterable[StoredArticle]) -> Comparison:
    """Judge stored articles by a topic, and set the verdicts beside those that are stored."""
    count = relevant = 0
    gained: list[Change] = []
    lost: list[Change] = []
    for stored in articles:
        article = stored.article
        now = next(
            each for each in assessor.assess(article.title, article.text, article.language) if each.topic == topic.name
        )
        before = next((each for each in stored.assessments if each.topic == topic.name), None)
        was_relevant = before is not None and before.relevant
        count += 1
        relevant += now.relevant
        if now.relevant != was_relevant:
            change = Change(stored, before.score if before else None, now.score)
            (gained if now.relevant else lost).append(change)
    return Comparison(topic, count, relevant, tuple(gained), tuple(lost))


def adopt(
    assessor: Assessor,
    store: ArticleStore,
    articles: Iterable[StoredArticle],
    who_must_hear: WhoMustHear | None,
    now: datetime,
) -> Adopted:
    """Write new verdicts on stored articles, batch by batch; tells nobody unless `who_must_hear` is given.

    Even then an alert is queued only for an article that was not relevant before, and never twice.
    """
    written = queued = 0
    for batch in _batches(articles):
        one, two = store.rejudge([_rejudged(assessor, stored, who_must_hear, now) for stored in batch])
        written, queued = written + one, queued + two
    return Adopted(written, queued)


def _rejudged(assessor: Assessor, stored: StoredArticle, who_must_hear: WhoMustHear | None, now: datetime) -> Rejudged:
    article = stored.article
    assessments = assessor.assess(article.title, article.text, article.language)
    hearing = Hearing()
    was_relevant = {each.topic for each in stored.assessments if each.relevant}
    if who_must_hear and (news := [each for each in assessments if each.topic not in was_relevant]):
        hearing = who_must_hear(Placement(stored.story, PlacementKind.NEW), article, news, now)
    return Rejudged(stored.id, stored.revision, assessments, hearing.alerts, hearing.rulings, now)


def _batches(articles: Iterable[StoredArticle]) -> Iterator[list[StoredArticle]]:
    walk = iter(articles)
    while batch := list(islice(walk, _BATCH)):
        yield batch


def with_topic(seeds: Seeds, topic: Topic) -> Seeds:
    """Return the seeds with a topic in the place of the one that has its name, or added."""
    others = [each for each in seeds.all_topics if each.name != topic.name]
    return replace(seeds, all_topics=(*others, replace(topic, is_enabled=True)))


def file_of(folder: Path, name: str) -> Path | None:
    """Return the file of the seeds folder that holds a topic."""
    for file in sorted((folder / "topics").glob("*.toml")):
        if tomllib.loads(file.read_text(encoding="utf-8")).get("name") == name:
            return file
    return None


def put(folder: Path, name: str, text: str) -> Path | None:
    """Write a topic's file in one step; return where the replaced one was kept, None if there was none."""
    target = file_of(folder, name) or folder / "topics" / f"{name}.toml"
    kept = None
    if target.exists() and target.read_text(encoding="utf-8") != text:
        kept = folder / "topics" / REPLACED / f"{name}.toml"
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(target.read_bytes())
    beside = target.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(target)
    return kept


def with_key(text: str, key: str, value: str) -> str:
    """Return a topic file's text with a key of its head set; comments and all else stay as they are."""
    lines = text.split("\n")
    head = next((place for place, line in enumerate(lines) if re.match(r"\s*\[", line)), len(lines))
    for place, line in enumerate(lines[:head]):
        if re.match(rf"\s*{key}\s*=", line):
            lines[place] = f"{key} = {value}"
            return "\n".join(lines)
    last = max((place for place, line in enumerate(lines[:head]) if re.match(r"\s*[\w-]+\s*=", line)), default=-1)
    # A list may run over several lines: what follows the last key up to its end belongs to it.
    while last >= 0 and last + 1 < head and lines[last + 1].strip() and not lines[last + 1].lstrip().startswith("#"):
        last += 1
    lines.insert(last + 1, f"{key} = {value}")
    return "\n".join(lines)
