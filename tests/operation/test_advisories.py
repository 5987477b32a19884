"""Known vulnerabilities: told, and never taken for none where nobody could be asked."""

from __future__ import annotations

import json

from tests.advisories import judged

FINE = {"name": "scrapy", "version": "2.19", "vulns": []}
BAD = {"name": "lxml", "version": "1.0", "vulns": [{"id": "GHSA-x", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "lxml", "skip_reason": "Dependency not found on PyPI and could not be audited: lxml (1.0)"}


def said(*libraries: object) -> str:
    return json.dumps({"dependencies": libraries, "fixes": []})


def test_what_is_vulnerable_fails_the_check() -> None:
    code, lines = judged(lambda _service: said(FINE, BAD))
    assert code == 1
    assert lines[0] == "advisories: lxml 1.0: GHSA-x, mended in 1.1"


def test_all_asked_and_nothing_known_is_an_all_clear() -> None:
    assert judged(lambda _service: said(FINE)) == (0, ["advisories: pypi was asked about 1 libraries: 0 known"])


def test_nobody_asked_is_said_and_is_no_all_clear() -> None:
    """As where a mirror knows packages and no advisories: pip-audit leaves all of them out and exits 0."""
    for nothing in ("", said(UNKNOWN, UNKNOWN)):
        code, lines = judged(lambda _service, nothing=nothing: nothing)
        assert code == 0
        assert lines == ["advisories: NOT ASKED, nothing is known: neither pypi nor osv answers from here"]
        assert judged(lambda _service, nothing=nothing: nothing, must_ask=True)[0] == 1


def test_what_was_left_out_is_named() -> None:
    code, lines = judged(lambda _service: said(FINE, UNKNOWN))
    assert (code, lines[-1]) == (0, "advisories: NOT ASKED about 1: lxml")
    assert judged(lambda _service: said(FINE, UNKNOWN), must_ask=True)[0] == 1


def test_the_next_service_is_asked_where_the_first_knows_nothing() -> None:
    asked: list[str] = []

    def ask(service: str) -> str:
        asked.append(service)
        return said(FINE) if service == "osv" else said(UNKNOWN)

    assert judged(ask)[1] == ["advisories: osv was asked about 1 libraries: 0 known"]
    assert asked == ["pypi", "osv"]
