"""Several services on one PostgreSQL: one works, the others wait for its turn and show the page meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing

from storage.database import driver_address
from storage.lock import Turn, taken
from tripoint.app.metrics import Metrics
from tripoint.app.notify import Systemd
from tripoint.app.pulse import Pulse
from tripoint.app.seeds import load_seeds
from tripoint.app.settings import Settings
from tripoint.app.web.server import page_beside
from tripoint.app.wiring import build_channels, opened_stores
from tripoint.app.writer import Writer
from tripoint.domain.errors import BusyError, SettingsError, StorageError

_LOOK_S = 1.0  # between two tries to get the lock
SETTLED_WITHIN_S = 5.0  # beside `run.stop_within_s`: until who lost the lock has said what became of its messages

Say = Callable[[str], None]


@asynccontextmanager
async def opened_turn(settings: Settings) -> AsyncIterator[Turn | None]:
    """Open the lock of the database, not taken yet; None on SQLite, whose lock on a file goes with its process."""
    if driver_address(settings.database_url) is None:
        if settings.run.standby:
            mend = "leave --standby and run.standby away; on one machine systemd starts a service anew that ended"
            raise SettingsError("a service that stands by needs PostgreSQL, and this is SQLite", mend)
        yield None
        return
    turn = Turn(settings.database_url)
    try:
        yield turn
    finally:
        await asyncio.to_thread(turn.close)


async def get_turn(
    settings: Settings, turn: Turn, stop: asyncio.Event, say: Say, systemd: Systemd, *, again: bool = False
) -> bool:
    """Get the lock, and wait for it where that is wanted; return False where `stop` came first.

    Who had it and lost it comes `again`, and waits for a server that is away. Raises `BusyError` where another has it
    and waiting is not wanted, `StorageError` where the server is away at the first time.
    """
    if again and not settings.run.standby:
        return await _wait(turn, stop, say, is_patient=False)
    if not again:
        if await asyncio.to_thread(turn.take):
            return True
        if not settings.run.standby:
            raise taken()
    seeds = load_seeds(settings.seeds.folder)
    build_channels(settings, say)  # what is wrong with them is said now, and not in the night in which they are needed
    with opened_stores(settings) as stores, closing(Writer()) as writer:
        pulse = Pulse(writer, stores.database)
        pulse.is_standby = True
        async with page_beside(settings, seeds, stores, writer, (pulse, Metrics())) as beside:
            say("standing by: another tripoint works on this database; Ctrl-C stops")
            if beside.line:
                say(beside.line)
            systemd.ready("standing by")  # it is what it was started to be, though `/readyz` says that another works
            feeding = asyncio.create_task(systemd.feed(pulse.is_alive), name="watchdog")
            try:
                found = await _wait(turn, stop, say, is_patient=True)
            finally:
                feeding.cancel()
            if found:
                say("taking over: the other is gone")
            return found


async def _wait(turn: Turn, stop: asyncio.Event, say: Say, *, is_patient: bool) -> bool:
    """Try again and again, also while the server is away; one that is not patient gives way to another holder."""
    stopped = asyncio.create_task(stop.wait())
    is_away = False
    try:
        while not stop.is_set():
            try:
                if await asyncio.to_thread(turn.take):
                    return True
                if not is_patient:
                    raise BusyError("another tripoint took over", "`tripoint workers` says which; this one ends")
                is_away = False
            except StorageError as error:
                if not is_away:
                    say(f"{error}; trying again each second")
                is_away = True
            await asyncio.wait({stopped}, timeout=_LOOK_S)
        return False
    finally:
        stopped.cancel()


def settings_now(settings: Settings, read: Callable[[], Settings], say: Say) -> Settings:
    """Return the settings as they are now, which may be months after the start; a broken file leaves those of then."""
    try:
        found = read()
    except SettingsError as error:
        say(f"{error}; going on with the settings of the start")
        return settings
    if found.database != settings.database:
        say("database.url changed, which needs a restart; going on with the settings of the start")
        return settings
    return found
