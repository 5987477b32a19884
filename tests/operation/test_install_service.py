"""The systemd unit: what it says, what systemd makes of it, and that nothing of the user's is overwritten."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house import House
from tripoint.app.unit import MARK, STATE, Installed, unit_of

EXPOSED = 20  # tenths; systemd calls less than 2.0 OK, and a unit without any of this stands at 9.6


def unit(user: str = "tripoint", *, folder: Path = STATE, program: str = "/bin/true", **rest: tuple[Path, ...]) -> str:
    reads, writes = rest.get("reads", (Path("/opt/tripoint"),)), rest.get("writes", (STATE,))
    return unit_of(Installed((program,), Path("/etc/tripoint/secrets.env"), folder, reads, writes, user))


def analyzer() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed; on Debian: apt install systemd")
    return found


@pytest.mark.parametrize("user", ["root", ""])
def test_systemd_finds_nothing_wrong(tmp_path: Path, user: str) -> None:
    file = tmp_path / "tripoint.service"
    file.write_text(unit(user, folder=tmp_path / "a folder 100%"), encoding="utf-8")
    manager = [] if user else ["--user"]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    asked = [analyzer(), *manager, "verify", file]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0
    assert not [each for each in (done.stdout + done.stderr).splitlines() if "tripoint" in each.split(":")[0]]


def test_systemd_calls_it_little_exposed(tmp_path: Path) -> None:
    file = tmp_path / "tripoint.service"
    file.write_text(unit(), encoding="utf-8")
    asked = [analyzer(), "security", "--offline=yes", f"--threshold={EXPOSED}", file]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_it_may_do() -> None:
    said = unit().splitlines()
    for line in (
        "Type=notify",
        "WatchdogSec=120",
        "ExecStart=/bin/true run",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "User=tripoint",
        "EnvironmentFile=-/etc/tripoint/secrets.env",
        "RestartPreventExitStatus=2",
        "KillMode=mixed",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "StateDirectory=tripoint",
        "CapabilityBoundingSet=",
        "UMask=0077",
    ):
        assert line in said
    assert not [each for each in said if each.startswith("ReadWritePaths")]


def test_paths_are_written_as_systemd_reads_them() -> None:
    said = unit("", folder=Path("/home/a b/100%"), program="/opt/$x/a b", writes=(Path("/home/a b/data"),)).splitlines()
    assert 'ExecStart="/opt/$$x/a b" run' in said
    assert "WorkingDirectory=/home/a b/100%%" in said
    assert 'ReadWritePaths="/home/a b/data"' in said
    assert "ProtectHome=read-only" in said
    assert "WantedBy=default.target" in said
    assert not [each for each in said if each.startswith(("User=", "CapabilityBoundingSet", "StateDirectory"))]


@pytest.fixture
def at_home(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Return a house whose user's configuration lies in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(house.folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(house.folder / "share"))
    house.settings["channels"] = {"desk": {"url_env": "DESK_MAIL"}}
    return house


def test_it_is_written_with_a_file_for_secrets_and_removed_again(at_home: House) -> None:
    config = at_home.folder / "config"
    file, secrets = config / "systemd" / "user" / "tripoint.service", config / "tripoint" / "secrets.env"
    printed = at_home.said("install-service", "--print")
    assert not config.exists()
    said = json.loads(at_home.said("install-service", "--json"))
    assert said["unit"] == str(file)
    assert said["next"][0] == f"write DESK_MAIL into {secrets}"
    assert "systemctl --user daemon-reload && systemctl --user enable --now tripoint" in said["next"]
    assert file.read_text(encoding="utf-8") == printed
    assert f"--settings {at_home.folder / 'tripoint.toml'} run\n" in printed
    assert re.search(rf"^ReadWritePaths={at_home.folder}$", printed, re.MULTILINE)
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "# DESK_MAIL=" in secrets.read_text(encoding="utf-8")
    secrets.write_text("DESK_MAIL=mailtos://mine\n", encoding="utf-8")
    at_home.said("install-service")
    assert "removed" in at_home.said("install-service", "--remove")
    assert not file.exists()
    assert secrets.read_text(encoding="utf-8") == "DESK_MAIL=mailtos://mine\n"
    assert "there is no" in at_home.said("install-service", "--remove")


def test_a_unit_of_somebody_else_and_open_secrets_are_refused(at_home: House) -> None:
    config = at_home.folder / "config"
    (config / "tripoint").mkdir(parents=True)
    secrets = config / "tripoint" / "secrets.env"
    secrets.write_text("X=1\n", encoding="utf-8")
    secrets.chmod(0o644)
    assert f"chmod 600 {secrets}" in at_home.said("install-service")
    secrets.chmod(0o600)
    file = config / "systemd" / "user" / "tripoint.service"
    file.parent.mkdir(parents=True)
    file.write_text("[Service]\n", encoding="utf-8")
    assert "not written by this command" in at_home.said("install-service")
    assert "not written by this command" in at_home.said("install-service", "--remove")
    assert file.read_text(encoding="utf-8") == "[Service]\n"


def test_a_service_of_the_system_needs_a_user_and_a_database(at_home: House) -> None:
    assert "useradd --system" in at_home.said("install-service", "--system", "--run-as", "nobody-of-that-name")
    assert at_home.said("install-service", "--system", "--print").startswith(MARK)
    at_home.settings["database"] = {"url": ""}
    assert "under [database]" in at_home.said("install-service", "--system", "--print")


def test_relative_paths_keep_their_folder(at_home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(at_home.folder)
    at_home.settings["seeds"] = {"folder": "seeds"}
    assert f"WorkingDirectory={at_home.folder}\n" in at_home.said("install-service", "--print")
