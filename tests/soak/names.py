"""A DNS of one's own: every name below a domain is on loopback, but for those that fail just now."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer

DOMAIN = "soak.test"


@implementer(IHostnameResolver)
class Names:
    """What the reactor asks for addresses."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        receiver: Any,
        hostName: str,  # noqa: N803 - Twisted calls it by this name
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:
        """Tell of one address, or of none."""
        receiver.resolutionBegan(self)
        known = hostName.endswith(DOMAIN) and hostName.removesuffix(f".{DOMAIN}") not in self.failing
        if known or hostName == "127.0.0.1":
            receiver.addressResolved(IPv4Address("TCP", "127.0.0.1", portNumber))
        receiver.resolutionComplete()
        return self

    def install(self) -> None:
        """Answer the reactor's questions from now on."""
        from twisted.internet import reactor

        reactor.installNameResolver(self)  # type: ignore[attr-defined]
