"""Three workers on one PostgreSQL, one of them killed mid-page: the same articles, and never two workers on a host."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

import psycopg
import pytest

from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread, Slow
from tests.postgres import new_database

WORKERS = 3
DEADLINE_S = 90
SLOW_S = 20.0


@pytest.fixture
def shared_house(reading_house: House, desk: list[DeskOutlet], room: NewsroomThread, postgres: str) -> House:
    """Return a house on PostgreSQL, with two sources on one host, whose workers are given up soon."""
    house = reading_house
    house.settings["database"] = {"url": new_database(postgres, f"w{abs(hash(str(house.folder)))}")}
    house.settings["run"] = {"fetchers": "workers", "worker_silent_s": 3.0, "worker_at_once": 1}
    house.settings["crawl"] |= {"workers": 1, "per_host": 1}
    house.settings["channels"] = {"desk": {"url": "console://"}}
    base = room.base(desk[0].outlet.name)
    house.also_reads("the-wire-again", "The Wire Again", base, f'sitemaps = ["{base}/sitemap.xml"]')
    return house


@contextmanager
def started(house: House, *verb: str, agent: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run a verb beside the test, its words in a file so that no pipe fills."""
    said = house.folder / f"{agent or verb[0]}.log"
    environment = {**house.environ(), **({"TRIPOINT_CRAWL__USER_AGENT": agent} if agent else {})}
    with said.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            house.command(*verb), stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=house.folder
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            process.wait()


def until(true: Callable[[], bool], house: House) -> None:
    """Wait until something holds, and show what the processes said if it never does."""
    for _ in range(DEADLINE_S * 10):
        if true():
            return
        threading.Event().wait(0.1)
    said = "\n".join(f"{each.name}:\n{each.read_text(encoding='utf-8')}" for each in house.folder.glob("*.log"))
    raise AssertionError(f"it never came about; what they said:\n{said}")


def kept(house: House) -> set[str]:
    """Return the addresses of the articles in the shared archive."""
    with psycopg.connect(house.settings["database"]["url"]) as connection:
        return {str(row[0]) for row in connection.execute("SELECT canonical_url FROM articles").fetchall()}


def test_three_workers_and_a_kill_keep_what_one_process_keeps(
    shared_house: House, desk: list[DeskOutlet], room: NewsroomThread, tmp_path: Path
) -> None:
    house = shared_house
    (tmp_path / "alone").mkdir()
    alone = House(tmp_path / "alone")
    alone.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
    alone.run("crawl", "--quiet")
    expected = {str(url) for (url,) in alone.rows("select canonical_url from articles")}
    assert expected
    room.forget()

    victim_reads = desk[1].outlet
    slow_page = next(page.page.path for page in desk[1].pages if page.kind == "article")
    room.behave(victim_reads.name, slow_page, Slow(SLOW_S))
    with ExitStack() as stack:
        workers = {
            f"worker-{n}": stack.enter_context(started(house, "worker", agent=f"worker-{n}")) for n in range(WORKERS)
        }
        stack.enter_context(started(house, "run", "--interval", "3600"))

        def who_reads() -> list[str]:
            return [agent_of(each.headers) for each in room.requests if each.outlet == victim_reads.name]

        until(lambda: len(who_reads()) >= 2, house)  # robots.txt and the feed were read: the slow page is under way
        victim = who_reads()[0]
        workers[victim].kill()
        room.behave(victim_reads.name, slow_page, None)
        until(lambda: kept(house) == expected, house)
        shown = house.json("workers")
        assert len(shown["workers"]) <= WORKERS
        asked = room.requests  # what comes now is not theirs to share
        _workers_take_over_what_the_service_does(house, room.base(desk[2].outlet.name), workers, victim)
        for agent, process in workers.items():
            said = (house.folder / f"{agent}.log").read_text(encoding="utf-8")
            assert agent == victim or process.poll() is None, f"{agent} ended by itself: {said}"
    assert [each.returncode for agent, each in workers.items() if agent != victim] == [0] * (WORKERS - 1)

    turns = {
        outlet.outlet.name: [
            agent
            for agent, _ in groupby(
                agent_of(each.headers)
                for each in sorted(asked, key=lambda each: each.at)
                if each.outlet == outlet.outlet.name
            )
        ]
        for outlet in desk
    }
    for outlet, agents in turns.items():
        assert len(agents) == len(set(agents)), f"workers took turns on {outlet}: {agents}"
    assert len(turns[victim_reads.name]) == 2, turns  # begun by the one that was killed, read on by another
    assert len({agent for agents in turns.values() for agent in agents}) == WORKERS, turns
    with psycopg.connect(house.settings["database"]["url"]) as connection:
        relevant = "SELECT count(*), count(DISTINCT canonical_url) FROM articles"
        assert connection.execute(relevant).fetchone() == (len(expected), len(expected))
        [(waiting,)] = connection.execute("SELECT count(*) FROM frontier WHERE state = 'pending'").fetchall()
        assert waiting == 0
        states = {str(row[0]) for row in connection.execute("SELECT state FROM alerts").fetchall()}
    assert "sent" in states  # the scheduling process tells what workers found
    assert states <= {"sent", "held"}  # what is old is held for a summary


def _workers_take_over_what_the_service_does(
    house: House, base: str, workers: Mapping[str, subprocess.Popen[str]], victim: str
) -> None:
    """Edit, reload the service alone, and see what the workers make of it; then break a file that they are to read."""
    alive = [each for each in workers if each != victim]

    def all_say(text: str, since: Mapping[str, int]) -> bool:
        return all(text in (house.folder / f"{each}.log").read_text(encoding="utf-8")[since[each] :] for each in alive)

    def said() -> dict[str, int]:
        return {each: len((house.folder / f"{each}.log").read_text(encoding="utf-8")) for each in alive}

    late = house.also_reads("late", "The Late Edition", base, f'feeds = ["{base}/atom.xml"]')
    house.settings["crawl"]["timeout_s"] = 21.0
    before = said()
    assert "sources (1 added)" in house.run("reload").stdout
    until(lambda: all_say("reloaded: crawl.timeout_s; sources (1 added)", before), house)
    until(lambda: "late" in polled(house), house)

    late.write_text("[[source]]\nname = 7\n", encoding="utf-8")
    before = said()
    for each in alive:
        workers[each].send_signal(signal.SIGHUP)
    until(lambda: all_say(f"not reloaded, all goes on as before: {late}:", before), house)
    assert all(workers[each].poll() is None for each in alive)


def polled(house: House) -> set[str]:
    """Return the sources of which a listing was read."""
    with psycopg.connect(house.settings["database"]["url"]) as connection:
        return {str(row[0]) for row in connection.execute("SELECT source FROM listings").fetchall()}


def agent_of(headers: dict[str, str]) -> str:
    """Return which worker asked."""
    found = re.match(r"worker-\d+", headers.get("user-agent", ""))
    return found[0] if found else ""


def test_workers_need_postgresql(reading_house: House) -> None:
    for verb in (("run", "--fetchers", "workers"), ("worker",), ("workers",)):
        said = reading_house.said(*verb)
        assert "this is SQLite" in said
        assert "database.url" in said
