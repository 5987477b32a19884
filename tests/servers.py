"""Real servers that a test may need: missing ones are skipped for a user, and a failure where CI demands them."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str, package: str, command: str = "") -> NoReturn:
    """Skip the test, or fail it under TRIPOINT_REQUIRE_SERVERS."""
    reason = f"{what} is not installed; " + (f"run: {command}" if command else f"on Debian: apt install {package}")
    if os.environ.get("TRIPOINT_REQUIRE_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)
