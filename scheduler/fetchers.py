"""Fetching shared by many processes: a queue on PostgreSQL, a job a source, one worker a host at a time.

The queue (procrastinate) holds what is to be read now and nothing else. Whatever becomes of it, the archive knows which
sources are due and which pages wait, so that it can be thrown away, and is when its library's version changes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, LiteralString

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tripoint.domain.errors import HandBackError, StorageError

log = logging.getLogger(__name__)

_SCHEMA = "tripoint_queue"
_SCHEMA_LOCK = 7_301_179
_HOSTS_LOCK = 7_301_191
_QUEUE = "fetch"
_ANSWER_S = 10.0  # for the server to answer before it counts as gone
_STRUCK_OFF = 10  # times that silence until a worker is forgotten
_RESTARTS = 5  # within so short a time of each other that it is no accident
_STEADY_S = 60.0
_BEATS = 3  # in the time after which a silent worker is given up

Fetch = Callable[[str], Awaitable[None]]
"""Reads one source, by its name."""


@dataclass(frozen=True, slots=True)
class FetchJob:
    """A source to be read."""

    source: str
    hosts: str  #: what no two jobs may have at the same time


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker, and what it reads now."""

    number: int
    seen_at: datetime
    sources: tuple[str, ...]


class FetchQueue:
    """The queue as the scheduler fills it and workers empty it; open it first."""

    def __init__(self, address: str, silent_s: float = 30.0) -> None:
        """Take a libpq address, and after how long a silent worker is given up."""
        self._address = _in_schema(address)
        self._silent_s = silent_s
        connector = procrastinate.PsycopgConnector(conninfo=self._address, min_size=1, max_size=4, timeout=_ANSWER_S)
        self._app = procrastinate.App(connector=connector)
        self._fetch: Fetch | None = None
        self._hosts: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._hosts_turn = asyncio.Lock()
        self._task = self._app.task(name="fetch", queue=_QUEUE, retry=_SOON)(self._run)

    @property
    def beat_s(self) -> float:
        """Return how often a worker says that it lives."""
        return self._silent_s / _BEATS

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[FetchQueue]:
        """Connect, with the tables in place; raises `StorageError` when the server cannot be used."""
        with _told():
            await asyncio.to_thread(_prepare, self._address)
            await self._app.open_async()
        try:
            yield self
        finally:
            await self._app.close_async()

    async def offer(self, jobs: Iterable[FetchJob]) -> int:
        """Put sources into the queue, those first that come first; return how many were not in it yet."""
        offered = 0
        with _told():
            for job in jobs:
                deferrer = self._task.configure(lock=job.hosts, queueing_lock=job.source)
                try:
                    await deferrer.defer_async(source=job.source, hosts=job.hosts)
                except AlreadyEnqueued:
                    continue
                offered += 1
        return offered

    async def held(self) -> frozenset[str]:
        """Return the sources that wait in the queue or are being read."""
        with _told():
            jobs = await self._app.job_manager.list_jobs_async(queue=_QUEUE)
        return frozenset(str(job.task_kwargs["source"]) for job in jobs)

    async def sweep(self) -> list[str]:
        """Put what workers that fell silent had begun back into the queue; return those sources."""
        manager = self._app.job_manager
        swept = []
        with _told():
            for job in await manager.get_stalled_jobs(queue=_QUEUE, seconds_since_heartbeat=self._silent_s):
                await manager.retry_job(job)
                swept.append(str(job.task_kwargs["source"]))
            await manager.prune_stalled_workers(self._silent_s * _STRUCK_OFF)
        return swept

    async def workers(self) -> list[WorkerState]:
        """Return the workers that were heard of lately, and what each reads."""
        query = (
            "SELECT w.id, w.last_heartbeat, array_remove(array_agg(j.args->>'source' ORDER BY j.id), NULL) AS sources"
            " FROM procrastinate_workers w LEFT JOIN procrastinate_jobs j ON j.worker_id = w.id AND j.status = 'doing'"
            " GROUP BY w.id ORDER BY w.id"
        )
        with _told():
            rows = await self._app.connector.execute_query_all_async(query)
        return [WorkerState(row["id"], row["last_heartbeat"], tuple(row["sources"])) for row in rows]

    async def waiting(self) -> int:
        """Return how many sources wait for a worker."""
        with _told():
            return len(list(await self._app.job_manager.list_jobs_async(queue=_QUEUE, status="todo")))

    async def work(self, fetch: Fetch, at_once: int, stop: asyncio.Event, stop_within_s: float) -> None:
        """Read what the queue offers, so many sources at once, until `stop`; raises `StorageError` without a server."""
        self._fetch = fetch
        with _told():
            self._hosts = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
        async with self._hosts:
            ended = 0
            while not stop.is_set():
                begun = time.monotonic()
                await self._work(at_once, stop, stop_within_s)
                if stop.is_set():
                    return
                ended = ended + 1 if time.monotonic() - begun < _STEADY_S else 1
                if ended > _RESTARTS:
                    raise StorageError("the queue of sources was lost", "check that the database server runs")
                log.warning("reading from the queue ended by itself, and starts again")
                await asyncio.sleep(ended)

    async def _work(self, at_once: int, stop: asyncio.Event, stop_within_s: float) -> None:
        """Work until `stop`, or until the library gave up: on a slow server, or struck off by others for silence."""
        worker = asyncio.ensure_future(
            self._app.run_worker_async(
                queues=[_QUEUE],
                concurrency=at_once,
                install_signal_handlers=False,
                shutdown_graceful_timeout=stop_within_s,
                update_heartbeat_interval=self.beat_s,
                stalled_worker_timeout=self._silent_s * _STRUCK_OFF,
                fetch_job_polling_interval=self.beat_s,  # it hears of new jobs by LISTEN
                delete_jobs="always",  # how a source does is in the archive, not here
            )
        )
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            worker.cancel()  # asks it to end; what it has begun it finishes, or hands back
        stopped.cancel()
        with _told(), suppress(asyncio.CancelledError):
            try:
                await worker
            except ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                    raise

    async def _run(self, source: str, hosts: str) -> None:
        if self._fetch is None or self._hosts is None:
            raise RuntimeError("a job came before its worker was ready")
        if not await self._take("pg_try_advisory_lock", hosts):
            raise _HostsTakenError(source)
        try:
            await self._fetch(source)
        finally:
            await self._take("pg_advisory_unlock", hosts)

    async def _take(self, function: str, hosts: str) -> bool:
        """Lock hosts, or let them go, for as long as this worker is connected.

        The queue's own lock ends when a worker is given up for silence, and that one may be slow and not dead.
        """
        if self._hosts is None:
            return False
        async with self._hosts_turn:
            cursor = await self._hosts.execute(_LOCKS[function], [_HOSTS_LOCK, hosts])
            row = await cursor.fetchone()
        return bool(row and row[0])


_LOCKS: Mapping[str, LiteralString] = {
    "pg_try_advisory_lock": "SELECT pg_try_advisory_lock(%s, hashtext(%s))",
    "pg_advisory_unlock": "SELECT pg_advisory_unlock(%s, hashtext(%s))",
}


class _HostsTakenError(HandBackError):
    """Another worker, given up for silence, still reads from these hosts."""

    def __init__(self, source: str) -> None:
        super().__init__(f"another worker still reads from the hosts of {source}")


_SOON = procrastinate.RetryStrategy(wait=5, retry_exceptions=[HandBackError])


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the driver and the queue say into one line with a mend."""
    try:
        yield
    except (psycopg.Error, ConnectorException) as error:
        said = error.__cause__ if isinstance(error, ConnectorException) and error.__cause__ else error
        reason = " ".join(str(said).split())
        raise StorageError(f"the queue of sources: {reason}", "check that the database server runs") from error


def _in_schema(address: str) -> str:
    given = str(conninfo_to_dict(address).get("options") or "")
    # A machine that is gone says no goodbye: each side must find out by itself, and the server let go of its locks.
    probes = "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    options = f"{given} -c search_path={_SCHEMA} {probes}".strip()
    return make_conninfo(address, options=options, keepalives_idle=15, keepalives_interval=5, keepalives_count=3)


def _prepare(address: str) -> None:
    """Make the queue's tables, anew when another version of its library made those that are there."""
    made_by = f"procrastinate {version('procrastinate')}"
    with psycopg.connect(address, connect_timeout=int(_ANSWER_S)) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
        found = connection.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [_SCHEMA]).fetchone()
        if found and found[0] == made_by:
            return
        connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {_SCHEMA}")
        connection.execute(procrastinate.schema.SchemaManager.get_schema())
        connection.execute(f"COMMENT ON SCHEMA {_SCHEMA} IS '{made_by}'")
