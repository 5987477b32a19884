"""What counts as alive: a process that merely exists does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from storage.database import Database, open_database
from tests.newsroom import DeskOutlet
from tests.web.archive import sources_of
from tests.web.served import Served, serving, settings_in
from tripoint.app.pulse import Pulse
from tripoint.app.seeds import load_seeds
from tripoint.app.writer import Writer
from tripoint.domain.errors import StorageError

TOKEN = "correct-horse-battery-staple"
TIMEOUT_S = 60


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def test_a_writer_that_hangs_is_not_alive_and_one_that_goes_on_is(database: Database) -> None:
    hangs = threading.Event()

    async def feel() -> list[bool]:
        with closing(Writer()) as writer:
            pulse = Pulse(writer, database, answer_within_s=0.2)
            before = (await pulse.feel()).is_alive
            stuck = asyncio.create_task(writer.do(hangs.wait))
            await asyncio.sleep(0)
            during = (await pulse.feel()).is_alive
            hangs.set()
            await stuck
            return [before, during, (await pulse.feel()).is_alive]

    assert asyncio.run(feel()) == [True, False, True]


def test_passes_that_neither_begin_nor_end_for_long_are_not_alive(database: Database) -> None:
    now = [0.0]

    async def feel() -> list[bool]:
        with closing(Writer()) as writer:
            pulse = Pulse(writer, database, clock=lambda: now[0], pass_within_s=900)
            alone = (await pulse.feel()).passes
            release = asyncio.Event()
            work = pulse.watching(lambda _stop: release.wait())  # type: ignore[arg-type,return-value]
            running = asyncio.create_task(work(asyncio.Event()))
            await asyncio.sleep(0)
            now[0] = 899.0
            long_pass = (await pulse.feel()).passes
            now[0] = 901.0
            hung = (await pulse.feel()).passes
            release.set()
            await running
            return [alone, long_pass, hung, (await pulse.feel()).passes]

    assert asyncio.run(feel()) == [True, True, False, True]


def test_a_database_that_is_away_is_alive_and_not_ready(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise StorageError("the server is gone", "start it")

    async def feel() -> tuple[bool, bool]:
        with closing(Writer()) as writer:
            monkeypatch.setattr(database, "read", away)
            beat = await Pulse(writer, database).feel()
            return beat.is_alive, beat.is_ready

    assert asyncio.run(feel()) == (True, False)


def test_who_asks_often_is_told_what_was_found_before(database: Database) -> None:
    now = [0.0]

    async def feel() -> list[bool]:
        with closing(Writer()) as writer:
            pulse = Pulse(writer, database, clock=lambda: now[0])
            first = await pulse.lately()
            pulse.is_stopping = True
            again = await pulse.lately()
            now[0] = 1.5
            return [first.is_ready, again.is_ready, (await pulse.lately()).is_ready]

    assert asyncio.run(feel()) == [True, True, False]


@pytest.fixture
def closed(tmp_path: Path, desk: list[DeskOutlet]) -> Iterator[Served]:
    """Serve a page that asks for a token."""
    (tmp_path / "token").write_text(TOKEN)
    seeds = replace(load_seeds(), sources=sources_of(desk))
    with serving(settings_in(tmp_path, token_file=tmp_path / "token"), seeds) as served:
        yield served


def test_health_needs_no_token_and_says_nothing_else_and_figures_need_one(closed: Served) -> None:
    for path, word in (("/healthz", "alive"), ("/readyz", "ready")):
        answer = requests.get(closed.address + path, timeout=TIMEOUT_S)
        assert answer.status_code == 200
        assert answer.json() == {"writer": True, "passes": True, "database": True, word: True}
    refused = requests.get(closed.address + "/metrics", timeout=TIMEOUT_S, allow_redirects=False)
    assert refused.status_code == 401
    assert "tripoint_" not in refused.text
    let_in = requests.get(closed.address + "/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=TIMEOUT_S)
    assert let_in.status_code == 200
    assert "tripoint_stored_articles 0.0" in let_in.text
    assert let_in.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_an_unready_service_answers_with_503(
    tmp_path: Path, desk: list[DeskOutlet], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = replace(load_seeds(), sources=sources_of(desk))
    with serving(settings_in(tmp_path), seeds) as served:
        monkeypatch.setattr(Pulse, "_reads", lambda self: False)
        assert requests.get(served.address + "/healthz", timeout=TIMEOUT_S).status_code == 200
        answer = requests.get(served.address + "/readyz", timeout=TIMEOUT_S)
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
