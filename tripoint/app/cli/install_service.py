"""`tripoint install-service`: a hardened systemd unit for the system or for oneself, and a file for its secrets."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from tripoint.app.cli.terminal import out, print_json, settings_of
from tripoint.app.settings import PREFIX, SETTINGS_FILE, Settings
from tripoint.app.unit import MARK, STATE, Installed, unit_of
from tripoint.domain.errors import MendError, StorageError

_EPILOG = "Example: sudo tripoint --settings /etc/tripoint/tripoint.toml install-service --system   ·   … --print"
_UNIT = "tripoint.service"
ROOT = Path(__file__).resolve().parents[3]  #: of the program, where it is not installed beside the libraries


@dataclass(frozen=True, slots=True)
class _Places:
    unit: Path
    secrets: Path
    systemctl: str


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(name="install-service", epilog=_EPILOG)
    def install_service(
        context: typer.Context,
        system: Annotated[bool, typer.Option("--system/--user", help="For the machine, or for yourself.")] = False,
        run_as: Annotated[str, typer.Option(help="With --system: the user that runs it.")] = "tripoint",
        dry_run: Annotated[bool, typer.Option("--dry-run", "--print", help="Only print the unit.")] = False,
        remove: Annotated[bool, typer.Option("--remove", help="Take the unit away; data and secrets stay.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Write a systemd unit that may read the program and write its data, and say what to do next.

        Addresses of channels and tokens belong into the file of secrets that it reads, which only its owner may read.
        """
        places = _places(system=system)
        if remove:
            _remove(places, as_json=as_json)
            return
        settings = settings_of(context)
        installed = _installed(settings, context.obj[0], places, run_as if system else "")
        unit = unit_of(installed)
        if dry_run:
            if as_json:
                print_json({"unit": str(places.unit), "secrets": str(places.secrets), "text": unit})
            else:
                print(unit, end="")  # noqa: T201 - stdout is where results go
            return
        _write(settings, places, installed, unit)
        steps = _steps(settings, places, system=system)
        if as_json:
            print_json({"unit": str(places.unit), "secrets": str(places.secrets), "next": steps})
            return
        out().print(f"wrote {places.unit}; secrets go into {places.secrets}")
        for each in steps:
            out().print(f"  {each}")


def _places(*, system: bool) -> _Places:
    if system:
        return _Places(Path("/etc/systemd/system") / _UNIT, Path("/etc/tripoint/secrets.env"), "systemctl")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return _Places(config / "systemd" / "user" / _UNIT, config / "tripoint" / "secrets.env", "systemctl --user")


def _installed(settings: Settings, file: Path | None, places: _Places, user: str) -> Installed:
    from storage.restoring import file_of

    chosen = (file or Path(SETTINGS_FILE)).absolute()
    if user and not settings.database.url:
        mend = f'write url = "sqlite:///{STATE}/tripoint.db" under [database] of a file, and name it with --settings'
        raise MendError("a service of the system needs a database that each of its users names alike", mend)
    database = file_of(settings.database_url)
    own = Path(platformdirs.user_data_dir("tripoint", False))
    named = [settings.seeds.folder, settings.alerts.policies, settings.alerts.templates, settings.web.token_file]
    files = [each for each in (*named, *(each.url_file for each in settings.channels.values())) if each]
    is_relative = database is not None and user and str(database) not in settings.database.url
    folder = Path.cwd() if is_relative or not all(each.is_absolute() for each in files) else STATE if user else own
    data = [database.parent] if database else []
    return Installed(
        command=(*_program(), *(("--settings", str(chosen)) if chosen.is_file() else ())),
        secrets=places.secrets,
        folder=folder,
        reads=tuple(each.absolute() for each in (Path(sys.prefix), Path(sys.base_prefix), ROOT, chosen, *files)),
        writes=tuple(dict.fromkeys([STATE if user else own, *data])),
        user=user,
    )


def _program() -> tuple[str, ...]:
    script = Path(sys.executable).parent / "tripoint"
    if script.is_file():
        return (str(script),)
    return (sys.executable, "-c", "from tripoint.app.cli.main import main; main()")


def _write(settings: Settings, places: _Places, installed: Installed, unit: str) -> None:
    if installed.user:
        _refuse_unknown_user(installed.user)
    if places.unit.exists() and not _is_ours(places.unit):
        raise MendError(f"{places.unit} was not written by this command", "move it away first")
    try:
        _make_secrets(settings, places.secrets)
        if not installed.user:  # the system makes those of a system service
            for each in installed.writes:
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        places.unit.parent.mkdir(parents=True, exist_ok=True)
        fresh = places.unit.with_name(f".{_UNIT}.part")
        fresh.write_text(unit, encoding="utf-8")
        fresh.replace(places.unit)
    except OSError as error:
        mend = "call it with sudo, or without --system for a service of your own"
        raise StorageError(f"cannot write {error.filename}: {error.strerror}", mend) from error


def _refuse_unknown_user(user: str) -> None:
    try:
        pwd.getpwnam(user)
    except KeyError:
        mend = f"useradd --system --home-dir {STATE} --shell /usr/sbin/nologin {user}"
        raise MendError(f"there is no user {user}", mend) from None


def _is_ours(unit: Path) -> bool:
    return unit.read_text(encoding="utf-8", errors="replace").startswith(MARK)


def _make_secrets(settings: Settings, file: Path) -> None:
    """Make the file of secrets for its owner alone; one that others may read is refused."""
    if file.exists():
        if file.stat().st_mode & 0o077:
            raise MendError(f"others may read {file}", f"chmod 600 {file}")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    names = [each.url_env for each in settings.channels.values() if each.url_env]
    names += [settings.web.token_env] if settings.web.token_env else []
    lines = ["# Secrets of the service: NAME=value, a line each; a line that begins with # is none.", *names]
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write("\n".join([lines[0], *(f"# {name}=" for name in lines[1:])]) + "\n")


def _steps(settings: Settings, places: _Places, *, system: bool) -> Sequence[str]:
    steps = []
    names = [each.url_env for each in settings.channels.values() if each.url_env]
    if names:
        steps.append(f"write {', '.join(names)} into {places.secrets}")
    mine = sorted(each for each in os.environ if each.startswith(PREFIX) and "__" in each)
    if mine:
        steps.append(f"write {', '.join(mine)} there too: the service does not see the variables of this shell")
    steps.append(f"{places.systemctl} daemon-reload && {places.systemctl} enable --now tripoint")
    if not system:
        steps.append("loginctl enable-linger   # so that it runs while you are not logged in")
    return steps


def _remove(places: _Places, *, as_json: bool) -> None:
    if not places.unit.exists():
        raise MendError(f"there is no {places.unit}", "choose --system or --user, as when it was written")
    if not _is_ours(places.unit):
        raise MendError(f"{places.unit} was not written by this command", "remove it by hand")
    try:
        places.unit.unlink()
    except OSError as error:
        raise StorageError(f"cannot remove {places.unit}: {error.strerror}", "call it with sudo") from error
    steps = [f"{places.systemctl} stop tripoint; {places.systemctl} daemon-reload"]
    if as_json:
        print_json({"removed": str(places.unit), "next": steps})
        return
    out().print(f"removed {places.unit}; data and {places.secrets} stay")
    out().print(f"  {steps[0]}")
