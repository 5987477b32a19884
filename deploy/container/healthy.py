"""What the container's health check runs: exit 0 where the service in it says that it is alive, 1 elsewhere."""

from __future__ import annotations

import os
import sys
import urllib.request

ADDRESS = f"http://127.0.0.1:{os.environ.get('TRIPOINT_WEB__PORT') or '8734'}/healthz"

try:
    # Without proxies: one from the environment would be asked for our own loopback.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(ADDRESS, timeout=22) as answer:
        print(answer.status)  # noqa: T201 - the engine keeps what a check says
except OSError as error:
    print(f"{ADDRESS}: {error}")  # noqa: T201
    sys.exit(1)
