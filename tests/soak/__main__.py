"""`make soak`: a simulated month; prints what was seen, and ends with 1 where anything is wrong."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from crawler.reactor import run_on_reactor
from tests.soak.month import Month, Told, soak


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=31.0, help="simulated days in which something goes wrong")
    parser.add_argument("--articles", type=int, default=200, help="relevant articles, and as many others")
    parser.add_argument("--faults", type=int, default=6, help="faults of each kind")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="decides when what goes wrong")
    parser.add_argument("--start", default="2026-10-02T00:00:00+00:00", help="of the simulated time")
    parser.add_argument("--interval", type=float, default=1800.0, help="longest seconds between two visits")
    parser.add_argument("--step", type=float, default=300.0, help="seconds by which the simulated time goes on")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    month = Month(given.start, given.days, given.articles, given.faults, given.seed, given.interval, given.step)
    logging.disable()  # each fault would be told at length
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tripoint-soak-") as folder:
        told = run_on_reactor(lambda: soak(month, Path(folder), quiet=given.json))
    if given.json:
        sys.stdout.write(json.dumps(asdict(told)) + "\n")
    else:
        _show(told, time.monotonic() - began)
    return 1 if told.wrong else 0


def _show(told: Told, took_s: float) -> None:
    for key, value in asdict(told).items():
        if key not in {"wrong", "samples"}:
            sys.stdout.write(f"{key}: {value}\n")
    for each in told.samples:
        sys.stdout.write(
            f"  day {each.day:3}: {each.resident_mb:6.1f} MB, {each.descriptors} descriptors, {each.threads} threads;"
            f" {each.workers_mb:6.1f} MB in workers\n"
        )
    for line in told.wrong:
        sys.stdout.write(f"WRONG: {line}\n")
    sys.stdout.write(f"{'NOT well' if told.wrong else 'all is well'} after {took_s:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
