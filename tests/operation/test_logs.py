"""The log: lines for a person on a terminal, JSON elsewhere, never a secret, never more lines than messages."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import House
from tests.operation.heard import Heard
from tripoint.app.hidden import secrets_of
from tripoint.app.logs import LONGEST, SERVICE, LogFormat, Logs
from tripoint.app.settings import load_settings

FORGED = 'gone\n{"level": "info", "message": "all is well"}\r\n2026-01-01 INFO \x1b[2J\u2028end'


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Return the root logger, and put back what was there."""
    found = logging.getLogger()
    handlers, level = list(found.handlers), found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)


def logged(stream: io.StringIO, form: LogFormat = LogFormat.AUTO, *, is_service: bool = True) -> Logs:
    logs = Logs(form, verbose=False, stream=stream)
    logs.install(is_service=is_service)
    return logs


def lines_of(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("stream", "form", "is_service", "is_json"),
    [
        (Screen(), LogFormat.AUTO, True, False),
        (io.StringIO(), LogFormat.AUTO, True, True),
        (io.StringIO(), LogFormat.AUTO, False, False),
        (Screen(), LogFormat.JSON, True, True),
        (io.StringIO(), LogFormat.HUMAN, True, False),
    ],
)
def test_who_reads_it_decides_the_form(
    root: logging.Logger, stream: io.StringIO, form: LogFormat, is_service: bool, is_json: bool
) -> None:
    logged(stream, form, is_service=is_service)
    logging.getLogger("storage.x").warning("the disk is full")
    logging.getLogger("storage.x").info("not worth a line")
    (line,) = lines_of(stream)
    if is_json:
        said = json.loads(line)
        assert (said["level"], said["logger"], said["message"]) == ("warning", "storage.x", "the disk is full")
        assert said["at"].endswith("+00:00")
    else:
        assert line.endswith(" UTC WARNING storage.x: the disk is full")


@pytest.mark.parametrize("form", [LogFormat.HUMAN, LogFormat.JSON])
def test_outside_text_adds_no_line_and_steers_no_terminal(root: logging.Logger, form: LogFormat) -> None:
    stream = io.StringIO()
    logged(stream, form)
    logging.getLogger("alerts.x").error("refused: %s", FORGED)
    logging.getLogger(SERVICE).info("%s", FORGED * 1000)
    try:
        raise ValueError(FORGED + "a whole article " * 100)
    except ValueError as error:
        logging.getLogger("scheduler.x").error("failed", exc_info=error)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 4
    assert lines.pop() == ""
    assert all(each.isprintable() for each in lines)
    assert all(len(each) < LONGEST + 1000 for each in lines)
    assert lines[2].count("a whole article") < 10
    assert "test_logs.py:" in lines[2]
    if form is LogFormat.JSON:
        first: Any = json.loads(lines[0])
        assert first["level"] == "error"
        assert first["message"].startswith("refused: gone {")


def test_no_secret_is_written(root: logging.Logger, tmp_path: Path) -> None:
    (tmp_path / "chat").write_text("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/")
    (tmp_path / "token").write_text("page-token-page-token")
    file = tmp_path / "tripoint.toml"
    file.write_text(
        f'[database]\nurl = "postgresql://u:data%2Fbase-pass@db/x"\n[web]\ntoken_file = "{tmp_path / "token"}"\n'
        f'[channels.mail]\nurl_env = "MAIL"\n[channels.chat]\nurl_file = "{tmp_path / "chat"}"\n'
    )
    environ = {"MAIL": "mailtos://me:p%40ssw0rd!@smtp.example.org?to=a@example.org"}
    settings = load_settings(file, {}, {})
    stream = io.StringIO()
    logs = logged(stream)
    logs.hider.learn(secrets_of(settings, environ))
    log = logging.getLogger("alerts.x")
    for said in (
        environ["MAIL"],
        "login with p@ssw0rd! failed",
        "login with p%40ssw0rd! failed",
        "POST https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        'FATAL: password "data/base-pass" is wrong for data%2Fbase-pass',
        "GET /feeds/all.xml?key=page-token-page-token",
        "https://someone:elses-password@example.org/x?api_key=elses-token&q=1",
    ):
        log.error("%s", said)
        try:
            raise OSError(said)
        except OSError as error:
            log.error("failed", exc_info=error)
    shown = stream.getvalue()
    for secret in ("p@ssw0rd", "p%40ssw0rd", "TIiajkdnlazk", "A1BRTD4JD", "base-pass", "page-token", "elses-"):
        assert secret not in shown
    assert "smtp.example.org" not in shown or "***" in shown
    assert len(lines_of(stream)) == 14
    assert "failed" in shown


def test_a_service_that_no_terminal_shows_writes_json_and_nothing_else(house: House) -> None:
    house.environment["DESK"] = "mailtos://me:secret-of-the-desk@127.0.0.1:9?from=b@example.org&to=a@example.org"
    house.settings["channels"] = {"desk": {"url_env": "DESK"}}
    heard = Heard(house.start("run"))
    heard.wait_for("the page is at")
    file = house.folder / "seeds" / "policies.toml"
    file.write_text("[[rule]]\nname = 3\n")
    heard.send(signal.SIGHUP)
    heard.wait_for("not reloaded")
    assert heard.end(signal.SIGTERM) == 0
    said = [json.loads(each) for each in heard.lines]
    assert [each["level"] for each in said] == ["info", "info", "error", "info"]
    assert f"{file}:2: `name` is a number" in said[2]["message"]
    assert said[-1]["message"].startswith("stopped")
    assert "secret-of-the-desk" not in "\n".join(heard.lines)


def test_an_error_that_ends_it_is_json_too_where_that_is_wanted(house: House) -> None:
    house.settings["run"] = {"timezone": "Nowhere"}
    done = house.run("--log-format", "json", "run", code=2)
    said = json.loads(done.stderr)
    assert said["level"] == "error"
    assert "`Nowhere` is no time zone" in said["message"]
    house.environment["TRIPOINT_LOG_FORMAT"] = "human"
    assert house.run("run", code=2).stderr.startswith("tripoint: ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_lines_for_a_person(house: House) -> None:
    import pty
    import subprocess

    ours, theirs = pty.openpty()
    service = subprocess.Popen(
        house.command("run"), env=house.environ(), cwd=house.folder, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while b"the page is at" not in seen:
        seen += os.read(ours, 4096)
    service.send_signal(signal.SIGTERM)
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # Linux says so when the other end has gone
        pass
    os.close(ours)
    assert service.wait(60) == 0
    shown = seen.decode().splitlines()
    assert shown[0].startswith("watching 0 sources")
    assert shown[-1].startswith("stopped")
