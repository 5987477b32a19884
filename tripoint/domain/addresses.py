"""Which addresses are inside a network: what comes from outside may name them, and must not make us go there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_TRANSLATED = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48"))

# What `is_global` of some supported Python lets through.
_ALSO_INSIDE = tuple(ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10"))


class AddressGuard:
    """Says which addresses may be connected to, and remembers which hosts were refused."""

    def __init__(self, allowed: Iterable[str] = (), setting: str = "crawl.allowed_hosts") -> None:
        """Allow host names, addresses or networks (`10.0.0.0/8`) although they are inside; a `setting` says which."""
        self._setting = setting
        self._names: set[str] = set()
        self._networks: list[_IPNetwork] = []
        for each in allowed:
            try:
                self._networks.append(ipaddress.ip_network(each, strict=False))
            except ValueError:
                self._names.add(each.lower().rstrip("."))
        self._refused: dict[str, str] = {}

    def refusal(self, host: str) -> str:
        """Return why the last attempt to reach a host was refused, empty if it was not."""
        return self._refused.get(host.lower(), "")

    def admits(self, host: str, address: str) -> bool:
        """Return whether a host may be reached at an address; remembers a refusal until it may."""
        name = host.lower().rstrip(".")
        problem = "" if name in self._names else self._problem(address)
        if problem:
            self._refused[host.lower()] = f"{problem} ({address}); {self._setting} can allow it"
        else:
            self._refused.pop(host.lower(), None)
        return not problem

    def _problem(self, address: str) -> str:
        try:
            ip = _unwrapped(ipaddress.ip_address(address.split("%")[0]))
        except ValueError:
            return "leads to what is no address"
        if any(ip in network for network in self._networks if network.version == ip.version):
            return ""
        also = any(ip in network for network in _ALSO_INSIDE if network.version == ip.version)
        if ip.is_global and not (ip.is_multicast or ip.is_reserved or also):
            return ""
        return "leads to an address inside the network"


def _unwrapped(ip: _IPAddress) -> _IPAddress:
    """Return the IPv4 address that an IPv6 one stands for, such as ::ffff:127.0.0.1 or 64:ff9b::7f00:1."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if any(ip in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or ip
