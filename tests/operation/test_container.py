"""The container's files: what can be shown of them where no container engine runs; building the image is not among it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house import House, page_address
from tripoint.app.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
HEALTHY = ROOT / "deploy" / "container" / "healthy.py"
DEADLINE_S = 60


def instructions() -> list[tuple[str, str]]:
    """Return the instructions with their words, lines that go on joined."""
    plain = re.sub(r"^#.*\n", "", CONTAINERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in plain.splitlines() if line.strip()]


def final() -> list[tuple[str, str]]:
    """Return the instructions of the last stage: what the image is."""
    every = instructions()
    return every[max(number for number, (name, _) in enumerate(every) if name == "FROM") :]


def words(name: str) -> list[str]:
    return [rest for each, rest in final() if each == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in words("ENV")[0].split())


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = words("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)  # a number: an engine can see that it is not root
    names = [name for name, _ in final()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER") :]
    assert f"-m 0700 -o {user.split(':')[0]} -g {user.split(':')[1]} /var/lib/tripoint" in words("RUN")[0]


def test_what_it_keeps_lies_in_its_volume() -> None:
    (volume,) = words("VOLUME")
    said = load_settings(None, {}, {key: value for key, value in environment().items() if "TRIPOINT_" in key})
    assert said.database_url == f"sqlite:///{volume}/tripoint.db"
    assert environment()["HOME"] == volume
    assert words("WORKDIR") == [volume]


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "**"
    admitted = [each[1:] for each in ignored if each.startswith("!")]
    for name, rest in instructions():
        if name != "COPY" or rest.startswith("--from"):
            continue
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists()
            assert any(fnmatch(source, each) or source.startswith(f"{each}/") for each in admitted), source
    packages = re.search(r"^packages = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert packages
    for package in re.findall(r'"(\w+)"', packages[1]):
        assert ("COPY", f"{package} ./{package}") in instructions()


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s\\;]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_its_libraries_are_locked_and_those_of_everybody() -> None:
    assert "--require-hashes -r requirements-container.lock" in CONTAINERFILE
    container, run = pins("requirements-container.lock"), pins("requirements.lock")
    assert {name: container.get(name) for name in run} == run
    assert {"psycopg", "psycopg-binary", "procrastinate", "paho-mqtt"} <= set(container)


def test_its_health_check_asks_the_service(house: House) -> None:
    """What it runs says yes beside a page that is alive, and no where none is."""
    (check,) = words("HEALTHCHECK")
    assert f'"/opt/tripoint/{HEALTHY.name}"' in check
    assert ("COPY", f"deploy/container/{HEALTHY.name} /opt/tripoint/{HEALTHY.name}") in final()
    page = house.start("web")
    try:
        port = page_address(page).rsplit(":", 1)[1]
        assert health(port) == (0, "200\n")
    finally:
        page.terminate()
        page.communicate(timeout=DEADLINE_S)
    code, said = health(port)
    assert code == 1
    assert "/healthz" in said


def health(port: str) -> tuple[int, str]:
    environ = {**os.environ, "TRIPOINT_WEB__PORT": port, "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, HEALTHY], capture_output=True, text=True, env=environ, check=False)
    return done.returncode, done.stdout


def test_compose_gives_it_nothing_that_it_does_not_need(compose: Any) -> None:
    service = compose["services"]["tripoint"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "ports", "network_mode", "devices"} & set(service)
    assert (ROOT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == (
        ROOT / "deploy" / "Containerfile"
    )
    assert [each.split(":")[1] for each in service["volumes"]] == words("VOLUME")
    seconds = int(service["stop_grace_period"].removesuffix("s"))
    assert seconds > load_settings(None, {}, {}).run.stop_within_s


def test_compose_keeps_the_database_to_itself(compose: Any) -> None:
    database, service = compose["services"]["database"], compose["services"]["tripoint"]
    assert compose["networks"]["inside"]["internal"] is True
    assert database["networks"] == ["inside"]
    assert "ports" not in database
    assert service["depends_on"]["database"]["condition"] == "service_healthy"
    said = {key: value for key, value in service["environment"].items() if key.startswith("TRIPOINT_")}
    settings = load_settings(None, {}, said)
    user, name = database["environment"]["POSTGRES_USER"], database["environment"]["POSTGRES_DB"]
    assert settings.database.url == f"postgresql://{user}@database/{name}"
    assert set(compose["volumes"]) == {
        each.split(":")[0] for one in compose["services"].values() for each in one["volumes"]
    }


def test_no_secret_stands_in_any_of_it(compose: Any) -> None:
    asked = "${TRIPOINT_DATABASE_PASSWORD:?"
    assert compose["services"]["tripoint"]["environment"]["PGPASSWORD"].startswith(asked)
    assert compose["services"]["database"]["environment"]["POSTGRES_PASSWORD"].startswith(asked)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/deploy/.env", "/deploy/secrets.env"} <= set(ignored)
