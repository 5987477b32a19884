"""The long form of the fault test: 1,000 alerts on each of four channels, ten kills; prints what came of it.

`make faults` runs it; it takes some ten minutes. It needs Mosquitto (Debian) and Synapse (`make matrix`).
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

from tests.faults.servers import Room, three_places
from tests.faults.trial import Plan, Result, run_trial
from tests.house import House
from tests.matrix import Homeserver


def main() -> None:
    """Run it, and exit 1 where an alert was lost, came twice without a kill to blame, or out of order."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--alerts", type=int, default=1000, help="on each channel, four a story")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="of the weather")  # noqa: S311
    arguments = parser.parse_args()
    plan = Plan(arguments.alerts // 4, 4, arguments.kills, (0.3, 4.0), 2.0, 300.0, arguments.seed)
    _say(f"{plan.alerts} alerts on each of mail, chat, topic and room; {plan.kills} kills; seed {plan.seed}")
    with tempfile.TemporaryDirectory(prefix="tripoint-faults-") as name:
        result = _run(Path(name), plan)
    _report(result, plan)
    sys.exit(1 if result.problems else 0)


def _run(folder: Path, plan: Plan) -> Result:
    for name in ("house", "matrix"):
        (folder / name).mkdir()
    with three_places(folder, slow_s=0.5) as (places, mail), Homeserver(folder / "matrix") as server:
        people = [server.person(each, "battery-staple-horse") for each in ("tripoint", "reader")]
        return run_trial(House(folder / "house"), [*places, Room(server, *people)], mail, plan, _say)


def _report(result: Result, plan: Plan) -> None:
    for each in result.accounts:
        more = sum(each.twice.values())
        doubt = sum(each.in_doubt.values())
        _say(
            f"  {each.channel}: {len(set(each.arrived))} of {plan.alerts} arrived, {more} again; in doubt at a kill: {doubt}"
        )
    waits = sorted(result.waits_s)
    rate = len(waits) / result.took_s
    _say(f"  {result.took_s:.0f} s, {rate:.1f} deliveries a second in this weather; attempts: {result.attempts}")
    _say(f"  queued to sent: median {statistics.median(waits):.1f} s, longest {waits[-1]:.1f} s")
    _say(
        f"  attempts cut off by the {len(result.kills)} kills: {result.being_sent}, in the record: {result.interrupted}"
    )
    for problem in result.problems[:50]:
        _say(f"  WRONG: {problem}")
    _say("every alert arrived on every channel, in order" if not result.problems else "NOT as promised")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a program for a terminal


if __name__ == "__main__":
    main()
