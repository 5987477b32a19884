"""Two services on one PostgreSQL: one works, the other waits, and takes over when the first dies or is cut off."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from storage.database import open_database
from storage.lock import Turn, sessions
from tests.house import House
from tests.killing import kill
from tests.newsroom import DeskOutlet, NewsroomThread
from tests.postgres import new_database
from tests.receiver import Receiver, Reply
from tripoint.app.cli.jobs import said_of
from tripoint.app.notify import Systemd
from tripoint.app.settings import load_settings
from tripoint.app.standby import get_turn, opened_turn
from tripoint.domain.errors import BusyError, LostLockError, SettingsError

DEADLINE_S = 150
THE_LOCK = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = 7301178"


class Service:
    """A `tripoint run` beside the test, its words in a file so that no pipe fills."""

    def __init__(self, house: House, name: str) -> None:
        self._house = house
        self._file = house.folder / f"{name}.log"
        with self._file.open("w", encoding="utf-8") as file:
            command = house.command("run", "--standby", "--interval", "3600")
            self.process = subprocess.Popen(command, stderr=file, env=house.environ(), cwd=house.folder, text=True)

    @property
    def said(self) -> str:
        """Return all that it said."""
        return self._file.read_text(encoding="utf-8")

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said something so often."""
        until(lambda: self.said.count(words) >= times, lambda: f"{words!r} was not said:\n{self.said}")

    def health(self, path: str) -> tuple[int, dict[str, bool]]:
        """Ask the page that it serves last."""
        address = re.findall(r"the page is at (\S+?)/[;\s]", self.said)[-1]
        answer = requests.get(address + path, timeout=30)
        return answer.status_code, answer.json()


def until(true: Callable[[], bool], why: Callable[[], str]) -> None:
    for _ in range(DEADLINE_S * 20):
        if true():
            return
        threading.Event().wait(0.05)
    raise AssertionError(why())


class Slow:
    """A chat service that keeps a message of which it is told to until it is let go."""

    def __init__(self) -> None:
        self.holds_after = 10**6
        self.let_go = threading.Event()

    def __call__(self, _path: str, number: int) -> Reply:
        """Answer."""
        if number > self.holds_after:
            self.let_go.wait(DEADLINE_S)
        return 200, {}, "ok"


@pytest.fixture
def chat() -> Slow:
    return Slow()


@pytest.fixture
def receiver(chat: Slow) -> Iterator[Receiver]:
    with Receiver(chat) as running:
        yield running


@pytest.fixture
def shared(reading_house: House, receiver: Receiver, postgres: str) -> House:
    house = reading_house
    house.settings["database"] = {"url": new_database(postgres, f"s{abs(hash(str(house.folder)))}")}
    house.settings["crawl"] |= {"workers": 1}
    house.settings["run"] = {"stop_within_s": 8.0}
    house.settings["channels"] = {"chat": {"url_env": "CHAT"}}
    house.environment["TRIPOINT_LOG_FORMAT"] = "human"
    house.environment["CHAT"] = f"json://{receiver.address}/"
    return house


@contextmanager
def services(house: House, *names: str) -> Iterator[list[Service]]:
    running: list[Service] = []
    try:
        for name in names:
            running.append(Service(house, name))
            running[-1].says("standing by" if len(running) > 1 else "watching")
            running[-1].says("the page is at ")
        yield running
    finally:
        for each in running:
            each.process.terminate()
        for each in running:
            try:
                each.process.wait(30)
            finally:
                each.process.kill()
                each.process.wait()


def ask(house: House, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(house.settings["database"]["url"], autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def test_the_second_takes_over_and_nothing_is_told_twice(
    shared: House, desk: list[DeskOutlet], room: NewsroomThread, chat: Slow, receiver: Receiver
) -> None:
    house = shared
    chat.holds_after = 1  # the second message is under way when the first service loses its lock
    with services(house, "first", "second") as (first, second):
        assert second.health("/healthz")[0] == 200
        status, said = second.health("/readyz")
        assert (status, said["ready"], said["standby"]) == (503, False, True)
        assert first.health("/readyz")[0] == 200
        shown = house.json("workers")["services"]
        assert [each["holds"] for each in shown] == [True, False]
        assert str(first.process.pid) in shown[0]["place"]
        assert str(second.process.pid) in shown[1]["place"]

        until(lambda: len(receiver.received) == 2, lambda: f"{receiver.received}\n{first.said}")
        [(pid,)] = ask(house, THE_LOCK)
        ask(house, f"SELECT pg_terminate_backend({pid})")
        second.says("taking over")
        chat.let_go.set()  # the first is still given time to hear that its message was taken
        first.says("the lock of the database was lost")
        second.says("the page is at ", times=2)
        assert second.health("/readyz")[0] == 200
        first.says("the page is at ", times=2)
        assert "standing by" in first.said
        assert first.health("/readyz")[0] == 503
        waiting = "SELECT count(*) FROM alerts WHERE state IN ('pending', 'sending')"
        until(lambda: ask(house, waiting) == [(0,)], lambda: f"{ask(house, waiting)}\n{second.said}")

        kill(second.process)
        first.says("taking over")
        first.says("the page is at ", times=3)
        assert first.health("/readyz")[0] == 200
    assert first.process.returncode == 0, first.said
    told = Counter(str(body["message"]) for _, body in receiver.received)
    assert len(told) >= 3
    assert set(told.values()) == {1}, told
    accepted = "SELECT count(*) FROM deliveries WHERE outcome = 'accepted'"
    assert ask(house, accepted) == [(len(receiver.received),)]
    articles = sum(page.kind == "article" for outlet in desk for page in outlet.pages)
    assert ask(house, "SELECT count(*), count(DISTINCT canonical_url) FROM articles") == [(articles, articles)]


def test_a_lost_session_is_noticed_and_the_lock_is_free(postgres: str, tmp_path: Path) -> None:
    address = new_database(postgres, f"l{abs(hash(str(tmp_path)))}")
    first, second = Turn(address), Turn(address)
    try:
        assert first.take()
        assert not second.take()
        first.check()
        with psycopg.connect(address, autocommit=True) as connection:
            [(pid,)] = connection.execute(THE_LOCK).fetchall()
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(LostLockError, match="was lost"):
            first.check()
        with pytest.raises(LostLockError, match="not held"):
            first.check()
        until(second.take, lambda: "the lock was not given back")
        assert not first.take()  # by a new connection
    finally:
        first.close()
        second.close()


def test_who_does_not_stand_by_is_refused_and_who_stands_by_is_shown(postgres: str, tmp_path: Path) -> None:
    address = new_database(postgres, f"r{abs(hash(str(tmp_path)))}")
    settings = load_settings(None, {"database": {"url": address}}, {})

    async def ask_in_vain(*, again: bool) -> None:
        async with opened_turn(settings) as turn:
            assert turn is not None
            await get_turn(settings, turn, asyncio.Event(), print, Systemd(), again=again)

    holder, waiting = Turn(address), Turn(address)
    try:
        assert holder.take()
        assert not waiting.take()
        with closing(open_database(address)) as database:
            shown = [said_of(each) for each in sessions(database)]
        assert [each.split(":")[0] for each in shown] == ["at work", "standing by"]
        assert all(f"process {os.getpid()}, connected since 20" in each for each in shown)
        with pytest.raises(BusyError, match="tripoint run --standby"):
            asyncio.run(ask_in_vain(again=False))
        with pytest.raises(BusyError, match="another tripoint took over"):
            asyncio.run(ask_in_vain(again=True))
    finally:
        holder.close()
        waiting.close()


def test_standing_by_needs_postgresql() -> None:
    settings = load_settings(None, {"run": {"standby": True}}, {})

    async def begin() -> None:
        async with opened_turn(settings):
            pass

    with pytest.raises(SettingsError, match="needs PostgreSQL"):
        asyncio.run(begin())
