"""Starting on a big archive and ending while servers hang: soon, and with nothing lost or fetched twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.start import fill
from tests.house import DEADLINE_S, House
from tests.newsroom import DeskOutlet, Drip, Hang, NewsroomThread
from tests.operation.heard import Heard

ROOT = Path(__file__).resolve().parents[2]
STOP_WITHIN_S = 10.0
_SLACK_S = 5.0  # for a machine that is busy with other tests


def _work_of_a_start(folder: Path, rows: int) -> dict[str, int]:
    folder.mkdir()
    house = House(folder)
    (house.folder / "seeds" / "sources" / "newsroom.toml").write_text(
        '[[source]]\nname = "a"\noutlet = "A"\nlanguage = "en"\ncountry = "GB"\ntimezone = "UTC"\n'
        'homepage = "http://127.9.9.9:9/"\nfeeds = ["http://127.9.9.9:9/rss.xml"]\n'
    )
    fill(house.database, rows)
    file = house.command("run")[-2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.operation.counted_start", file],
        cwd=ROOT,
        env=house.environ(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_a_start_asks_no_more_of_the_database_when_the_archive_is_big(tmp_path: Path) -> None:
    """`python -m bench.start` times it with 200,000 of each; the steps of SQLite do not depend on the machine."""
    small, big = (_work_of_a_start(tmp_path / str(rows), rows) for rows in (500, 20_000))
    assert small["start"] > 0
    assert big["start"] < 1.5 * small["start"] + 5
    assert big["first_jobs"] < 1.5 * small["first_jobs"] + 25


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_stop_among_hanging_servers_takes_ten_seconds_and_loses_nothing(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
    house.settings["crawl"] |= {"follow_links": "none", "revisit_h": [], "timeout_s": 120.0}
    house.settings["run"] = {"interval_s": 3600.0, "max_interval_s": 3600.0}
    articles = [(each.outlet.name, page.page.path) for each in desk for page in each.pages if page.kind == "article"]
    hanging = {desk[0].outlet.name: Hang(), desk[1].outlet.name: Drip(1, 0.5)}
    stuck = []
    for outlet, behaviour in hanging.items():
        path = next(path for name, path in articles if name == outlet)
        room.behave(outlet, path, behaviour)
        stuck.append((outlet, path))
    service = house.start("run")
    heard = Heard(service)
    end = time.monotonic() + DEADLINE_S
    while (
        not all(room.count(*each) for each in stuck)
        or not house.rows("select 1 from sqlite_master where name = 'articles'")
        or house.rows("select count(*) from articles")[0][0] < 5
    ):
        assert time.monotonic() < end
        time.sleep(0.02)

    began = time.monotonic()
    assert heard.end(signal.SIGTERM) == 0, heard.lines
    took_s = time.monotonic() - began
    assert took_s < STOP_WITHIN_S + _SLACK_S
    stored = {url for (url,) in house.rows("select url from articles")}
    pending = {url for (url,) in house.rows("select url from frontier where state = 'pending'")}
    for outlet, path in stuck:
        assert room.base(outlet) + path in pending

    for outlet, path in stuck:
        room.behave(outlet, path, None)
    house.run("crawl", "--quiet")
    assert house.rows("select count(*), count(distinct canonical_url) from articles") == [(len(articles),) * 2]
    for outlet, path in articles:
        if room.base(outlet) + path in stored:
            assert room.count(outlet, path) == 1, f"{path} was stored and fetched again"
