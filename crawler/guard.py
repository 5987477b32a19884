"""No fetch may reach the inside: every address is judged after its name was resolved, and no other is connected to.

A page may redirect to a router's menu or a cloud's metadata service, and a name may resolve to one of them only at the
second look. So the check stands where the reactor resolves names: the connection is made to what it lets through.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from tripoint.domain.addresses import AddressGuard as AddressGuard


@implementer(IResolutionReceiver)
class _Filter:
    """Hands on only what the guard admits."""

    def __init__(self, receiver: Any, guard: AddressGuard, host: str) -> None:
        self._receiver = receiver
        self._guard = guard
        self._host = host

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 - Twisted's name
        """Pass the news on."""
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802 - Twisted's name
        """Pass an address on if it may be reached."""
        if self._guard.admits(self._host, address.host):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802 - Twisted's name
        """Pass the end on; without any address the connection fails as for an unknown host."""
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class _GuardedResolver:
    """The reactor's resolver behind a guard."""

    def __init__(self, inner: Any, guard: AddressGuard) -> None:
        self._inner = inner
        self.guard = guard

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        receiver: Any,
        hostName: str,  # noqa: N803 - Twisted calls it by this name
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:
        """Resolve a name, and tell of those addresses alone that may be reached."""
        filtered = _Filter(receiver, self.guard, hostName)
        return self._inner.resolveHostName(filtered, hostName, portNumber, addressTypes, transportSemantics)


def stand_guard(guard: AddressGuard) -> None:
    """Put a guard before the reactor's resolver, in the place of one that stands there."""
    from twisted.internet import reactor

    resolver: Any = reactor.nameResolver
    if isinstance(resolver, _GuardedResolver):
        resolver.guard = guard
    else:
        reactor.installNameResolver(_GuardedResolver(resolver, guard))
