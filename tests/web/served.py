"""The page served from a thread of its own, on loopback, from an archive that a test can look at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tripoint.app.seeds import Seeds
from tripoint.app.settings import Settings, WebSection
from tripoint.app.web.server import served_page
from tripoint.app.wiring import Stores, opened_stores
from tripoint.app.writer import Writer

DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A page that answers, and what it shows."""

    address: str
    seeds: Seeds
    stores: Stores

    def story_of(self, title: str) -> str:
        """Return the key of the story that an article of this title is of."""
        return next(each.story for each in self.stores.articles.recent(1000) if each.article.title == title)

    def article_of(self, title: str) -> int:
        """Return the number of the article of this title."""
        return next(each.id for each in self.stores.articles.recent(1000) if each.article.title == title)


def settings_in(folder: Path, url: str = "", token_file: Path | None = None) -> Settings:
    """Return settings for a page on any free port."""
    web = WebSection(port=0, token_file=token_file)
    return Settings(database={"url": url or f"sqlite:///{folder / 'page.db'}"}, web=web)  # type: ignore[arg-type]


@contextmanager
def serving(settings: Settings, seeds: Seeds) -> Iterator[Served]:
    """Serve the page as long as the block runs."""
    with opened_stores(settings) as stores, closing(Writer()) as writer:
        ready: list[str] = []
        is_ready, stop = threading.Event(), threading.Event()
        failed: list[BaseException] = []

        async def serve() -> None:
            async with served_page(settings, seeds, stores, writer) as page:
                ready.append(page.address)
                is_ready.set()
                await asyncio.get_running_loop().run_in_executor(None, stop.wait)

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:  # noqa: BLE001 - shown by the test that waits
                failed.append(error)
                is_ready.set()

        thread = threading.Thread(target=run, name="served-page")
        thread.start()
        try:
            assert is_ready.wait(DEADLINE_S)
            if failed:
                raise failed[0]
            yield Served(ready[0], seeds, stores)
        finally:
            stop.set()
            thread.join(DEADLINE_S)
