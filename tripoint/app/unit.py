"""The systemd unit of the service: what it may do, and nothing beyond."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "# Written by `tripoint install-service`, which writes it anew; for changes of yours: `systemctl edit tripoint`"
STATE = Path("/var/lib/tripoint")
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))


@dataclass(frozen=True, slots=True)
class Installed:
    """What a unit is written for."""

    command: tuple[str, ...]  #: up to the verb
    secrets: Path  #: a file of variables that only its owner may read
    folder: Path  #: in which it runs
    reads: tuple[Path, ...]  #: program, settings, seeds: all that must be seen
    writes: tuple[Path, ...]  #: folders
    user: str = ""  #: whose service it is; empty for one's own


# What needs no right that a user's own service manager lacks.
_EVERYWHERE = """
NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
KeyringMode=private
UMask=0077
# No MemoryDenyWriteExecute=: libraries in C call back into Python through memory that they write themselves.
"""
_OF_THE_SYSTEM = """
CapabilityBoundingSet=
AmbientCapabilities=
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
"""
_OF_A_USER = """
# Namespaces of its own, which a user's manager needs for the lines above; where the kernel forbids them to users, the
# service ends with 226/NAMESPACE: then take PrivateUsers, ProtectSystem, ProtectHome and PrivateTmp out.
PrivateUsers=yes
"""


def unit_of(installed: Installed) -> str:
    """Return the text of the unit."""
    command = " ".join(_quoted(each) for each in (*installed.command, "run"))
    lines = [
        MARK,
        "[Unit]",
        "Description=Tripoint watches the news for a topic",
        "Documentation=https://pypi.org/project/tripoint/",
        "Wants=network-online.target",
        "After=network-online.target postgresql.service",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={command}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        *([f"User={installed.user}"] if installed.user else []),
        f"WorkingDirectory={_specifiers(str(installed.folder))}",
        f"EnvironmentFile=-{_specifiers(str(installed.secrets))}",
        "",
        "Restart=on-failure",
        "RestartSec=5",
        "# 2: a setting or a seed needs mending first",
        "RestartPreventExitStatus=2",
        "# The first start after an upgrade may migrate a large database.",
        "TimeoutStartSec=1h",
        "TimeoutStopSec=30",
        "WatchdogSec=120",
        "# It ends its readers itself; one that runs out of memory is replaced, and the service goes on.",
        "KillMode=mixed",
        "OOMPolicy=continue",
        "",
        *_sandbox(installed),
        "",
        "[Install]",
        f"WantedBy={'multi-user' if installed.user else 'default'}.target",
        "",
    ]
    return "\n".join(lines)


def _sandbox(installed: Installed) -> Sequence[str]:
    if installed.user:
        lines = [*_EVERYWHERE.strip().splitlines(), *_OF_THE_SYSTEM.strip().splitlines()]
    else:
        lines = [*_EVERYWHERE.strip().splitlines(), *_OF_A_USER.strip().splitlines()]
    seen = {*installed.reads, *installed.writes, installed.folder}
    at_home = any(each.is_relative_to(home) for each in seen for home in _HOMES)
    lines.append(f"ProtectHome={'read-only' if at_home else 'yes'}")
    if STATE in installed.writes:
        lines += ["StateDirectory=tripoint", "StateDirectoryMode=0700"]
    others = [each for each in installed.writes if each != STATE]
    lines += [f"ReadWritePaths={_quoted(str(each))}" for each in others]
    return lines


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """Return a word as systemd reads it back (systemd.syntax(7), and `$` as ExecStart= has it)."""
    escaped = _specifiers(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return escaped if re.fullmatch(r"[\w./:@=+%$-]+", escaped) else f'"{escaped}"'
