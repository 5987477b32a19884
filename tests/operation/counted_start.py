"""A start of the service up to its first look at what is due, for a process of its own: prints what SQLite did for it.

The numbers are twenties of steps of SQLite's virtual machine: unlike seconds they are the same on every machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from crawler.reactor import run_on_reactor
from scheduler.roster import Roster
from tripoint.app.asked import AskDesk
from tripoint.app.jobs import WriterLedger, build_jobs
from tripoint.app.settings import load_settings
from tripoint.app.watch import Watch
from tripoint.app.wiring import opened_works, utc_now

_EACH = 20
_steps = 0


def _count(connection: Any, _record: Any) -> None:
    def note() -> int:
        global _steps
        _steps += 1
        return 0

    connection.set_progress_handler(note, _EACH)


async def _start(file: Path) -> None:
    settings = load_settings(file, {})
    async with opened_works(settings, lambda _alert: None) as works:
        watch = Watch(works, works.seeds.sources, 4)
        jobs = build_jobs(settings, works, watch)
        roster = Roster(jobs, WriterLedger(works.writer, works.stores.jobs), utc_now)
        await roster.derive()
        await AskDesk(works.writer, works.stores.asks, utc_now).look()
        await works.courier.deliver_due(stop := asyncio.Event())
        started = _steps
        for name in ("poll", "escalate", "digests"):
            await roster.run(name, stop)
        sys.stdout.write(json.dumps({"start": started, "first_jobs": _steps - started}) + "\n")


if __name__ == "__main__":
    event.listen(Engine, "connect", _count)
    run_on_reactor(lambda: _start(Path(sys.argv[1])))
