"""The whole product by its command line, against the newsroom on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.house import House
from tests.mail import MailServer
from tests.newsroom import (
    DeskOutlet,
    EmptyBody,
    Encoded,
    Hang,
    Huge,
    Malformed,
    NewsroomThread,
    Redirect,
    RedirectLoop,
    Status,
    Truncated,
    WrongCharset,
    events_of,
    events_told,
)
from tripoint.app.cli.doctor import library

STOP_WITHIN_S = 10
SUMMARY = "[Tripoint] Found now, and older"  # of what is too old to be told one by one


def _told(desk: list[DeskOutlet], alerts: list[dict[str, Any]]) -> list[str]:
    """Return the events that alerts tell, none of them twice as new; an update goes to nobody who missed the story."""
    alerts = [each for each in alerts if not each["held_for"] and not each["digest"]]  # what is old has a summary
    new = [each for each in alerts if each["kind"] == "new"]
    assert {each["story"] for each in alerts} == {each["story"] for each in new}
    told = events_of(desk, (each["evidence"]["title"] for each in new))
    assert len(told) == len(set(told))
    return sorted(set(events_of(desk, (each["evidence"]["title"] for each in alerts))))


def _mailed(desk: list[DeskOutlet], mail: MailServer) -> list[str]:
    mails = [each for each in mail.received if not each.subject.startswith(SUMMARY)]
    subjects = [each.subject.removeprefix("[Tripoint] ").rsplit(" — ", 1)[0] for each in mails]
    told = events_of(desk, (each for each in subjects if not each.startswith("Update: ")))
    assert len(told) == len(set(told))
    return sorted(set(events_of(desk, (each.removeprefix("Update: ") for each in subjects))))


def _paths(desk: list[DeskOutlet]) -> set[str]:
    return {page.page.path for outlet in desk for page in outlet.pages}


def test_a_second_pass_fetches_nothing_and_tells_nothing(
    reading_house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    reading_house.run("crawl", "--quiet")
    alerts = reading_house.json("alerts", "list")
    assert _told(desk, alerts) == events_told(desk)
    room.forget()
    report = json.loads(reading_house.run("crawl", "--quiet", "--json").stdout.splitlines()[-1])
    assert report["results"] == {"listings unchanged": 4}
    assert {each.status for each in room.requests if each.path == "/rss.xml"} == {304}
    assert not {each.path for each in room.requests} & _paths(desk)
    assert len(reading_house.json("alerts", "list")) == len(alerts)


def test_every_kind_of_listing_finds_the_same_articles_once(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    for listing in ("atom", "json", "sitemap", "section"):
        house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk], [listing])
        house.run("crawl", "--quiet")
    articles = sum(page.kind == "article" for outlet in desk for page in outlet.pages)
    assert house.rows("select count(*) from articles") == [(articles,)]
    assert house.rows("select count(*) from revisions") == [(articles,)]


def test_a_known_page_under_another_address_is_not_fetched_again(
    reading_house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    reading_house.run("crawl", "--quiet")
    told = len(reading_house.json("alerts", "list"))
    outlet = next(each for each in desk if each.outlet.name == "indus-courier")
    page = next(each for each in outlet.pages if each.is_told).page
    url = f"{room.base('indus-courier')}{page.path}?utm_source=feed"
    room.behave("indus-courier", "/rss.xml", Malformed(_feed(url), "application/rss+xml"))
    room.forget()
    report = json.loads(reading_house.run("crawl", "--quiet", "--json").stdout.splitlines()[-1])
    assert report["new_candidates"] == 0
    assert room.count("indus-courier", page.path) == 0
    assert len(reading_house.json("alerts", "list")) == told


def _feed(*urls: str) -> str:
    items = "".join(f"<item><title>One</title><link>{url}</link></item>" for url in urls)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'


def test_what_a_site_gets_wrong_is_recorded_and_hurts_nothing_else(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = next(each for each in desk if each.outlet.name == "bien-thuy")
    paths = [page.page.path for page in outlet.pages if page.kind == "article"]
    wrong = {
        paths[0]: (Status(404), "HTTP 404"),
        paths[1]: (Status(503), "HTTP 503"),
        paths[2]: (Hang(), "no answer in time"),
        paths[3]: (Truncated(400), "the answer was cut off"),
        paths[4]: (Huge(3_000_000), "larger than the limit"),
        paths[5]: (RedirectLoop(), "too many redirects"),
        paths[6]: (Status(500), "HTTP 500"),
    }
    for path, (behaviour, _) in wrong.items():
        room.behave("bien-thuy", path, behaviour)
    house.settings["crawl"] |= {"timeout_s": 1.5, "max_page_bytes": 1_000_000}
    house.reads([(outlet.outlet, room.base("bien-thuy"))])
    house.run("crawl", "--quiet")
    reasons = {url.split("/", 3)[3]: reason for url, reason in house.rows("select url, reason from frontier")}
    assert {path: reasons[path[1:]] for path in wrong} == {path: reason for path, (_, reason) in wrong.items()}
    state = dict(house.rows("select url, state from frontier"))
    base = room.base("bien-thuy")
    assert [state[base + path] for path in paths[:7]] == [
        "failed", "pending", "pending", "pending", "failed", "failed", "pending",
    ]  # fmt: skip
    assert house.rows("select count(*) from articles") == [(len(paths) - 7,)]
    (waiting,) = house.rows(
        f"select (julianday(due_at) - julianday('now')) * 86400 from frontier where url = '{base}{paths[1]}'"  # noqa: S608
    )
    assert 0 < waiting[0] <= 60


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_packed_answers_are_read(coding: str, house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    room.behave("quan-su-24h", "*", Encoded(coding))  # type: ignore[arg-type]
    outlet = next(each for each in desk if each.outlet.name == "quan-su-24h")
    house.reads([(outlet.outlet, room.base("quan-su-24h"))])
    house.run("crawl", "--quiet")
    titles = {title for (title,) in house.rows("select title from articles")}
    assert titles == {page.page.title for page in outlet.pages if page.kind == "article"}


def test_redirects_and_wrong_charsets_end_at_the_right_text(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    house.settings["crawl"]["follow_links"] = "none"
    outlet = next(each for each in desk if each.outlet.name == "quan-su-24h")
    pages = [page for page in outlet.pages if page.kind == "article"]
    room.behave(
        "quan-su-24h",
        "/rss.xml",
        Malformed(
            _feed(*(f"{room.base('quan-su-24h')}{each}" for each in ("/old", pages[1].page.path))),
            "application/rss+xml",
        ),
    )
    room.behave("quan-su-24h", "/old", Redirect("/older"))
    room.behave("quan-su-24h", "/older", Redirect(pages[0].page.path, status=302))
    room.behave("quan-su-24h", pages[1].page.path, WrongCharset(declared="iso-8859-1", actual="utf-8"))
    house.reads([(outlet.outlet, room.base("quan-su-24h"))])
    house.run("crawl", "--quiet")
    stored = dict(house.rows("select title, url from articles"))
    assert set(stored) == {pages[0].page.title, pages[1].page.title}
    assert stored[pages[0].page.title].endswith(pages[0].page.path)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Malformed("<html><body>Maintenance</body></html>"), "an HTML page instead of a feed"),
        (EmptyBody(), "the answer is empty"),
        (Status(503), "HTTP 503"),
    ],
)
def test_a_listing_that_cannot_be_read_is_told_by_doctor(
    behaviour: Status, reason: str, reading_house: House, room: NewsroomThread
) -> None:
    room.behave("bien-thuy", "/rss.xml", behaviour)
    reading_house.run("crawl", "--quiet")
    found = json.loads(reading_house.run("doctor", "--json", code=1).stdout)
    wrong = [each["found"] for each in found if not each["good"]]
    assert len(wrong) == 1
    assert reason in wrong[0]


@pytest.mark.parametrize(
    ("version", "is_mended"),
    [
        ((3, 40, 1), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_the_doctor_tells_of_a_sqlite_that_may_damage_its_log(version: tuple[int, ...], is_mended: bool) -> None:
    finding = library(version)
    assert finding.good  # most systems have one: it is told, and is no error
    assert ("walresetbug" not in finding.mend) == is_mended
    assert finding.found == "SQLite " + ".".join(map(str, version))


def test_robots_are_obeyed(house: House, desk: list[DeskOutlet]) -> None:
    outlet = next(each.outlet for each in desk if each.outlet.name == "bien-thuy")
    path = outlet.pages[0].path
    outlet.robots = f"User-agent: *\nDisallow: {path}\n"
    with NewsroomThread([outlet]) as room:
        house.reads([(outlet, room.base("bien-thuy"))])
        house.run("crawl", "--quiet")
        assert room.count("bien-thuy", path) == 0
        assert room.count("bien-thuy", "/robots.txt") == 1
    assert house.rows("select reason from frontier where state = 'failed'") == [("robots.txt forbids it",)]


def test_a_crawl_delay_is_kept(house: House, desk: list[DeskOutlet]) -> None:
    """Trap: Scrapy parses it and does not apply it."""
    outlet = next(each.outlet for each in desk if each.outlet.name == "bien-thuy")
    outlet.pages = outlet.pages[:4]
    outlet.robots = "User-agent: *\nCrawl-delay: 0.3\n"
    with NewsroomThread([outlet]) as room:
        house.settings["crawl"]["follow_links"] = "none"
        house.reads([(outlet, room.base("bien-thuy"))])
        house.run("crawl", "--quiet")
        moments = [each.at for each in room.requests if each.path.endswith(".html")]
    assert len(moments) == 4
    assert min(later - earlier for earlier, later in pairwise(moments)) > 0.25


def test_robots_that_cannot_be_asked_forbid_for_now(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    room.behave("bien-thuy", "/robots.txt", Status(503))
    house.reads([(desk[0].outlet, room.base("bien-thuy"))])
    house.run("crawl", "--quiet")
    assert room.count("bien-thuy", "/rss.xml") == 0
    assert house.rows("select error from listings") == [("robots.txt cannot be reached",)]


def test_the_service_stops_cleanly_and_loses_nothing(
    reading_house: House, desk: list[DeskOutlet], mail: MailServer
) -> None:
    house = reading_house
    house.settings["channels"] = {"desk": {"url_env": "MAIL"}}
    house.settings["crawl"]["delay_s"] = 0.2
    house.environment |= {"MAIL": mail.url(), "SSL_CERT_FILE": str(mail.authority)}
    service = house.start("run", "--interval", "1")
    assert service.stderr is not None
    assert "watching" in service.stderr.readline()
    while not house.rows("select 1 from articles limit 1"):
        assert service.poll() is None
    begun = time.monotonic()
    service.send_signal(signal.SIGTERM)
    _, errors = service.communicate(timeout=30)
    assert time.monotonic() - begun < STOP_WITHIN_S
    assert service.returncode == 0, errors
    assert "Traceback" not in errors
    house.settings["crawl"]["delay_s"] = 0.0
    house.run("crawl", "--quiet")
    assert _mailed(desk, mail) == events_told(desk)


def test_two_at_once_on_one_database_are_refused(reading_house: House) -> None:
    service = reading_house.start("run", "--interval", "60")
    assert service.stderr is not None
    service.stderr.readline()
    refused = reading_house.run("crawl", code=1)
    assert f"process {service.pid}" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    service.send_signal(signal.SIGTERM)
    service.communicate(timeout=30)


def test_mail_waits_for_a_server_that_is_down(reading_house: House, desk: list[DeskOutlet], mail: MailServer) -> None:
    house = reading_house
    house.settings["channels"] = {"desk": {"url_env": "MAIL"}}
    house.settings["alerts"] = {"first_retry_s": 1.0}
    house.environment |= {"MAIL": mail.url(), "SSL_CERT_FILE": str(mail.authority)}
    mail.inbox.refusal = "451 try again later"
    house.run("crawl", "--quiet")
    alerts = house.json("alerts", "list")
    assert {each["state"] for each in alerts if not each["held_for"]} == {"pending"}
    assert mail.received == []
    mail.inbox.refusal = ""
    passes = 0
    while house.rows("select 1 from alerts where state not in ('sent', 'digested')"):
        house.run("crawl", "--quiet")
        passes += 1
        assert passes < 20
    sent = house.json("alerts", "list", "--state", "sent")
    assert _told(desk, sent) == events_told(desk)
    assert len(mail.received) == len(sent) == len([each for each in alerts if not each["held_for"]])
    assert house.rows("select id from articles where id not in (select article_id from alert_decisions)") == []
    ((old,),) = house.rows("select article_id from alert_decisions where verdict = 'too-old' limit 1")
    assert {each["verdict"] for each in house.json("alerts", "why", str(old))} == {"too-old"}
    (summary,) = [each for each in mail.received if each.subject.startswith(SUMMARY)]
    assert "last 30 days" in summary.text


def test_a_refused_login_is_final_and_its_password_is_nowhere(reading_house: House, mail: MailServer) -> None:
    house = reading_house
    house.settings["channels"] = {"desk": {"url_env": "MAIL"}}
    house.environment |= {"MAIL": mail.url(password="wrong-secret-word"), "SSL_CERT_FILE": str(mail.authority)}
    done = house.run("--verbose", "crawl")
    alerts = house.run("alerts", "list", "--json").stdout
    assert {each["state"] for each in json.loads(alerts) if not each["held_for"]} == {"dead"}
    given_up = house.json("alerts", "failed")
    assert len(given_up) == len([each for each in json.loads(alerts) if not each["held_for"]])
    assert house.json("alerts", "retry", str(given_up[0]["id"]))["changed"] == 1
    assert house.json("alerts", "show", str(given_up[0]["id"]))["state"] == "pending"
    assert house.json("alerts", "drop", "--all")["changed"] == len(given_up) - 1
    assert house.json("alerts", "failed") == []
    assert house.json("alerts", "resend", str(given_up[1]["id"]))["changed"] == 1
    assert "alert 9999 is none that is" in house.run("alerts", "drop", "9999", code=2).stderr
    house.run("alerts", "drop", str(given_up[0]["id"]), str(given_up[1]["id"]))
    doctor = house.run("doctor", code=None)
    said = done.stdout + done.stderr + alerts + doctor.stdout + doctor.stderr
    assert "wrong-secret-word" not in said
    for file in house.folder.glob("tripoint.db*"):
        assert b"wrong-secret-word" not in file.read_bytes()


def test_score_answers_each_line(house: House) -> None:
    lines = [
        json.dumps({"id": "a", "title": "Nga và Pakistan tập trận", "text": "Quân đội Nga và Pakistan tập trận."}),
        "not json",
        json.dumps({"id": 3, "title": "", "text": "Cricket in Lahore.", "lang": "en"}),
        json.dumps({"id": 4}),
        json.dumps(["no", "object"]),
    ]
    done = house.run("score", "--jsonl", "-", stdin="\n".join(lines) + "\n", code=1)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["id"] for each in answers] == ["a", None, 3, 4, None]
    assert answers[0]["relevant"] is True
    assert answers[2]["relevant"] is False
    assert ["error" in each for each in answers] == [False, True, False, True, True]
    for hit in answers[0]["hits"]:
        text = json.loads(lines[0])[hit["zone"]]
        assert text[hit["start"] : hit["end"]] == hit["surface"]
        assert hit["surface"] in hit["sentence"]


def test_score_reads_a_text_a_file_and_an_address(house: House, desk: list[DeskOutlet], room: NewsroomThread) -> None:
    told = next(page for page in desk[0].pages if page.is_told)
    url = room.base(desk[0].outlet.name) + told.page.path
    assert house.json("score", url)["relevant"] is True
    file = house.folder / "page.html"
    file.write_bytes(told.page.body("http://127.0.0.1"))
    assert house.json("score", str(file))["relevant"] is True
    assert house.json("score", "Russia and Pakistan signed a military training agreement.")["relevant"] is True
    assert "relevant" in house.run("score", "Pakistan won the toss and chose to bat.").stdout
    refused = house.run("score", "missing.txt", code=2)
    assert "no such file" in refused.stderr


def test_init_never_overwrites_what_was_edited(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    first = house.json("init", str(folder))
    assert {each["action"] for each in first} == {"written"}
    edited = folder / "topics" / "russia-pakistan-us.toml"
    edited.write_text(
        edited.read_text(encoding="utf-8").replace("threshold = 0.5", "threshold = 0.6"), encoding="utf-8"
    )
    (folder / "sources" / "english.toml").unlink()
    second = {each["path"]: each["action"] for each in house.json("init", str(folder))}
    assert second["topics/russia-pakistan-us.toml"] == "kept"
    assert second["sources/english.toml"] == "written"
    assert "threshold = 0.6" in edited.read_text(encoding="utf-8")
    assert sorted(set(second.values())) == ["kept", "unchanged", "written"]


def test_a_mistake_in_a_seed_is_one_line_that_says_where_and_how(house: House) -> None:
    file = house.folder / "seeds" / "sources" / "newsroom.toml"
    entry = '[[source]]\nname = "a"\noutlet = "A"\nlanguage = "vi"\ncountry = "VN"\ntimezone = "Asia/Hanoi"\n'
    file.write_text(entry + 'homepage = "https://a.example/"\nfeeds = ["https://a.example/rss"]\n', encoding="utf-8")
    done = house.run("sources", "list", code=2)
    (line,) = done.stderr.strip().splitlines()
    assert 'newsroom.toml:6: "Asia/Hanoi" is no time zone — write an IANA name' in line


@pytest.mark.parametrize(
    ("settings", "environment", "said"),
    [
        ({"crawl": {"dely_s": 1}}, {}, "unknown setting `crawl.dely_s` — did you mean `delay_s`?"),
        ({"crwl": {"delay_s": 1}}, {}, "unknown setting `crwl` — did you mean `crawl`?"),
        ({}, {"TRIPOINT_CRAWL__CONCURENCY": "3"}, "did you mean `concurrency`?"),
        ({}, {"TRIPOINT_NONSENSE": "3"}, "TRIPOINT_NONSENSE names no setting"),
        ({"channels": {"a": {"url": "mailto://u:p@h"}}}, {}, "channels.a.url may hold a secret"),
        ({"channels": {"a": {"url_env": "NOT_SET_ANYWHERE"}}}, {}, "NOT_SET_ANYWHERE is not set"),
        ({"run": {"interval_s": "soon"}}, {}, "run.interval_s"),
    ],
)
def test_a_wrong_setting_is_one_line(
    settings: dict[str, dict[str, object]], environment: dict[str, str], said: str, house: House
) -> None:
    house.settings |= settings
    house.environment |= environment
    done = house.run("crawl", code=2)
    (line,) = done.stderr.strip().splitlines()
    assert said in line


def test_options_beat_the_environment_which_beats_the_file(house: House) -> None:
    house.settings["run"] = {"interval_s": 100}
    house.environment["TRIPOINT_RUN__INTERVAL_S"] = "200"
    for options, wanted in (((), "every 200 s"), (("--interval", "300"), "every 300 s")):
        service = house.start("run", *options)
        assert service.stderr is not None
        assert wanted in service.stderr.readline()
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=30)


def test_every_verb_has_an_example(house: House) -> None:
    for verb in (["init"], ["crawl"], ["run"], ["score"], ["sources", "list"], ["alerts", "list"], ["doctor"]):
        assert "Example: tripoint" in house.run(*verb, "--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_sees_progress_while_it_goes_on(
    reading_house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    import pty

    ours, theirs = pty.openpty()
    environ = {**reading_house.environ(), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        reading_house.command("crawl"), env=environ, cwd=reading_house.folder, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 65536)
        except OSError:  # Linux' way to say that the other side has closed
            break
    os.close(ours)
    assert process.wait(timeout=30) == 0
    shown = seen.decode()
    assert "pages waiting" in shown
    assert "\x1b[2K" in shown  # the line is drawn anew, not printed again and again
    told = reading_house.json("alerts", "list")
    assert _told(desk, told) == events_told(desk)
    assert all(each["evidence"]["title"][:40] in " ".join(shown.split()) for each in told)
