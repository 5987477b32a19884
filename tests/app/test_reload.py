"""A reload keeps nothing of what was in use before it: the lexicon alone takes some ten megabytes."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

from tests.house import House
from tripoint.app.metrics import Metrics
from tripoint.app.reload import Reloader
from tripoint.app.seeds import Seeds
from tripoint.app.settings import Settings, load_settings
from tripoint.app.web.server import page_beside
from tripoint.app.wiring import Works, opened_works
from tripoint.domain.types import Hearing
from tripoint.relevance.assess import Judge
from tripoint.stories.placement import Placer


def _there() -> list[Any]:
    gc.unfreeze()  # else what the start set apart would not be listed
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, (Judge, Placer, Seeds))]


def test_what_was_in_use_is_let_go(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = Path(house.command("run")[-2])

    def read() -> Settings:
        return load_settings(file, {}, {})

    async def reload(works: Works) -> None:
        vitals = (works.pulse, Metrics())
        async with page_beside(read(), works.seeds, works.stores, works.writer, vitals) as page:
            assert page.page is not None
            reloader = Reloader(works, read(), read, (), lambda _line: None)
            reloader.hear = (lambda plan: page.renew(plan.settings, plan.seeds),)
            before = {id(each) for each in _there()} - others
            assert len(before) == 3
            await reloader.reload()
            assert len({id(each) for each in _there()} - others) == 3
            assert works.quiet(lambda *_: Hearing())._pipeline._assessor is works.judge

    async def live() -> None:
        async with opened_works(read(), lambda _line: None) as works:
            # All objects are listed below, half-made tuples of other threads too, which these then cannot finish.
            await asyncio.to_thread(works.extractor.close)
            await reload(works)

    others = {id(each) for each in _there()}  # of other tests
    asyncio.run(live())
