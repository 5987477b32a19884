"""Documentation that cannot rot: every setting, verb and package is named where a reader looks for it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from tripoint.app.cli.main import app
from tripoint.app.settings import ChannelSection, Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", *sorted(f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md")))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("section", Settings.model_fields)
def test_every_setting_is_documented(section: str) -> None:
    model = ChannelSection if section == "channels" else Settings.model_fields[section].annotation
    said = read("docs/settings.md")
    assert f"## [{section}" in said
    for key in model.model_fields:  # type: ignore[union-attr]
        assert f"| `{key}` |" in said


def verbs() -> dict[str, set[str]]:
    """Every verb with the verbs under it, as the program itself knows them."""
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    return {
        name: {verb for verb, of in each.commands.items() if not of.hidden} if isinstance(each, TyperGroup) else set()
        for name, each in command.commands.items()
    }


def test_every_verb_is_on_the_page_of_commands() -> None:
    rows = [line for line in read("docs/commands.md").splitlines() if line.startswith("| `tripoint ")]
    named = {(verb, each) for verb, under in verbs().items() for each in (under or {""})}
    assert len(named) > 50
    for verb, under in sorted(named):
        said = [row.split("|")[1] for row in rows if re.search(rf"`(?:tripoint )?{verb}\b", row.split("|")[1])]
        assert said, verb
        assert any(re.search(rf"[` ]{under}[` ,]", row) for row in said) or not under, f"{verb} {under}"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_verb_that_is_not_there(page: str) -> None:
    known = verbs()
    for verb, under in re.findall(
        r"(?:^|[`$] ?)tripoint ([a-z][a-z-]+)(?: ([a-z][a-z-]+)\b)?", read(page), re.MULTILINE
    ):
        assert verb in known, f"tripoint {verb}"
        assert not under or not known[verb] or under in known[verb], f"tripoint {verb} {under}"


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
