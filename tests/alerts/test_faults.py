"""Alerts under faults, the short form: servers come and go, and the service is killed; `make faults` is the long one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.faults.accounts import Account, Mark, impatient, mark_in
from tests.faults.servers import Hook, three_places
from tests.faults.trial import Plan, run_trial
from tests.house import House

A, B, C = Mark(1, 0), Mark(1, 1), Mark(2, 0)


def test_every_alert_arrives_in_order_and_twice_only_where_a_kill_left_it_in_doubt(
    house: House, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    plan = Plan(10, 3, kills=2, dwell_s=(0.2, 0.8), timeout_s=20.0, patience_s=120.0, seed=random.randrange(2**31))  # noqa: S311
    record_property("seed", plan.seed)
    with three_places(tmp_path, slow_s=0.2) as (places, mail):
        hook = Hook("hook", "json://{address}/hook", slow_s=0.2, rest_s=1)
        with hook.receiver:
            result = run_trial(house, [*places, hook], mail, plan)
    assert result.problems == [], f"seed {plan.seed}\n{result.log[-2000:]}"
    assert len(result.kills) == 2
    assert {each.channel: len(set(each.arrived)) for each in result.accounts} == dict.fromkeys(
        ("mail", "chat", "topic", "hook"), 30
    )


@pytest.mark.parametrize(
    ("arrived", "in_doubt", "problem"),
    [
        ((A, B, C), {}, ""),
        ((C, A, B), {}, ""),
        ((A, A, B, C), {A: 1}, ""),
        ((A, C, A, B), {A: 1}, ""),
        ((A, B), {}, "Story 2 part 0 never arrived"),
        ((A, B, C, Mark(9, 0)), {}, "Story 9 part 0 was not due"),
        ((A, A, B, C), {B: 1}, "Story 1 part 0 arrived 2 times, and was in doubt 0 times"),
        ((A, A, A, B, C), {A: 1}, "Story 1 part 0 arrived 3 times, and was in doubt 1 times"),
        ((B, A, C), {}, "story 1 was told in the order [1, 0]"),
        ((A, B, A, C), {A: 1}, "story 1 was told in the order [0, 1, 0]"),
    ],
)
def test_the_accounts_find_what_is_wrong(arrived: Sequence[Mark], in_doubt: Mapping[Mark, int], problem: str) -> None:
    problems = Account("c", frozenset({A, B, C}), arrived, in_doubt).problems()
    assert problems == ([f"c: {problem}"] if problem else [])


def test_a_rest_that_is_not_given_is_counted() -> None:
    asked = [(0.0, True), (1.0, True), (1.5, False), (2.0, True), (2.2, False)]
    assert impatient(asked, 1, []) == 2
    assert impatient(asked, 1, [2.1]) == 1


def test_a_message_that_names_no_alert_is_an_error() -> None:
    assert mark_in("[Tripoint] Update: Story 3 part 2 — A") == Mark(3, 2)
    with pytest.raises(ValueError, match="names 0 alerts"):
        mark_in("nothing")
