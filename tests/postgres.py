"""A PostgreSQL of our own on loopback, thrown away afterwards; for tests and benches."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any

import psycopg


def postgres_tools() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed."""
    found = sorted(glob("/usr/lib/postgresql/*/bin")) or [str(Path(shutil.which("initdb") or "").parent)]
    return Path(found[-1]) if (Path(found[-1]) / "initdb").exists() else None


@contextmanager
def running_postgres(tools: Path, folder: Path) -> Iterator[str]:
    """Run a server whose data are in an empty folder; yields the address of its first database."""
    user: dict[str, Any] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            mode = parent.stat().st_mode
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)  # so that its user gets there
        user = {"user": "postgres"}
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet: dict[str, Any] = {
        "check": True,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": "/",
    } | user
    subprocess.run([tools / "initdb", "-D", data, "-A", "trust", "-U", "tripoint", "-E", "UTF8"], **quiet)
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
    subprocess.run([tools / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], **quiet)
    try:
        yield f"postgresql://tripoint@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


def new_database(server: str, name: str, template: str = "template1") -> str:
    """Make a database, empty or as another that nobody uses is, and return its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return server.replace("/postgres", f"/{name}")
