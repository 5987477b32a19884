"""A file as a task of its own: done twice it gives the same, and a cluster loses nothing when a worker is killed."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crawler.warc.apart import FileTask, read_file
from crawler.warc.local import Sieve
from tests.backfill.warc_files import base_of, info, knows, packed, records_of, shard, write
from tests.house import House
from tests.newsroom.common_crawl import CommonCrawl
from tests.newsroom.past import past_outlets, relevant
from tripoint.domain.backfill import Patience, ShardState, Wanted
from tripoint.domain.types import Source
from tripoint.domain.when import Days

DAYS = Days(date(2018, 7, 15), date(2018, 9, 15))
ASKED = ("--since", "2018-07-15", "--until", "2018-09-14", "--alert", "none", "--quiet")
NEEDS_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: make ray")
KEY = "crawl-data/CC-NEWS/2018/08/CC-NEWS-20180801000000-00001.warc.gz"


@pytest.fixture
def task(tmp_path: Path) -> FileTask:
    """Return a task that reads every page of one outlet."""
    (outlet, *_) = past_outlets(80, DAYS.first, DAYS.end, 16)
    file = write(tmp_path / "a.warc.gz", records_of([outlet]))
    source = Source(outlet.name, outlet.title, "en", "PK", outlet.timezone, f"{base_of(outlet)}/")
    sift = Sieve(False, 1_000_000).sift(Wanted(DAYS, (source,), (), languages=("en",)))
    patience = Patience(20.0, 4_000, 6)
    now = datetime(2026, 11, 28, tzinfo=UTC)
    return FileTask(shard(file), str(file), sift, (source,), patience, 0.01, "tests", 20.0, 500, now)


def test_a_task_done_again_gives_the_same_and_goes_on_at_its_cursor(task: FileTask) -> None:
    whole = read_file(task)
    assert whole.sought.state is ShardState.DONE
    assert len(whole.held) == 20
    first = read_file(replace(task, most_held=5))
    assert first.sought.state is ShardState.PENDING
    assert 0 < first.share < 1
    rest = read_file(replace(task, shard=replace(task.shard, cursor=first.cursor)))
    assert (*first.held, *rest.held) == whole.held
    assert (rest.cursor, rest.sought) == (whole.cursor, whole.sought)


def test_a_file_of_a_server_is_read_in_parts_whatever_it_answers_first(task: FileTask) -> None:
    with CommonCrawl() as crawl:
        crawl.files[KEY] = Path(task.address).read_bytes()
        crawl.troubles += ["slow down", "cut off", "slow down"]
        found = read_file(replace(task, address=f"{crawl.base}/{KEY}"))
        assert found.sought.state is ShardState.DONE
        assert found.held == read_file(task).held
        good = [each for each in crawl.asked_for(KEY) if each.status == 206]
        assert len({each.first for each in good}) == len(good) - 1 > 2  # each byte once, but for what was cut off
        crawl.troubles.append("moved")
        moved = read_file(replace(task, address=f"{crawl.base}/{KEY}"))
        assert moved.sought.state is ShardState.FAILED
        assert moved.sought.reason.startswith("HTTP 302: ")
        crawl.closed.add(KEY)
        refused = read_file(replace(task, address=f"{crawl.base}/{KEY}"))
        assert (refused.sought.state, refused.sought.reason) == (ShardState.FAILED, "HTTP 403")


def below(pid: int) -> list[int]:
    """Return every process below a process."""
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [each for child in map(int, said) for each in (child, *below(child))]


def workers(pid: int) -> Iterator[int]:
    """Yield Ray's workers below a process that are at work on a file."""
    for each in below(pid):
        try:
            title = Path(f"/proc/{each}/cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::read_file"):
            yield each


@NEEDS_RAY
def test_one_of_two_machines_may_go_down(house: House, tmp_path: Path) -> None:
    """Two nodes of Ray as two machines would be, one killed while files are read there: the other one reads them."""
    from ray.cluster_utils import Cluster

    outlets = past_outlets(1_200, DAYS.first, DAYS.end, 24)
    knows(house, outlets)
    folder = tmp_path / "warcs"
    folder.mkdir()
    for outlet in outlets:
        write(folder / f"{outlet.name}.warc.gz", records_of([outlet]))
    patience = {"RAY_agent_register_timeout_ms": "120000", "RAY_raylet_start_wait_time_s": "120"}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "env_vars": patience})
    try:
        second = cluster.add_node(num_cpus=1, env_vars=patience)
        cluster.wait_for_nodes(120)
        house.settings["backfill"] = {"prematch": False, "ray": cluster.address}
        house.environment |= patience
        process = house.start("backfill", *ASKED, "--via", f"warc:{folder}")
        (raylet,) = second.all_processes["raylet"]
        while process.poll() is None and not any(workers(raylet.process.pid)):
            threading.Event().wait(0.2)
        assert process.poll() is None, "it was over before the second machine had anything to do"
        cluster.remove_node(second, allow_graceful=False)
        said, wrong = process.communicate(timeout=300)
    finally:
        cluster.shutdown()
    assert process.returncode == 0, wrong
    assert house.rows("select state, count(*) from backfill_windows group by 1") == [("done", 4)], said
    assert sorted(relevant_titles(house)) == sorted(relevant(outlets))
    assert house.rows("select count(*), count(distinct canonical_url), max(revision) from articles") == [
        (1200, 1200, 1)
    ]


def relevant_titles(house: House) -> list[str]:
    """Return the titles of the relevant articles that are stored."""
    query = "select title from articles a join assessments s on s.article_id = a.id where s.relevant"
    return [title for (title,) in house.rows(query)]


@NEEDS_RAY
def test_a_cluster_reads_files_and_a_killed_worker_costs_nothing(house: House, tmp_path: Path) -> None:
    outlets = past_outlets(1_200, DAYS.first, DAYS.end, 24)
    knows(house, outlets)
    house.settings["backfill"] = {"prematch": False, "ray": "local"}
    # A machine under load takes longer to start a cluster than Ray waits by itself.
    house.environment |= {"RAY_agent_register_timeout_ms": "120000", "RAY_raylet_start_wait_time_s": "120"}
    folder = tmp_path / "warcs"
    folder.mkdir()
    for outlet in outlets:
        write(folder / f"{outlet.name}.warc.gz", records_of([outlet]))
    (folder / "empty.warc.gz").write_bytes(packed([info()]))
    process = house.start("backfill", *ASKED, "--via", f"warc:{folder}")
    killed = 0
    while process.poll() is None and killed < 2:
        for each in workers(process.pid):
            os.kill(each, signal.SIGKILL)
            killed += 1
            break
        threading.Event().wait(1.0)
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong
    assert killed == 2
    assert house.rows("select state, count(*) from backfill_windows group by 1") == [("done", 5)], said
    assert sorted(relevant_titles(house)) == sorted(relevant(outlets))
    assert house.rows("select count(*), count(distinct canonical_url), max(revision) from articles") == [
        (1200, 1200, 1)
    ]
