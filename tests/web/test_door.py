"""The door: foreign names, foreign forms and missing tokens stay outside, and each answer carries its headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from tests.newsroom import DeskOutlet
from tests.web.archive import sources_of
from tests.web.served import Served, serving, settings_in
from tripoint.app.seeds import load_seeds

TOKEN = "correct-horse-battery-staple"
TIMEOUT_S = 60
FORM_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@pytest.fixture
def closed(tmp_path: Path, desk: list[DeskOutlet]) -> Iterator[Served]:
    """Serve a page that asks for a token."""
    (tmp_path / "token").write_text(TOKEN)
    seeds = replace(load_seeds(), sources=sources_of(desk))
    with serving(settings_in(tmp_path, token_file=tmp_path / "token"), seeds) as served:
        yield served


@pytest.fixture
def visitor() -> Iterator[requests.Session]:
    """Visit as a browser does: with cookies."""
    with requests.Session() as session:
        yield session


def form_token(visitor: requests.Session, url: str) -> str:
    found = FORM_TOKEN.search(visitor.get(url, timeout=TIMEOUT_S).text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", ["/", "/alerts", "/nowhere", "/articles/999999", "/?days=x", "/login"])
def test_every_answer_carries_the_headers(page: Served, path: str) -> None:
    answer = requests.get(page.address + path, timeout=TIMEOUT_S)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "style=" not in answer.text
    assert not re.search(r"<script(?![^>]* src=)", answer.text)
    assert not re.search(r"""(src|href|action)=["']?(https?:)?//(?!\w+\.example)""", answer.text)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_is_not_answered(page: Served, host: str) -> None:
    answer = requests.get(page.address, headers={"Host": host}, timeout=TIMEOUT_S)
    assert answer.status_code in {400, 421}
    assert "Stories" not in answer.text


def test_without_the_token_nothing_is_shown(closed: Served, visitor: requests.Session) -> None:
    answer = visitor.get(closed.address + "/alerts", allow_redirects=False, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/alerts")
    assert visitor.get(closed.address + "/api/v1/stories", timeout=TIMEOUT_S).status_code == 401
    assert visitor.post(closed.address + "/articles/1/feedback", timeout=TIMEOUT_S).status_code == 401
    assert visitor.get(closed.address + "/", headers={"Authorization": "Bearer x"}, timeout=TIMEOUT_S).url.endswith(
        "/login?next=/"
    )


def test_the_token_lets_in_once_and_for_all(closed: Served, visitor: requests.Session) -> None:
    login = closed.address + "/login"
    sent = {"csrf": form_token(visitor, login), "next": "/alerts"}
    wrong = visitor.post(login, data={**sent, "token": "wrong"}, timeout=TIMEOUT_S)
    assert wrong.status_code == 401
    right = visitor.post(login, data={**sent, "token": TOKEN}, allow_redirects=False, timeout=TIMEOUT_S)
    assert (right.status_code, right.headers["location"]) == (303, "/alerts")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert TOKEN not in cookie
    assert visitor.get(closed.address + "/alerts", allow_redirects=False, timeout=TIMEOUT_S).status_code == 200
    out = {"csrf": form_token(visitor, closed.address)}
    visitor.post(closed.address + "/logout", data=out, timeout=TIMEOUT_S)
    assert visitor.get(closed.address + "/", allow_redirects=False, timeout=TIMEOUT_S).status_code == 303


def test_a_program_sends_the_token_as_bearer(closed: Served) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(closed.address + "/alerts", headers=headers, allow_redirects=False, timeout=TIMEOUT_S)
    assert answer.status_code == 200


def test_guessing_is_slowed(closed: Served, visitor: requests.Session) -> None:
    login = closed.address + "/login"
    csrf = form_token(visitor, login)
    codes = [
        visitor.post(login, data={"csrf": csrf, "token": f"guess{n}"}, timeout=TIMEOUT_S).status_code for n in range(25)
    ]
    assert codes[0] == 401
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "where", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nSet-Cookie: x"]
)
def test_login_leads_to_no_other_site(closed: Served, visitor: requests.Session, where: str) -> None:
    login = closed.address + "/login"
    sent = {"csrf": form_token(visitor, login), "token": TOKEN, "next": where}
    answer = visitor.post(login, data=sent, allow_redirects=False, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_form_needs_its_token_and_its_visit(page: Served, visitor: requests.Session) -> None:
    url = f"{page.address}/articles/1/feedback"
    said = {"topic": "russia-pakistan-us", "verdict": "relevant"}
    assert visitor.post(url, data=said, timeout=TIMEOUT_S).status_code == 403
    csrf = form_token(visitor, f"{page.address}/articles/1")
    assert requests.post(url, data={**said, "csrf": csrf}, timeout=TIMEOUT_S).status_code == 403
    assert visitor.post(url, data={**said, "csrf": "0" * 64}, timeout=TIMEOUT_S).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = visitor.post(url, data={**said, "csrf": csrf}, headers=headers, timeout=TIMEOUT_S)
        assert answer.status_code == 403
    assert page.stores.feedback.of_article(1) == {}


def test_a_body_without_end_is_refused(page: Served, visitor: requests.Session) -> None:
    csrf = form_token(visitor, f"{page.address}/articles/1")
    answer = visitor.post(
        f"{page.address}/articles/1/feedback", data={"csrf": csrf, "note": "x" * 100_000}, timeout=TIMEOUT_S
    )
    assert answer.status_code == 413
