"""The operations: what each is asked, and how it is answered from the archive. They read, and never write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from starlette.exceptions import HTTPException

from storage.alerts import AlertHistory
from storage.search import Order, SearchHit
from tripoint.app.telling import ToldStory, stories_since, telling_sentences, told_story
from tripoint.app.web.api import shapes
from tripoint.app.web.pages.articles import Verdict, whole_article
from tripoint.app.web.pages.sources import SourceRow, source_rows
from tripoint.app.web.parameters import Asked, Choice, Flag, Fraction, Moment, Parameter, Whole
from tripoint.app.web.rooms import Rooms
from tripoint.app.web.searching import LIMIT, OFFSET, ORDER, PARAMETERS, find, query_of
from tripoint.domain.types import AlertState, Report

_LIMIT = Whole("limit", "How many at most.", 50, 1, 500)
_DAYS = Whole("days", "How many days back from now.", 7, 1, 365)


@dataclass(frozen=True, slots=True)
class Operation:
    """One address of the API."""

    path: str  #: below /api/v1, with parts in braces
    name: str
    summary: str
    answer: type  #: of `shapes`
    work: Callable[[Rooms, Asked], object]  #: runs on a reader's thread
    parameters: tuple[Parameter, ...] = ()
    parts: tuple[tuple[str, str, str], ...] = ()  #: of the path: name, type, meaning


def _stories(rooms: Rooms, asked: Asked) -> shapes.StoriesAnswer:
    now = rooms.now()
    since = asked["since"] or now - timedelta(days=7)
    found = stories_since(rooms.seeds, rooms.stores, since, now, relevant_only=not asked["all"], limit=asked["limit"])
    return shapes.StoriesAnswer(tuple(_story_answer(each) for each in found))


def _story(rooms: Rooms, asked: Asked) -> shapes.WholeStoryAnswer:
    story = told_story(rooms.seeds, rooms.stores, asked["key"], rooms.now())
    sentences = [
        shapes.SentenceAnswer(each.report.article_id, each.report.language, each.marked.text, each.marked.spans)
        for each in telling_sentences(rooms.judge(), rooms.stores, story.reports)
    ]
    return shapes.WholeStoryAnswer(_story_answer(story), tuple(sentences))


def _story_answer(story: ToldStory) -> shapes.StoryAnswer:
    behind = story.behind
    return shapes.StoryAnswer(
        story=story.key,
        title=story.headline.title,
        first_seen=behind.first.seen_at,
        first_outlet=behind.first.outlet,
        corroboration=behind.line,
        independent=behind.independent,
        outlets=behind.outlets,
        countries=behind.countries,
        wires=behind.wires,
        languages=behind.languages,
        silent=behind.silent,
        reports=tuple(_report_answer(each) for each in story.reports),
    )


def _report_answer(report: Report) -> shapes.ReportAnswer:
    return shapes.ReportAnswer(
        article=report.article_id,
        source=report.source,
        outlet=report.outlet,
        language=report.language,
        title=report.title,
        url=report.url,
        published=report.published,
        seen=report.seen_at,
        placement=report.placement.value,
        copy_of=report.copy_of,
        what_is_new=report.what_is_new,
        is_material=report.is_material,
        because=report.because,
        wire=report.origin.wire if report.origin else None,
        is_relevant=report.is_relevant,
    )


def _article(rooms: Rooms, asked: Asked) -> shapes.ArticleAnswer:
    number = asked["number"]
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise HTTPException(404)
    found = whole_article(rooms, int(number))
    stored, article = found.stored, found.stored.article
    return shapes.ArticleAnswer(
        id=stored.id,
        story=stored.story,
        url=article.url,
        source=article.source,
        outlet=article.outlet,
        language=article.language,
        title=article.title,
        text=article.text,
        authors=article.authors,
        published=article.published,
        date_only=article.date_only,
        first_seen=stored.first_seen_at,
        revision=stored.revision,
        assessments=tuple(_assessment_answer(each) for each in found.verdicts),
    )


def _assessment_answer(verdict: Verdict) -> shapes.AssessmentAnswer:
    now = verdict.now
    return shapes.AssessmentAnswer(
        topic=now.topic,
        score=now.score,
        stored_score=verdict.stored.score if verdict.stored else None,
        threshold=now.threshold,
        relevant=now.relevant,
        note=now.note,
        shares=tuple(shapes.ShareAnswer(each.feature, each.value, each.share) for each in now.shares),
        hits=tuple(
            shapes.HitAnswer(each.concept, each.facet, each.zone.value, each.surface, each.start, each.end)
            for each in now.hits
        ),
        flips=tuple(each.reason for each in verdict.flips),
        feedback=verdict.said,
    )


def _search(rooms: Rooms, asked: Asked) -> shapes.SearchAnswer:
    order = Order(asked["order"] or Order.BEST)
    found = find(rooms, query_of(asked, order, asked["limit"], asked["offset"]))
    after = asked["offset"] + asked["limit"]
    return shapes.SearchAnswer(
        tuple(_found_answer(each) for each in found.hits), after if found.is_more else None, found.all_ranked
    )


def _found_answer(hit: SearchHit) -> shapes.FoundAnswer:
    return shapes.FoundAnswer(
        id=hit.article_id,
        story=hit.story,
        source=hit.source,
        outlet=hit.outlet,
        language=hit.language,
        title=hit.title.text,
        url=hit.url,
        published=hit.published,
        first_seen=hit.first_seen_at,
        score=hit.score,
        is_relevant=hit.is_relevant,
        snippet=hit.snippet.text,
        marks=hit.snippet.spans,
    )


def _volume(rooms: Rooms, asked: Asked) -> shapes.VolumeAnswer:
    days = rooms.stores.volume.by_day(rooms.now().date(), asked["days"])
    return shapes.VolumeAnswer(
        tuple(shapes.DayAnswer(each.date, each.articles, each.relevant, each.stories) for each in days)
    )


def _sources(rooms: Rooms, asked: Asked) -> shapes.SourcesAnswer:
    return shapes.SourcesAnswer(tuple(_source_answer(each) for each in source_rows(rooms, asked["days"])))


def _source(rooms: Rooms, asked: Asked) -> shapes.SourceAnswer:
    for row in source_rows(rooms, asked["days"]):
        if row.source.name == asked["name"]:
            return _source_answer(row)
    raise HTTPException(404)


def _source_answer(row: SourceRow) -> shapes.SourceAnswer:
    source, health = row.source, row.health
    return shapes.SourceAnswer(
        name=source.name,
        outlet=source.outlet,
        language=source.language,
        country=source.country,
        homepage=source.homepage,
        state=row.state,
        since=health.since if health else None,
        reason=health.reason if health else "",
        share_seen=row.share,
        coverage=tuple(
            shapes.StretchAnswer(each.span.start, each.span.until, each.span.is_seen, each.span.reason)
            for each in row.cells
        ),
    )


def _alerts(rooms: Rooms, asked: Asked) -> shapes.AlertsAnswer:
    state = AlertState(asked["state"]) if asked["state"] else None
    found = rooms.stores.alerts.history(state=state, since=asked["since"], limit=asked["limit"])
    return shapes.AlertsAnswer(tuple(_alert_answer(each) for each in found))


def _alert_answer(history: AlertHistory) -> shapes.AlertAnswer:
    queued = history.queued
    key, evidence = queued.alert.key, queued.alert.evidence
    return shapes.AlertAnswer(
        id=queued.id,
        story=key.story,
        rule=key.rule,
        channel=key.channel,
        kind=key.kind,
        state=queued.state.value,
        title=evidence.title,
        outlet=evidence.outlet,
        url=evidence.url,
        topic=evidence.topic,
        score=evidence.score,
        queued=queued.alert.queued_at,
        sent=history.sent_at,
        attempts=tuple(
            shapes.AttemptAnswer(each.attempt, each.at, each.outcome.value, each.detail) for each in history.deliveries
        ),
    )


def _topics(rooms: Rooms, asked: Asked) -> shapes.TopicsAnswer:
    del asked
    return shapes.TopicsAnswer(
        tuple(
            shapes.TopicAnswer(each.name, each.title, each.languages, each.threshold, each.version)
            for each in rooms.seeds.topics
        )
    )


def _threshold(rooms: Rooms, asked: Asked) -> shapes.ThresholdAnswer:
    topic = next((each for each in rooms.seeds.topics if each.name == asked["topic"]), None)
    if topic is None:
        raise HTTPException(404)
    at = topic.threshold if asked["threshold"] is None else asked["threshold"]
    since = rooms.now() - timedelta(days=asked["days"])
    turned = rooms.stores.scores.at_threshold(topic.name, at, since, limit=0)
    return shapes.ThresholdAnswer(
        topic.name, at, turned.judged, turned.relevant, turned.would_be, turned.gained, turned.lost
    )


OPERATIONS = (
    Operation(
        "/stories",
        "listStories",
        "Stories with a report since a moment, the one with the newest report first.",
        shapes.StoriesAnswer,
        _stories,
        (
            Moment("since", "Only stories with a report since then: 24h, 7d, or a time. Seven days if not given."),
            Flag("all", "Also what was judged irrelevant."),
            _LIMIT,
        ),
    ),
    Operation(
        "/stories/{key}",
        "getStory",
        "One story with its reports and its telling sentences.",
        shapes.WholeStoryAnswer,
        _story,
        parts=(("key", "string", "Key of a story, or its beginning, or the number of an article."),),
    ),
    Operation(
        "/articles/{number}",
        "getArticle",
        "One article: text, judgements with hits and shares of the score, and what a reader said.",
        shapes.ArticleAnswer,
        _article,
        parts=(("number", "integer", "Number of an article."),),
    ),
    Operation(
        "/search",
        "search",
        "Articles that hold what is looked for, with a snippet.",
        shapes.SearchAnswer,
        _search,
        (*PARAMETERS, ORDER, LIMIT, OFFSET),
    ),
    Operation(
        "/volume",
        "getVolume",
        "How much came on each day.",
        shapes.VolumeAnswer,
        _volume,
        (Whole("days", "How many days, today the last.", 30, 1, 365),),
    ),
    Operation("/sources", "listSources", "Sources with health and coverage.", shapes.SourcesAnswer, _sources, (_DAYS,)),
    Operation(
        "/sources/{name}",
        "getSource",
        "One source with health and coverage.",
        shapes.SourceAnswer,
        _source,
        (_DAYS,),
        (("name", "string", "Name of a source."),),
    ),
    Operation(
        "/alerts",
        "listAlerts",
        "Alerts with every attempt, newest first.",
        shapes.AlertsAnswer,
        _alerts,
        (
            Choice("state", "Only alerts in this state.", tuple(each.value for each in AlertState)),
            Moment("since", "Only alerts queued since then: 24h, 7d, or a time."),
            _LIMIT,
        ),
    ),
    Operation("/topics", "listTopics", "The topics that are watched.", shapes.TopicsAnswer, _topics),
    Operation(
        "/topics/{topic}/threshold",
        "tryThreshold",
        "What another threshold would change, from the stored scores.",
        shapes.ThresholdAnswer,
        _threshold,
        (Fraction("threshold", "The threshold to try; that of the topic if not given."), _DAYS),
        (("topic", "string", "Name of a topic."),),
    ),
)
