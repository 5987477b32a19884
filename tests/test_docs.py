"""Documentation that cannot rot: every setting, verb and package is named where a reader looks for it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tripoint.app.settings import ChannelSection, Settings

ROOT = Path(__file__).resolve().parents[1]
VERBS = (
    "init",
    "crawl",
    "run",
    "jobs",
    "reload",
    "web",
    "score",
    "stories",
    "story",
    "revisions",
    "search",
    "evidence",
    "migrate-archive",
    "backup",
    "restore",
    "prune",
    "install-service",
    "sources list",
    "sources check",
    "sources quarantine",
    "alerts list",
    "alerts policies",
    "alerts show",
    "alerts failed",
    "doctor",
    "topic list",
    "feedback",
    "coverage",
    "backfill",
    "audit",
    "calibrate",
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("section", Settings.model_fields)
def test_every_setting_is_documented(section: str) -> None:
    model = ChannelSection if section == "channels" else Settings.model_fields[section].annotation
    said = read("docs/settings.md")
    assert f"## [{section}" in said
    for key in model.model_fields:  # type: ignore[union-attr]
        assert f"| `{key}` |" in said


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"`tripoint {verb}" in read("README.md")


def test_every_job_is_in_the_operations_page() -> None:
    source = read("tripoint/app/jobs.py")
    names = re.findall(r'Job\(\s*"([a-z-]+)"', source)
    assert len(names) > 3
    for name in names:
        assert f"| `{name}` |" in read("docs/operations.md")


def test_every_package_is_on_the_architecture_page() -> None:
    packages = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    said = read("docs/architecture.md")
    for package in packages:
        assert f"{package}/" in said


def named_tests(page: str) -> set[str]:
    return set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", read(page)))


def test_every_test_that_the_security_page_names_is_there() -> None:
    named = named_tests("docs/security.md")
    assert len(named) > 30
    for each in named:
        file, _, name = each.partition("::")
        tree = ast.parse(read(file))
        there = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        assert not name or name in there, each


def test_every_threat_has_a_line_that_shows_what_stands_against_it() -> None:
    rows = [line for line in read("docs/security.md").splitlines() if line.startswith("| ")]
    threats = [line for line in rows if not line.startswith("| threat ")]
    assert len(threats) > 25
    for line in threats:
        threat, against, shown = (each.strip() for each in line.strip("|").split("|"))
        assert threat
        assert against
        assert re.search(r"`(?:tests/|make check)", shown), line
