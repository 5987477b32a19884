"""Taking over edited seeds and settings while running: all of it is read and built first, and only then put in use."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from pydantic import BaseModel

from alerts.channels import Channel
from alerts.render import Renderer
from tripoint.app.asked import AskDesk
from tripoint.app.hidden import secrets_of
from tripoint.app.logs import SERVICE, installed
from tripoint.app.policies import load_policies
from tripoint.app.seeds import Seeds, changed_parts, choose, load_seeds
from tripoint.app.settings import Settings
from tripoint.app.wiring import (
    Works,
    build_channels,
    build_judge,
    build_placer,
    build_policy,
    build_renderer,
    courier_settings,
    crawl_settings,
    operator_channels,
    pace_of,
)
from tripoint.app.writer import WriterOutbox
from tripoint.domain.errors import TripointError
from tripoint.domain.policies import Policies
from tripoint.domain.service import AskVerb
from tripoint.domain.text import one_line
from tripoint.domain.types import Source
from tripoint.pipeline import Pipeline, WhoMustHear
from tripoint.relevance.assess import Judge
from tripoint.stories.placement import Placer

log = logging.getLogger(__name__)

NEEDS_RESTART = (
    "database",
    "crawl.workers",
    "crawl.concurrency",
    "run.stop_within_s",
    "run.timezone",
    "run.fetchers",
    "run.standby",
    "run.worker_at_once",
    "run.worker_silent_s",
    "web",
)
"""Settings, or whole sections of them, that a running service cannot take over."""

_FOLLOW_S = 5.0  # between two looks whether the service reloaded


@dataclass(frozen=True, slots=True)
class Plan:
    """What edited seeds and settings come to, built and not in use yet."""

    settings: Settings
    seeds: Seeds
    sources: tuple[Source, ...]  #: that are watched
    policies: Policies
    who_must_hear: WhoMustHear
    channels: tuple[Channel, ...]
    renderer: Renderer
    operator: tuple[str, ...]
    judge: Judge
    placer: Placer


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload changed. Keys of settings are told and never their values, which may be secrets."""

    settings: tuple[str, ...] = ()  #: that hold from now on
    seeds: tuple[str, ...] = ()  #: a line for each part that changed
    needs_restart: tuple[str, ...] = ()  #: settings that hold only after the next start

    def __str__(self) -> str:
        parts = [", ".join(each) for each in (self.settings, self.seeds) if each]
        said = f"reloaded: {'; '.join(parts)}" if parts else "reloaded: nothing of what can change while running did"
        if self.needs_restart:
            said += f"; only after a restart: {', '.join(self.needs_restart)}"
        return said


@dataclass(slots=True)
class Reloader:
    """Reads seeds and settings anew when asked to, one time after another."""

    works: Works
    settings: Settings  #: in use
    read: Callable[[], Settings]  #: reads the settings again, by the options of the start
    names: Sequence[str]  #: sources that the start was limited to
    write: Callable[[str], None]  #: what a console channel writes with
    begins: Callable[[], None] = lambda: None
    ends: Callable[[], None] = lambda: None  #: also after what was refused
    sends: bool = True  #: whether this process has channels; one without needs nobody's address
    hear: Sequence[Callable[[Plan], None]] = ()  #: who else takes a plan over, last
    _at_start: Settings = field(init=False)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._at_start = self.settings

    async def reload(self) -> Reloaded:
        """Take over what was edited; raises `MendError`, and nothing has changed, where a file cannot be used."""
        async with self._turn:
            self.begins()
            try:
                return await self._reload()
            except TripointError as error:
                log.error("not reloaded, all goes on as before: %s", one_line(str(error)))
                raise
            finally:
                self.ends()

    async def _reload(self) -> Reloaded:
        plan = await asyncio.get_running_loop().run_in_executor(None, self._plan)
        told = self._told(plan)
        self._put_in_use(plan)
        logging.getLogger(SERVICE).info("%s", told)
        return told

    def _plan(self) -> Plan:
        settings = self.read()
        seeds = load_seeds(settings.seeds.folder)
        return Plan(
            settings,
            seeds,
            tuple(choose(seeds.sources, self.names)),
            load_policies(settings, seeds),
            build_policy(settings, seeds).who_must_hear,
            tuple(build_channels(settings, self.write)) if self.sends else (),
            build_renderer(settings),
            operator_channels(settings),
            build_judge(seeds),
            build_placer(seeds),
        )

    def _put_in_use(self, plan: Plan) -> None:
        works, stores = self.works, self.works.stores
        stores.frontier.renew(pace_of(plan.settings), plan.settings.crawl.max_waiting_per_host)
        stores.articles.renew(plan.settings.crawl.revisit_h)
        works.intake.renew(Pipeline(plan.judge, plan.placer, stores.articles, plan.who_must_hear, works.clock))
        works.crawler.renew(crawl_settings(plan.settings))
        works.extractor.renew(plan.settings.crawl.extract_timeout_s)
        works.meter.expect(each.name for each in plan.channels)
        outbox = WriterOutbox(works.writer, stores.alerts, plan.policies, works.alone.check)
        works.courier.renew(outbox, plan.channels, courier_settings(plan.settings), plan.renderer)
        works.seeds, works.policies, works.judge, works.operator = plan.seeds, plan.policies, plan.judge, plan.operator
        if logs := installed():
            logs.hider.learn(secrets_of(plan.settings))
        self.settings = works.settings = plan.settings
        for each in self.hear:
            each(plan)
        # The old lexicon goes, and the new one is never looked through again.
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _told(self, plan: Plan) -> Reloaded:
        fresh = [key for key in differences(self.settings, plan.settings) if not _is_fixed(key)]
        fixed = [key for key in differences(self._at_start, plan.settings) if _is_fixed(key)]
        return Reloaded(tuple(fresh), tuple(_changes(self.works.seeds, plan.seeds)), tuple(fixed))


def reload_when_asked(reloader: Reloader, desk: AskDesk) -> None:
    """Reload when another process asks for it, and on SIGHUP; to be called on the loop."""

    async def answer(_argument: str) -> str:
        return json.dumps(asdict(await reloader.reload()))

    async def tell_workers() -> None:
        told = json.dumps(asdict(await reloader.reload()))
        works = reloader.works
        await works.writer.do(lambda: works.stores.asks.note(AskVerb.RELOAD, works.clock(), told))

    desk.serve(AskVerb.RELOAD, answer)
    on_hangup(tell_workers)


def on_hangup(reload: Callable[[], Awaitable[object]]) -> None:
    """Reload on SIGHUP, where there is one; to be called on the loop."""
    if not hasattr(signal, "SIGHUP"):
        return
    under_way: set[asyncio.Future[object]] = set()

    def begin() -> None:
        task = asyncio.ensure_future(reload())
        under_way.add(task)
        task.add_done_callback(ended)

    def ended(task: asyncio.Future[object]) -> None:
        under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, TripointError):
            log.error("the reload failed, all goes on as before", exc_info=error)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)


async def follow(reloader: Reloader, since: datetime) -> None:
    """Reload each time after the service did, as long as this runs: a worker's seeds are to be those of the service.

    What it did `since` then counts: this process may have read its seeds before or after.
    """
    last, known = reloader.works.stores.asks.last_done, 0
    while True:
        try:
            done = await asyncio.to_thread(last, AskVerb.RELOAD)
            if done is not None and done.id > known:
                known = done.id
                if (done.answered_at or since) >= since:
                    await reloader.reload()
        except TripointError as error:  # told by who reloads; what cannot be read now is read at the next look
            log.debug("did not follow a reload: %s", one_line(str(error)))
        await asyncio.sleep(_FOLLOW_S)


def _is_fixed(key: str) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in NEEDS_RESTART)


def differences(old: Settings, new: Settings) -> Iterator[str]:
    """Yield the keys of settings that differ, such as `crawl.delay_s`; a channel counts as one key."""
    for section in Settings.model_fields:
        was, now = getattr(old, section), getattr(new, section)
        if isinstance(was, BaseModel):
            keys = type(was).model_fields
            yield from (f"{section}.{key}" for key in keys if getattr(was, key) != getattr(now, key))
        else:
            yield from (f"{section}.{key}" for key in sorted({*was, *now}) if was.get(key) != now.get(key))


_COUNTED = ("sources", "topics")


def _changes(old: Seeds, new: Seeds) -> Iterator[str]:
    if said := _counted({each.name: each for each in old.sources}, {each.name: each for each in new.sources}):
        yield f"sources ({said})"
    was, now = ({each.name: each.version for each in seeds.topics} for seeds in (old, new))
    if said := _counted(was, now):
        yield f"topics ({said})"
    yield from (each for each in changed_parts(old, new) if each not in _COUNTED)


def _counted(old: Mapping[str, object], new: Mapping[str, object]) -> str:
    """Return how many entries were added, changed and removed; empty for none."""
    counts = {
        "added": len(new.keys() - old.keys()),
        "changed": sum(old[each] != new[each] for each in old.keys() & new.keys()),
        "removed": len(old.keys() - new.keys()),
    }
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number)
