"""The wheel carries everything that an installed Tripoint needs and nothing of ours beside it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_a_wheel_carries_seeds_templates_and_migrations(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("tripoint-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    seeds = {
        str(each.relative_to(ROOT))
        for each in (ROOT / "seeds").rglob("*")
        if each.suffix in {".toml", ".txt", ".json", ".jsonl"}
    }
    assert seeds
    assert seeds <= names
    layouts = {str(each.relative_to(ROOT)) for each in (ROOT / "alerts" / "layout").iterdir()}
    assert any(each.endswith(".html.j2") for each in layouts)
    assert layouts | {"alerts/phrases.toml"} <= names
    page = ROOT / "tripoint" / "app" / "web"
    assets = {
        str(each.relative_to(ROOT)) for each in page.rglob("*") if each.is_file() and each.suffix not in {".py", ".pyc"}
    }
    assert any(each.endswith(".css") for each in assets)
    assert assets <= names
    assert "storage/migrations/versions/0001_first_tables.py" in names
    assert not any(each.startswith(("tests/", "bench/")) for each in names)
