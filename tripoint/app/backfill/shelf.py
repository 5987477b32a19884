"""Keeping what a provider holds itself: what is wanted of it, each page once, and how far its file is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from crawler.report import Event, Result
from storage.held import HeldPage, HeldStore
from tripoint.app.backfill.engine import Watch
from tripoint.app.backfill.frontier import JobFrontier
from tripoint.app.writer import Writer
from tripoint.domain.backfill import Held, Shard, Wanted
from tripoint.domain.ports import Assessor, Intake
from tripoint.domain.text import fold, strip_marks


class JobShelf:
    """Takes in articles for one job.

    An outlet of the catalogue is read as ever. Of one that nobody chose to read, only what was looked for is kept.
    """

    def __init__(
        self,
        writer: Writer,
        store: HeldStore,
        job: int,
        wanted: Wanted,
        assessor: Assessor,
        intake: Intake,
        frontier: JobFrontier,
        watch: Watch,
        stop: asyncio.Event,
    ) -> None:
        self._writer = writer
        self._store = store
        self._job = job
        self._known = {each.name for each in wanted.sources}
        self._languages = frozenset(wanted.languages)
        self._words = [_plain(each) for each in wanted.words]
        self._assessor = assessor
        self._intake = intake
        self._frontier = frontier
        self._watch = watch
        self._stop = stop

    @property
    def is_over(self) -> bool:
        """Return whether the run was stopped, or as many pages were kept as it may."""
        return self._stop.is_set() or self._frontier.is_spent

    async def take(self, shard: Shard, held: Sequence[Held], cursor: str, share: float) -> None:
        """Keep what is wanted, then the cursor; a kill between the two costs the same pages another look."""
        if held:
            wanted = await self._writer.do(partial(self._wanted, held))
            stored = await self._writer.do(
                partial(self._store.enter, self._job, shard, [_row(each) for each in wanted])
            )
            fresh = [each for each in wanted if each.article.canonical_url not in stored]
            some = fresh[: 0 if self._stop.is_set() else self._frontier.room(len(fresh))]
            # Together they share a transaction; the writer takes them in this order.
            await asyncio.gather(*(self._intake.article(each.candidate, each.article, each.page) for each in some))
            self._frontier.spend(len(some))
            for each in some:
                self._watch.page(Event(Result.ARTICLE, each.candidate.source, each.article.url, each.article.title))
            if len(some) < len(fresh):
                return  # without the cursor: the next run looks at these again
        await self._writer.do(partial(self._store.advance, self._job, shard, cursor))
        self._watch.within(shard, share)

    def _wanted(self, held: Sequence[Held]) -> list[Held]:
        """Return what is to be kept, each page once."""
        by_page = {each.article.canonical_url: each for each in reversed(held) if self._is_wanted(each)}
        return list(reversed(by_page.values()))

    def _is_wanted(self, held: Held) -> bool:
        article = held.article
        if article.language and article.language not in self._languages:
            return False
        if self._words:
            said = _plain(f"{article.title}\n{article.text}")
            return all(each in said for each in self._words)
        if held.candidate.source in self._known:
            return True
        return any(each.relevant for each in self._assessor.assess(article.title, article.text, article.language))


class NoShelf:
    """Takes nothing, where only the plan of a search is wanted."""

    is_over = True

    async def take(self, shard: Shard, held: Sequence[Held], cursor: str, share: float) -> None:
        """Take nothing."""


def _plain(text: str) -> str:
    return strip_marks(fold(text).text)


def _row(held: Held) -> HeldPage:
    article = held.article
    return HeldPage(held.candidate.url, article.canonical_url, article.source, article.title, article.outlet)
