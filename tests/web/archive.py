"""An archive to look at: the desk's articles over ten days, hostile ones among them, with alerts, visits and edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.policy import Policy
from tests.newsroom import DeskOutlet
from tripoint.app.seeds import Seeds
from tripoint.app.wiring import Stores, build_judge, build_placer
from tripoint.domain.health import HealthState
from tripoint.domain.policies import Rule
from tripoint.domain.text import content_hash, nfc
from tripoint.domain.types import (
    AlertState,
    Article,
    Candidate,
    Delivery,
    Found,
    Outcome,
    Poll,
    PollStatus,
    Source,
)
from tripoint.pipeline import Pipeline

HOSTILE = (
    '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">',
    "{{ 7 * 7 }}{% raw %} ${jndi:ldap://127.0.0.1/a} \u202egnp.exe\u202c",
    '"><svg onload=document.title="owned"> & <b>Pakistan</b> javascript:alert(1)',
)
"""Titles of articles that would like to be more than text."""

_SAID = (
    "Pakistan and Russia on Monday agreed to train Pakistani officers at Russian military academies. "
    "The agreement was signed by the two defence ministries in Rawalpindi.\n"
    "<iframe src='/login'></iframe> Pakistan Army officers will join a joint exercise with Russian troops.\n"
)


def sources_of(desk: Sequence[DeskOutlet]) -> tuple[Source, ...]:
    """Return the catalogue of the written outlets, and one that is hostile."""
    found = [
        Source(
            each.outlet.name,
            each.outlet.title,
            each.outlet.language,
            each.outlet.country,
            each.outlet.timezone,
            f"https://{each.outlet.name}.example/",
            feeds=(f"https://{each.outlet.name}.example/rss.xml",),
        )
        for each in desk
    ]
    hostile = replace(found[0], name="hostile", outlet="<b>Hostile & Sons</b>", homepage="https://hostile.example/")
    return (*found, replace(hostile, feeds=("https://hostile.example/rss.xml",)))


def fill(seeds: Seeds, stores: Stores, desk: Sequence[DeskOutlet], now: datetime, *, hostile: bool = True) -> None:
    """Put everything into the archive, as it would have come; what is hostile only if it is wanted."""
    clock = [now]
    rule = Rule("relevant", ("desk", "chat"), timedelta(days=30))
    policy = Policy([rule], seeds.timezones)
    pipeline = Pipeline(
        build_judge(seeds), build_placer(seeds), stores.articles, policy.who_must_hear, lambda: clock[0]
    )
    articles = [*_articles(desk, now), *(_hostile(desk, now) if hostile else [])]
    for article in sorted(articles, key=lambda each: each.fetched_at):
        clock[0] = article.fetched_at
        candidate = Candidate(article.url, article.source, Found.FEED, article.fetched_at, article.title)
        pipeline.article(candidate, article)
    _edit_one(pipeline, stores, clock, now)
    _deliver(stores, now, "403: <script>alert(1)</script> no such room" if hostile else "403: no such room")
    _visit(stores, seeds, now)


def _articles(desk: Sequence[DeskOutlet], now: datetime) -> list[Article]:
    """Return the desk's articles: each event on its own day, its reports some hours apart."""
    found = []
    events = sorted({page.event for outlet in desk for page in outlet.pages})
    for place, outlet in enumerate(desk):
        for page in outlet.pages:
            if page.kind != "article":
                continue
            number = events.index(page.event)
            seen = now - timedelta(hours=5 + 11 * (number % 26) - place, minutes=number)
            title, text = nfc(page.page.title), nfc("\n".join(page.paragraphs))
            url = f"https://{outlet.outlet.name}.example{page.page.path}"
            found.append(_article(url, title, text, outlet.outlet.language, outlet, page.authors, seen))
    return found


def _hostile(desk: Sequence[DeskOutlet], now: datetime) -> list[Article]:
    found = []
    for place, title in enumerate(HOSTILE):
        url = f"https://hostile.example/{place}?a='\"><script>"
        text = f"{_SAID}{title}"
        seen = now - timedelta(minutes=20 + place)
        article = _article(url, title, text, "en", desk[0], ('<i>"A" & B</i>',), seen)
        found.append(replace(article, outlet="<b>Hostile & Sons</b>", source="hostile"))
    return found


def _article(
    url: str, title: str, text: str, language: str, outlet: DeskOutlet, authors: tuple[str, ...], seen: datetime
) -> Article:
    return Article(
        url=url,
        canonical_url=url,
        title=title,
        text=text,
        published=seen - timedelta(minutes=25),
        language=language,
        authors=authors,
        outlet=outlet.outlet.title,
        source=outlet.outlet.name,
        content_hash=content_hash(title, text),
        fetched_at=seen,
    )


def _edit_one(pipeline: Pipeline, stores: Stores, clock: list[datetime], now: datetime) -> None:
    """Let an outlet change an article that it published."""
    first = next(each for each in stores.articles.recent(100, relevant_only=True) if each.article.source != "hostile")
    article = first.article
    text = article.text + "\nThe two sides will meet again in Moscow in spring, an official said."
    clock[0] = now - timedelta(minutes=5)
    changed = replace(article, text=text, content_hash=content_hash(article.title, text), fetched_at=clock[0])
    pipeline.article(Candidate(article.url, article.source, Found.FEED, clock[0]), changed)


def _deliver(stores: Stores, now: datetime, refusal: str) -> None:
    claimed = stores.alerts.claim(now, ("desk", "chat"), 1000)
    for number, each in enumerate(claimed):
        at = each.alert.queued_at + timedelta(seconds=4)
        if each.alert.key.channel == "chat" and number % 5 == 1:
            bad = Delivery(each.id, 1, at, Outcome.PERMANENT, refusal)
            stores.alerts.settle(bad, AlertState.DEAD, at)
            continue
        if number % 4 == 2:
            late = Delivery(each.id, 1, at, Outcome.TRANSIENT, "421: try later")
            stores.alerts.settle(late, AlertState.PENDING, at + timedelta(seconds=30))
        attempt = 2 if number % 4 == 2 else 1
        stores.alerts.settle(Delivery(each.id, attempt, at, Outcome.ACCEPTED, "250: ok"), AlertState.SENT, at)


def _visit(stores: Stores, seeds: Seeds, now: datetime) -> None:
    """Visit each listing every two hours for three days; one fails in the end, one drops entries once."""
    for place, source in enumerate(seeds.sources):
        kind, url = source.listings[0]
        for step in range(36, -1, -1):
            at = now - timedelta(hours=2 * step)
            poll = Poll(url, source.name, kind, at, PollStatus.READ, listed=2)
            if place == 1 and step < 8:
                poll = replace(poll, status=PollStatus.FAILED, listed=0, error="HTTP 503")
            fresh = 2 if step == 36 or (place == 2 and step == 20) else 1
            entries = [_candidate(source, url, step * 2 + extra, at) for extra in range(fresh)]
            known = [] if fresh == 2 else [_candidate(source, url, 72, at)]
            stores.frontier.record_poll(poll, [*entries, *known] if poll.status is PollStatus.READ else [])
        stores.health.update(source.name, [url], now, lambda _: ())
    assert HealthState.FAILING in {each.state for each in stores.health.everything().values()}


def _candidate(source: Source, listing: str, number: int, at: datetime) -> Candidate:
    return Candidate(f"{listing}/entry-{number}", source.name, Found.FEED, at)
