"""The one place that sees every room: builds each object once and hands it to those that need it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from alerts.channels import Channel, Secret, open_channel
from alerts.courier import Courier, CourierReport, CourierSettings
from alerts.operator import source_alerts, template_alerts
from alerts.policy import Policy
from alerts.render import Renderer
from alerts.rhythm import rhythm_alerts
from alerts.together import digest_alert
from storage.alerts import AlertStore, Claim
from storage.answers import AnswerStore
from storage.articles import ArticleStore
from storage.backfill import BackfillStore
from storage.checks import CheckStore
from storage.clock import rewind
from storage.coverage import CoverageStore
from storage.database import Database, open_database
from storage.digests import DigestStore
from storage.escalation import EscalationStore
from storage.evidence import EvidenceStore
from storage.feedback import FeedbackStore
from storage.frontier import FrontierStore
from storage.health import HealthStore, SourceHealth
from storage.held import HeldStore
from storage.lock import Alone, Unwatched, instance_lock
from storage.pruning import PruneStore
from storage.retention import RetentionStore
from storage.rhythm import RhythmStore
from storage.scores import ScoreStore
from storage.search import SearchStore
from storage.service import AskStore, JobStore
from storage.stories import StoryStore
from storage.templates import TemplateStore
from storage.volume import VolumeStore
from tripoint.app.metrics import Metrics
from tripoint.app.policies import load_policies
from tripoint.app.pulse import Pulse
from tripoint.app.seeds import Seeds, load_seeds
from tripoint.app.settings import ChannelSection, Settings
from tripoint.app.upgrade_line import UpgradeLine
from tripoint.app.writer import Writer, WriterFrontier, WriterIntake, WriterOutbox
from tripoint.domain.addresses import AddressGuard
from tripoint.domain.cadence import Pace
from tripoint.domain.digests import Held
from tripoint.domain.errors import SettingsError
from tripoint.domain.policies import Policies
from tripoint.domain.templates import TemplateState
from tripoint.domain.types import Alert, Source
from tripoint.domain.urls import host
from tripoint.domain.wish import ALL, Wish
from tripoint.pipeline import Pipeline, WhoMustHear
from tripoint.relevance.assess import Judge
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.topic import Topic
from tripoint.stories.placement import Placer

if TYPE_CHECKING:
    from crawler.crawl import Crawler
    from crawler.extract.pool import ExtractionPool, ReadPage
    from crawler.settings import CrawlSettings

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return the time; the only clock that the rooms are given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """What the database holds, by aggregate."""

    database: Database
    articles: ArticleStore
    frontier: FrontierStore
    alerts: AlertStore
    feedback: FeedbackStore
    health: HealthStore
    coverage: CoverageStore
    stories: StoryStore
    backfill: BackfillStore
    held: HeldStore
    answers: AnswerStore
    evidence: EvidenceStore
    pruning: PruneStore
    scores: ScoreStore
    volume: VolumeStore
    search: SearchStore
    digests: DigestStore
    escalation: EscalationStore
    rhythms: RhythmStore
    templates: TemplateStore
    jobs: JobStore
    asks: AskStore
    retention: RetentionStore
    checks: CheckStore


@dataclass(frozen=True, slots=True)
class Due:
    """What there is to do now."""

    sources: tuple[Source, ...]
    listings: frozenset[str]
    gaps: frozenset[str] = frozenset()  #: listings of which blind stretches are to be repaired


@dataclass(slots=True)
class Works:
    """A running house: what `crawl` and `run` drive. Only `tripoint.app.reload` changes it."""

    seeds: Seeds
    stores: Stores
    crawler: Crawler
    courier: Courier
    writer: Writer
    operator: tuple[str, ...]  #: channels that hear of sources and of templates
    extractor: ExtractionPool
    frontier: WriterFrontier
    policies: Policies
    meter: Metrics  #: what was counted since the start
    pulse: Pulse  #: whether all of this is alive
    judge: Judge
    intake: WriterIntake
    clock: Callable[[], datetime]
    alone: Alone  #: the right to act on this database
    settings: Settings  #: in use

    def quiet(self, who: WhoMustHear) -> WriterIntake:
        """Return an intake with an alert policy of its own."""
        placer, articles = build_placer(self.seeds), self.stores.articles
        pipeline = Pipeline(self.judge, placer, articles, who, self.clock)
        return WriterIntake(self.writer, pipeline, self.courier.wake, self.meter)

    async def look_after(self, sources: Sequence[Source]) -> None:
        """Judge how sources do after they were read, and tell the operator of those that changed."""
        queued = [await self.writer.do(partial(self._look_after, each)) for each in sources]
        if any(queued):
            self.courier.wake()

    def _look_after(self, source: Source) -> int:
        def tell(health: SourceHealth) -> Sequence[Alert]:
            state = health.state
            return source_alerts(
                source, state, health.since, health.reason, is_blind=state.is_blind, channels=self.operator
            )

        listings = [url for _, url in source.listings]
        _, queued = self.stores.health.update(source.name, listings, self.clock(), tell)
        return queued

    async def tell_together(self, *, old_too: bool = False) -> int:
        """Queue the digests that are due, at the end of a pass the summary of what is old too; return how many."""
        now = self.clock()

        def tell(held: Held) -> Alert:
            return digest_alert(held, self.policies.rule(held.rule), now)

        queued = await self.writer.do(lambda: self.stores.digests.flush(now, tell, old_too=old_too))
        if queued:
            self.courier.wake()
        return queued

    async def listen_to_topics(self) -> int:
        """Judge whether more comes of each topic than usual, or nothing any more; return how many alerts tell of it."""
        queued = sum([await self.writer.do(partial(self._listen, each)) for each in self.seeds.topics])
        if queued:
            self.courier.wake()
        return queued

    def _listen(self, topic: Topic) -> int:
        return self.stores.rhythms.update(
            topic.name, self.clock(), lambda turn: rhythm_alerts(turn, topic.title, self.policies.rules)
        )

    async def escalate(self) -> int:
        """Queue for other channels what waits for one that stays down; return how many alerts that made."""
        now = self.clock()
        queued = await self.writer.do(lambda: self.stores.escalation.escalate(now, self.policies))
        if queued:
            self.courier.wake()
        return queued

    async def tell_of_templates(self) -> int:
        """Queue for the operator that a template of a person broke, or works again; return how many alerts tell it."""
        now, states = self.clock(), self.courier.renderer.try_templates()

        def tell(state: TemplateState, story: str) -> Sequence[Alert]:
            return template_alerts(state, story, now, self.operator)

        queued = await self.writer.do(lambda: self.stores.templates.note(states, tell))
        if queued:
            self.courier.wake()
        return queued

    async def deliver_now(self, stop: asyncio.Event) -> CourierReport:
        """Deliver once all that is due, and what goes to other channels in the place of one that does not accept."""
        await self.tell_of_templates()
        report = await self.courier.deliver_due(stop)
        if await self.escalate() + await self.tell_of_templates() or report.passed_on:
            report.outcomes += (await self.courier.deliver_due(stop)).outcomes
        return report

    async def still_alone(self) -> None:
        """Raise `LostLockError` where another process may have taken over."""
        if not isinstance(self.alone, Unwatched):
            await asyncio.to_thread(self.alone.check)

    async def send_again(self, claimed: Sequence[Claim], after_s: float) -> None:
        """Send again what a process had begun to send that has ended meanwhile without saying what became of it."""
        await asyncio.sleep(after_s)
        if await self.writer.do(lambda: self.stores.alerts.release(self.clock(), claimed)):
            self.courier.wake()

    async def mend_times(self) -> None:
        """Let nothing wait for what a clock that was ahead called the future."""
        now = self.clock()
        if back := await self.writer.do(lambda: rewind(self.stores.database, now)):
            log.warning(
                "the clock was set back: what waits comes %.0f s sooner than it was planned", back.total_seconds()
            )

    async def alerts_wait(self) -> bool:
        """Say whether an alert that another process queued is due."""
        due = await self.writer.do(lambda: self.stores.alerts.next_due(self.courier.channels))
        return due is not None and due <= self.clock()

    async def due(self, sources: Sequence[Source], busy: Set[str], wish: Wish = ALL, *, at_once: bool = False) -> Due:
        """Return the sources that have something to do now, of what is wished for, and which of their listings are due.

        What lives on a `busy` host is left out, and on one that asked to be left alone. First come those with nothing
        but known pages to read, then those whose listings have the shortest rhythm.
        """
        now = self.clock()
        free = [each for each in sources if each.enabled and not each.hosts & busy]
        return await self.writer.do(lambda: self._due(free, now, wish, at_once=at_once))

    def _due(self, sources: Sequence[Source], now: datetime, wish: Wish, *, at_once: bool) -> Due:
        frontier = self.stores.frontier
        held = frontier.held(now)
        listings = [url for each in sources for _, url in each.listings if host(url) not in held]
        due = frontier.due(listings, now, at_once=at_once) if wish.new else []
        gaps = frontier.gaps(now).intersection(listings) if wish.gaps else set()
        states = ("pending",) * wish.new + ("again",) * wish.again  # what a gap gave is read as what is new
        waiting = frontier.waiting(now, states) if states else set()
        asked = gaps.union(due)
        places = {url: number for number, url in enumerate(due)}
        chosen = [
            each
            for each in sources
            if any(url in asked for _, url in each.listings)
            or (each.name in waiting and host(each.homepage) not in held)
        ]
        chosen.sort(key=lambda each: min((places[url] for _, url in each.listings if url in places), default=-1))
        return Due(tuple(chosen), frozenset(due), frozenset(gaps))


def pace_of(settings: Settings) -> Pace:
    """Return how often listings are visited."""
    return Pace(settings.run.interval_s, settings.run.min_interval_s, settings.run.max_interval_s)


@contextmanager
def opened_stores(settings: Settings) -> Iterator[Stores]:
    """Open the database, migrated, and close it again."""
    database = open_database(settings.database_url, tell=UpgradeLine(sys.stderr))
    try:
        articles = ArticleStore(database, settings.crawl.revisit_h)
        frontier = FrontierStore(database, pace_of(settings), settings.crawl.max_waiting_per_host)
        yield Stores(
            database,
            articles,
            frontier,
            AlertStore(database),
            FeedbackStore(database),
            HealthStore(database),
            CoverageStore(database),
            StoryStore(database),
            BackfillStore(database),
            HeldStore(database),
            AnswerStore(database),
            EvidenceStore(database),
            PruneStore(database),
            ScoreStore(database),
            VolumeStore(database),
            SearchStore(database),
            DigestStore(database),
            EscalationStore(database),
            RhythmStore(database),
            TemplateStore(database),
            JobStore(database),
            AskStore(database),
            RetentionStore(database),
            CheckStore(database),
        )
    finally:
        database.close()


def build_judge(seeds: Seeds) -> Judge:
    """Return the assessor of all topics."""
    return Judge(seeds.topics, seeds.lexicon, LanguageGuesser())


def build_placer(seeds: Seeds) -> Placer:
    """Return what puts articles into stories."""
    return Placer(seeds.glossary, seeds.grouping, seeds.wires, seeds.countries, seeds.timezones)


def build_channels(
    settings: Settings, write: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> list[Channel]:
    """Return every channel that is enabled; raises `SettingsError` for one that cannot be."""
    guard = AddressGuard(settings.alerts.allowed_hosts, "alerts.allowed_hosts")
    return [
        open_channel(
            name,
            channel_url(name, section, environ),
            section.format,
            write,
            section.language,
            section.timezone,
            guard,
        )
        for name, section in settings.channels.items()
        if section.enabled
    ]


def build_renderer(settings: Settings, tell: Callable[[str], None] = log.error) -> Renderer:
    """Return what writes messages, by the templates and the public address of the settings."""
    return Renderer(settings.alerts.templates, settings.web.public_url, tell)


def channel_url(name: str, section: ChannelSection, environ: Mapping[str, str]) -> Secret:
    """Return the address of a channel; raises `SettingsError` where it has none, several, or one that is not there."""
    given = [bool(section.url), bool(section.url_env), section.url_file is not None]
    if sum(given) != 1:
        mend = "set exactly one of url_env and url_file (or url, for console:// alone)"
        raise SettingsError(f"channel `{name}` has {'no' if not any(given) else 'more than one'} address", mend)
    if section.url:
        return Secret(section.url)
    if section.url_env:
        if not environ.get(section.url_env):
            raise SettingsError(
                f"channel `{name}`: the variable {section.url_env} is not set", "set it, or see url_file"
            )
        return Secret(environ[section.url_env])
    try:
        return Secret(section.url_file.read_text(encoding="utf-8").strip() if section.url_file else "")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"channel `{name}`: cannot read {section.url_file}", "check url_file") from error


def build_policy(settings: Settings, seeds: Seeds, max_age: timedelta | None = None) -> Policy:
    """Return who hears what, by the rules of the seeds or of the file that the settings name.

    `max_age` takes the place of every rule's own.
    """
    rules = load_policies(settings, seeds).rules
    if max_age is not None:
        rules = tuple(replace(each, max_age=max_age) for each in rules)
    return Policy(rules, seeds.timezones)


def crawl_settings(settings: Settings) -> CrawlSettings:
    """Return the crawler's settings; the contact becomes part of the user agent."""
    from crawler.settings import CrawlSettings

    crawl = settings.crawl
    return CrawlSettings(
        user_agent=f"{crawl.user_agent} ({crawl.contact})" if crawl.contact else crawl.user_agent,
        delay_s=crawl.delay_s,
        concurrency=crawl.concurrency,
        per_host=crawl.per_host,
        timeout_s=crawl.timeout_s,
        max_page_bytes=crawl.max_page_bytes,
        max_pages_per_source=crawl.max_pages_per_source,
        max_new_per_run=crawl.max_new_per_run,
        section_pages=crawl.section_pages,
        follow_links=crawl.follow_links,
        links_per_article=crawl.links_per_article,
        obey_robots=crawl.obey_robots,
        allowed_hosts=tuple(crawl.allowed_hosts),
    )


@asynccontextmanager
async def opened_works(
    settings: Settings,
    write: Callable[[str], None],
    turn: Alone | None = None,
    *,
    alone: bool = True,
    clock: Callable[[], datetime] = utc_now,
    read: ReadPage | None = None,
) -> AsyncIterator[Works]:
    """Build everything that a crawl and its alerts need, alone on this database, and take it down again.

    One that is not `alone` fetches beside others: it sends nothing, and needs no channel's address. `read` takes the
    place of what reads a page in a worker, a function of a module. Who has its `turn` already leaves
    what another process was sending to `Works.send_again`: that one may live, and say what became of it.
    """
    # Scrapy and trafilatura take most of a second to load: `--help` should not wait for them, and the workers load
    # theirs while this process loads its own.
    from crawler.extract.pool import ExtractionPool, read_page_here

    meter = Metrics()
    meter.expect(name for name, section in settings.channels.items() if section.enabled)
    extractor = ExtractionPool(settings.crawl.workers, settings.crawl.extract_timeout_s, read or read_page_here, meter)
    try:
        from crawler.crawl import Crawler

        seeds = load_seeds(settings.seeds.folder)
        channels = build_channels(settings, write) if alone else []
        judge = build_judge(seeds)
        lock = instance_lock(settings.database_url) if alone and not turn else nullcontext(turn or Unwatched())
        with (
            opened_stores(settings) as stores,
            lock as right,
            closing(Writer(stores.database.together)) as writer,
        ):
            if alone and not turn:
                stores.alerts.release(clock())
            policies = load_policies(settings, seeds)
            renderer = build_renderer(settings)
            dice = random.Random()  # noqa: S311 - it spreads retries, and keeps no secret
            courier = Courier(
                WriterOutbox(writer, stores.alerts, policies, right.check),
                channels,
                courier_settings(settings),
                clock,
                dice,
                renderer,
                meter,
            )
            policy = build_policy(settings, seeds)
            pipeline = Pipeline(judge, build_placer(seeds), stores.articles, policy.who_must_hear, clock)
            frontier = WriterFrontier(writer, stores.frontier)
            intake = WriterIntake(writer, pipeline, courier.wake, meter)
            crawler = Crawler(
                crawl_settings(settings),
                extractor,
                frontier,
                intake,
                clock,
                meter,
            )
            gc.freeze()  # the lexicon and the libraries live as long as the process: never look through them again

            operator = operator_channels(settings)
            pulse = Pulse(writer, stores.database)
            works = Works(
                seeds,
                stores,
                crawler,
                courier,
                writer,
                operator,
                extractor,
                frontier,
                policies,
                meter,
                pulse,
                judge,
                intake,
                clock,
                right,
                settings,
            )
            # A reload puts others in their place, and this frame would hold these as long as the house lives.
            del seeds, judge, policy, policies, pipeline, intake, renderer, channels
            yield works
    finally:
        await asyncio.get_running_loop().run_in_executor(None, extractor.close)


def operator_channels(settings: Settings) -> tuple[str, ...]:
    """Return the channels that hear of sources; raises `SettingsError` for one that there is not."""
    known = [name for name, section in settings.channels.items() if section.enabled]
    unknown = [each for each in settings.alerts.operator if each not in known]
    if unknown:
        raise SettingsError(f"alerts.operator: there is no channel `{unknown[0]}`", f"known are {', '.join(known)}")
    return tuple(settings.alerts.operator or known)


def courier_settings(settings: Settings) -> CourierSettings:
    """Return how patiently alerts are delivered."""
    alerts = settings.alerts
    return CourierSettings(
        max_attempts=alerts.max_attempts, first_retry_s=alerts.first_retry_s, timeout_s=alerts.timeout_s
    )
