"""The self-check: what is wrong is found on both databases, and told once, and once when it is well again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.operator import check_alerts
from storage.upkeep import check_whole
from tests.house import House
from tests.storage.test_stores import alert
from tripoint.app.calibrated import load_examples
from tripoint.app.disk import room_of
from tripoint.app.fitting import as_json, feedback_examples, fit, write
from tripoint.app.seeds import Seeds, copy_seeds, load_seeds
from tripoint.app.selfcheck import examine
from tripoint.app.settings import Settings, load_settings
from tripoint.app.wiring import Stores, opened_stores
from tripoint.domain.checks import Check, summary
from tripoint.domain.errors import StorageError
from tripoint.domain.service import JobResult, JobRun
from tripoint.domain.types import AlertState, Delivery, Feedback, Found, Outcome, Poll, PollStatus

NOW = datetime.now(UTC)
BEGUN = NOW - timedelta(days=1)


@pytest.fixture(scope="module")
def seeds() -> Seeds:
    return load_seeds()


@pytest.fixture
def settings(url: str) -> Settings:
    return load_settings(None, {"database": {"url": url}}, {})


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    with opened_stores(settings) as opened:
        yield opened


def looks(settings: Settings, seeds: Seeds, stores: Stores, **given: Any) -> Iterator[Check]:
    said = {"now": NOW, "begun": BEGUN, "channels": ("desk",), "read": lambda: settings, **given}
    return examine(settings, seeds, stores, **said)


def look(*rooms: Any, **given: Any) -> dict[str, Check]:
    return {each.name: each for each in looks(*rooms, **given)}


def look_at(name: str, *rooms: Any, **given: Any) -> Check:
    """Make checks up to this one; the last ones take the longest."""
    return next(each for each in looks(*rooms, **given) if each.name == name)


def test_a_fresh_house_is_well(settings: Settings, seeds: Seeds, stores: Stores) -> None:
    found = look(settings, seeds, stores, now=datetime.now(UTC))  # as the server's clock has it
    assert [each.name for each in found.values() if not each.good] == []
    assert summary(list(found.values())).startswith("well database: ")


def test_each_fault_is_found_with_its_mend(settings: Settings, seeds: Seeds, stores: Stores) -> None:
    source = next(each for each in seeds.sources if each.enabled and each.listings)
    kind, url = source.listings[0]
    stores.frontier.record_poll(Poll(url, source.name, kind, NOW - timedelta(hours=9), PollStatus.READ, listed=1), [])
    stores.frontier.record_poll(
        Poll("https://x.example/rss", "gone", Found.FEED, NOW + timedelta(minutes=5), PollStatus.READ, listed=1), []
    )
    stores.alerts.queue([alert("s", "desk")])
    known = stores.alerts.history()[0].queued.id
    long_ago = NOW - timedelta(hours=2)
    stores.alerts.settle(Delivery(known, 1, long_ago, Outcome.PERMANENT, "403"), AlertState.DEAD, NOW)
    stores.jobs.plan({"poll": ("every 1 s", NOW)})
    for _ in range(2):
        stores.jobs.record(JobRun("poll", NOW, 1.0, JobResult.FAILED, "disk full"), NOW)
    found = look(settings, seeds, stores)
    wrong = {name: f"{each.found} — {each.mend}" for name, each in found.items() if not each.good}
    assert set(wrong) == {"clock", "channels", "alerts", "sources", "jobs"}
    assert "300 s ahead" in wrong["clock"]
    assert "desk has accepted nothing since" in wrong["channels"]
    assert "tripoint alerts test desk" in wrong["channels"]
    assert "1 given up" in wrong["alerts"]
    assert f"not read in time: {source.name} —" in wrong["sources"]
    assert "poll failed 2 times in a row" in wrong["jobs"]
    assert summary(list(found.values())).startswith("WRONG clock: ")
    assert look_at("sources", settings, seeds, stores, begun=NOW).good  # it is being made up for
    assert not look_at("channels", settings, seeds, stores, channels=()).good
    assert not look_at("clock", settings, seeds, stores, now=datetime(2001, 1, 1, tzinfo=UTC)).good


def test_a_fault_is_told_once_and_once_when_it_is_over(stores: Stores) -> None:
    def update_(good: bool, minutes: int) -> int:
        found = Check("disk", good, "12 MiB free", "" if good else "free some space")
        tell = lambda check, since: check_alerts(check, since, ("desk", "chat"))  # noqa: E731 - shorter
        return stores.checks.update([found], NOW + timedelta(minutes=minutes), tell)

    assert [update_(True, 0), update_(False, 1), update_(False, 2), update_(True, 3), update_(True, 4)] == [
        0,
        2,
        0,
        2,
        0,
    ]
    assert update_(False, 5) == 2  # anew
    titles = [
        each.queued.alert.evidence.title for each in stores.alerts.history() if each.queued.alert.key.channel == "desk"
    ]
    assert sorted(set(titles)) == ["Self-check: disk is well again", "Self-check: disk is wrong"]
    kept = stores.checks.everything()
    assert [(each.check.good, each.since) for each in kept] == [(False, NOW + timedelta(minutes=5))]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_broken_index_is_found_on_postgresql(stores: Stores) -> None:
    assert "no damage known" in check_whole(stores.database)
    with stores.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_articles_source'::regclass"
        )
    with pytest.raises(StorageError, match="broken indexes: ix_articles_source — REINDEX INDEX"):
        check_whole(stores.database)


def _edited(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_disk_seeds_and_calibration_are_told_once_when_they_go_bad_and_once_when_they_are_mended(
    url: str, stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "seeds"
    copy_seeds(folder)
    settings = load_settings(None, {"database": {"url": url}, "seeds": {"folder": str(folder)}}, {})
    seeds, minutes = load_seeds(folder), iter(range(99))
    policies, calibration = folder / "policies.toml", folder / "calibration.json"
    example = next((folder / "examples").glob("*.jsonl"))
    good = {file: file.read_text(encoding="utf-8") for file in (policies, calibration, example)}

    def told() -> tuple[dict[str, str], list[str]]:
        """Look, and return what is wrong with its mend, and what the operator was told of this time."""
        at, known = datetime.now(UTC) + timedelta(seconds=next(minutes)), len(stores.alerts.history(limit=99))
        found = list(examine(settings, seeds, stores, datetime.now(UTC), BEGUN, ("desk",), lambda: settings))
        queued = stores.checks.update(found, at, lambda check, since: check_alerts(check, since, ("desk",)))
        new = [each.queued.alert.evidence.title for each in stores.alerts.history(limit=99)][:queued]
        assert len(stores.alerts.history(limit=99)) == known + queued
        return {each.name: f"{each.found} — {each.mend}" for each in found if not each.good}, sorted(new)

    # No room, and a file of weights that somebody cut short: the seeds cannot be read any more.
    monkeypatch.setattr("tripoint.app.disk.LEAST_FREE_BYTES", 2**62)
    calibration.write_text(good[calibration][:100], encoding="utf-8")
    wrong, titles = told()
    assert set(wrong) == {"disk", "seeds", "calibration"}
    assert f"MiB free in {tmp_path} — free some space" in wrong["disk"]
    for name in ("seeds", "calibration"):
        assert wrong[name].startswith(f"{calibration}: not as `calibrate` writes it")
        assert wrong[name].endswith("— run `tripoint calibrate` again")
    assert titles == [f"Self-check: {each} is wrong" for each in ("calibration", "disk", "seeds")]
    assert told()[1] == []  # once

    # Mended, but edited and not in use, and weights that no longer fit the examples.
    monkeypatch.undo()
    calibration.write_text(good[calibration], encoding="utf-8")
    _edited(policies, 'name = "relevant"', 'name = "relevant-too"')
    _edited(example, '"title": "', '"title": "Edited. ')
    wrong, titles = told()
    assert wrong["seeds"] == "edited and not in use: policies.toml — tripoint reload"
    assert wrong["calibration"].endswith("changed since it was fitted — tripoint calibrate")
    assert titles == ["Self-check: disk is well again"]

    for file, text in good.items():
        file.write_text(text, encoding="utf-8")
    assert told() == ({}, ["Self-check: calibration is well again", "Self-check: seeds is well again"])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_doctor_and_self_check_call_the_same_disk_full(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {each["check"]: each for each in json.loads(house.said("doctor", "--json"))}
    assert rows["disk"]["good"]
    monkeypatch.setattr("tripoint.app.disk.LEAST_FREE_BYTES", room_of(settings).free_bytes * 2)
    rows = {each["check"]: each for each in json.loads(house.said("doctor", "--json"))}
    assert not rows["disk"]["good"]
    assert rows["disk"]["mend"].startswith("free some space")
    assert not room_of(settings).is_enough


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    settings = load_settings(None, {"database": {"url": f"sqlite:///{tmp_path}/gone/x.db"}}, {})
    with pytest.raises(StorageError, match=r"cannot look at .*/gone: No such file"):
        room_of(settings)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_settings_with_which_the_next_start_would_fail_are_found(
    url: str, seeds: Seeds, stores: Stores, tmp_path: Path
) -> None:
    file, secret = tmp_path / "tripoint.toml", tmp_path / "chat"
    written = f'[database]\nurl = "{url}"\n[channels.chat]\nurl_file = "{secret}"\n'
    file.write_text(written, encoding="utf-8")
    secret.write_text("console://", encoding="utf-8")
    in_use = load_settings(file, {}, {})

    def found() -> Check:
        return look_at("settings", in_use, seeds, stores, read=lambda: load_settings(file, {}, {}))

    assert found().good
    file.write_text(f"{written}[crawl]\ndelay_s = 3.5\n", encoding="utf-8")
    assert found().found == "edited and not in use: crawl.delay_s"
    file.write_text(f"{written}[crawl]\ndelay = 3.5\n", encoding="utf-8")
    assert found().found == f"{file}:6: unknown setting `crawl.delay`"
    assert found().mend == "did you mean `delay_s`?"
    file.write_text(written, encoding="utf-8")
    secret.unlink()
    assert found().found == f"channel `chat`: cannot read {secret}"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_readers_judged_does_not_hide_that_the_examples_changed(url: str, stores: Stores, tmp_path: Path) -> None:
    folder = tmp_path / "seeds"
    copy_seeds(folder)
    few, *others = sorted((folder / "examples").glob("english-*.jsonl"))
    for each in (*others, *(folder / "examples").glob("vietnamese-*.jsonl")):
        each.unlink()
    settings = load_settings(None, {"database": {"url": url}, "seeds": {"folder": str(folder)}}, {})
    seeds = load_seeds(folder, with_fit=False)
    judged = Feedback(1, "russia-pakistan-us", True, "", NOW, "Judged", "By a reader.", "en")
    fits = fit(seeds, folder, (*load_examples(folder), *feedback_examples([judged])))
    write(folder, as_json(fits))
    assert look_at("calibration", settings, seeds, stores).good
    _edited(few, '"title": "', '"title": "Edited. ')
    assert look_at("calibration", settings, seeds, stores).mend == "tripoint calibrate"
