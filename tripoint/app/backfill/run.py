"""One run of a search of the past: builds what the engine needs, lets it work, and queues the summary."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from alerts.past import summary_alerts
from storage.backfill import Job
from tripoint.app.backfill.asked import Asked, build_providers, nothing_to_ask
from tripoint.app.backfill.engine import Engine, Limits, Tools, Watch
from tripoint.app.backfill.frontier import JobFrontier, JobIntake
from tripoint.app.backfill.memory import JobMemory, RunMemory
from tripoint.app.backfill.shelf import JobShelf
from tripoint.app.backfill.summary import story_lines
from tripoint.app.settings import Settings
from tripoint.domain.backfill import Wanted
from tripoint.domain.types import Hearing

if TYPE_CHECKING:
    from tripoint.app.wiring import Works

_FOREVER = timedelta(days=365 * 100)


async def run_job(
    settings: Settings,
    works: Works,
    job: Job,
    asked: Asked,
    wanted: Wanted,
    watch: Watch,
    stop: asyncio.Event,
    limit: int | None,
    alert: str,
) -> None:
    """Work through a job and tell what it found, as the person asked for."""
    from crawler.ask import AskSettings, opened_asker
    from crawler.crawl import Crawler
    from crawler.robots import RobotsCache
    from crawler.turns import Turns
    from tripoint.app.wiring import build_policy, crawl_settings, utc_now

    store, crawling = works.stores.backfill, replace(crawl_settings(settings), follow_links="none")
    told = build_policy(settings, works.seeds)
    always = build_policy(settings, works.seeds, _FOREVER)
    intake = JobIntake(
        works.quiet(told.who_must_hear),
        works.quiet(always.who_must_hear if alert == "instant" else lambda *_: Hearing()),
        watch.kept,
    )
    frontier = JobFrontier(works.writer, store, job.id, works.frontier, limit)
    robots_cache, turns = RobotsCache(utc_now), Turns()  # questions and pages go to the same hosts
    crawler = Crawler(crawling, works.extractor, frontier, intake, utc_now, robots_cache=robots_cache, turns=turns)
    asking = AskSettings(crawling, settings.backfill.retry_s)
    async with opened_asker(asking, works.frontier, robots_cache, turns, utc_now) as asker:
        tools = Tools(asker, crawler, works.extractor, intake, frontier, store, works.writer, utc_now)
        limits = Limits(settings.backfill.at_once, settings.backfill.batch)
        held = works.stores.held
        shelf = JobShelf(works.writer, held, job.id, wanted, works.judge, intake, frontier, watch, stop)
        engine = Engine(tools, job, wanted, watch, stop, limits)
        answers = works.stores.answers
        # Only Google News looks up what the archives said, and no other provider asks an address twice.
        is_kept = "google-news" in job.asked["via"]
        memory = JobMemory(utc_now, works.writer, answers, job.id) if is_kept else RunMemory(utc_now)
        providers = build_providers(settings, asked, works.extractor, shelf, memory)
        for line in nothing_to_ask(providers, wanted):
            watch.remark(line)
        await engine.run(providers)
        if not store.windows(job.id, only_open=True):
            await works.writer.do(partial(answers.forget, job.id))
    if alert == "summary" and not stop.is_set():
        await _tell(settings, works, job, asked)


async def _tell(settings: Settings, works: Works, job: Job, asked: Asked) -> None:
    """Queue one summary of what is new since the last one; nothing where nothing is."""
    from tripoint.app.wiring import utc_now

    store = works.stores.backfill
    articles = [each for each in store.relevant(job.id) if not each.was_known]
    lines = story_lines(articles)
    if not lines or not store.has_news(job.id):
        return
    title = f"Search of {asked.days}: {len(articles)} relevant reports of {len(lines)} stories"
    channels = [name for name, section in settings.channels.items() if section.enabled]
    alerts = summary_alerts(job.id, title, lines, articles[0].url, channels, utc_now())
    if await works.writer.do(partial(store.tell, job.id, alerts, utc_now())):
        works.courier.wake()
