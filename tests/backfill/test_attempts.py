"""How often a question is asked again, and when it is not."""

from __future__ import annotations

import asyncio

import pytest

from crawler.attempts import PATIENCE_S, insist
from tripoint.domain.backfill import Answer
from tripoint.domain.types import Failure, Step

GOOD = Answer("https://x.example/", 200, "text/html", b"")


def _failed(reason: str, *, retryable: bool = True, retry_after_s: float | None = None) -> Failure:
    return Failure(Step.LISTING, GOOD.url, reason, retryable, retry_after_s)


BUSY, GONE = _failed("HTTP 503"), _failed("HTTP 404", retryable=False)
LATER = _failed("HTTP 429", retry_after_s=PATIENCE_S + 1)


@pytest.mark.parametrize(
    ("said", "attempts", "found", "asked"),
    [
        ((GOOD,), 3, GOOD, 1),
        ((BUSY, BUSY, GOOD), 3, GOOD, 3),
        ((BUSY, BUSY, BUSY, GOOD), 3, BUSY, 3),
        ((GONE, GOOD), 3, GONE, 1),
        ((LATER, GOOD), 3, LATER, 1),
        ((BUSY, LATER, GOOD), 3, LATER, 2),
    ],
)
def test_only_what_another_attempt_may_better_is_asked_again(
    said: tuple[Answer | Failure, ...], attempts: int, found: Answer | Failure, asked: int
) -> None:
    left = list(said)

    async def once() -> Answer | Failure:
        return left.pop(0)

    assert asyncio.run(insist(once, attempts=attempts, first_wait_s=0.0)) == found
    assert len(said) - len(left) == asked


def test_a_server_is_waited_for_as_long_as_it_asks() -> None:
    async def measured() -> float:
        left: list[Answer | Failure] = [_failed("HTTP 503", retry_after_s=0.2), GOOD]

        async def once() -> Answer | Failure:
            return left.pop(0)

        began = asyncio.get_running_loop().time()
        await insist(once, attempts=2, first_wait_s=0.0)
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(measured()) >= 0.2
