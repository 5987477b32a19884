"""Who may see the page: settings that would show it to anybody are refused, and a token is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tripoint.app.settings import WebSection
from tripoint.app.web.access import SESSION_DAYS, access_of
from tripoint.domain.errors import SettingsError

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize(
    "said",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.0.2.7"},
        {"host": "desk.example.org"},
        {"public_url": "https://desk.example.org"},
    ],
)
def test_beyond_loopback_a_token_is_needed(said: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        access_of(WebSection(**said), {})
    assert "web.token_env" in str(refused.value)
    assert access_of(WebSection(**said, token_env="T"), {"T": TOKEN}).token == TOKEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert not access_of(WebSection(host=host), {}).token


@pytest.mark.parametrize(
    ("said", "environ", "word"),
    [
        ({"token_env": "T"}, {}, "missing"),
        ({"token_env": "T"}, {"T": "short"}, "too short"),
        ({"token_file": Path("/nowhere/token")}, {}, "cannot read"),
        ({"token_env": "T", "token_file": Path("/x")}, {"T": TOKEN}, "both"),
        ({"public_url": "desk.example.org", "token_env": "T"}, {"T": TOKEN}, "no address"),
        ({"public_url": "https://desk.example.org/news", "token_env": "T"}, {"T": TOKEN}, "without a path"),
    ],
)
def test_what_cannot_be_is_said(said: dict[str, Any], environ: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsError, match=word) as refused:
        access_of(WebSection(**said), environ)
    assert TOKEN not in str(refused.value)


def test_the_token_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    access = access_of(WebSection(token_file=tmp_path / "token"), {})
    assert access.accepts(TOKEN)
    assert not access.accepts(f"{TOKEN} ")
    assert not access.accepts("")
    assert TOKEN not in repr(access)


def test_a_session_is_signed_and_grows_old() -> None:
    access = access_of(WebSection(token_env="T"), {"T": TOKEN})
    other = access_of(WebSection(token_env="T"), {"T": TOKEN + "!"})
    cookie = access.session(1000.0)
    assert access.accepts_session(cookie, 1000.0 + 60)
    assert not other.accepts_session(cookie, 1060.0)
    assert not access.accepts_session(cookie, 1000.0 + SESSION_DAYS * 86400 + 1)
    assert not access.accepts_session(cookie.replace("1000.", "2000."), 2000.0)
    assert not access.accepts_session("", 1000.0)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:8734", True),
        ("127.0.0.1:8734", True),
        ("[::1]:8734", True),
        ("DESK.example.org", True),
        ("evil.example", False),
        ("evil.example:8734", False),
        ("", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_other_names_are_not_ours(host: str, *, known: bool) -> None:
    web = WebSection(public_url="https://desk.example.org", token_env="T")
    assert access_of(web, {"T": TOKEN}).knows_host(host) is known
