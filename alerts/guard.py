"""No webhook may reach the inside: its name, or a redirect, may lead to a router's menu or a metadata service.

Names are judged after they were resolved, and the connection is made to the very address that was judged. A chat server
inside is nothing bad: `alerts.allowed_hosts` names it.
"""

from __future__ import annotations

import socket
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from tripoint.domain.addresses import AddressGuard

in_force: ContextVar[AddressGuard | None] = ContextVar("tripoint_alert_guard", default=None)
"""Judges the connections of this context; None lets everything through."""


class _Guarded(HTTPConnection):
    """Connects to an address that the guard admits, and to no other."""

    _dns_host: str

    def _new_conn(self) -> socket.socket:
        guard, name = in_force.get(), self._dns_host
        if guard is None:
            return super()._new_conn()
        problem: Exception | None = None
        for address in [each for each in _addresses(name, self.port) if guard.admits(name, each)]:
            self._dns_host = address  # where it is connected to; the certificate is still that of the name
            try:
                return super()._new_conn()
            except NewConnectionError as error:
                problem = error
            finally:
                self._dns_host = name
        if problem is not None:
            raise problem
        raise NewConnectionError(self, guard.refusal(name) or "its name cannot be resolved")


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTls


_POOLS = {"http": _Pool, "https": _TlsPool}


class GuardedAdapter(HTTPAdapter):
    """An adapter for `requests` whose every connection is judged, those of redirects and to a proxy too."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Make connections of ours."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **more: Any) -> Any:
        """Make connections of ours to a proxy."""
        manager = super().proxy_manager_for(*arguments, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _addresses(name: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))
