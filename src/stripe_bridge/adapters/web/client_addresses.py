"""Where requests come from, as far as that is known."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
# What one subscriber usually has: he can choose any address in it.
_IPV6_PREFIX = 64


class ClientAddresses:
    """Without trusted proxies no address is known: that of the peer may be a proxy's, and stand for everybody."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted: list[Network] = [ip_network(each) for each in trusted]

    def find(self, peer: str, forwarded_for: str) -> str | None:
        """The nearest address that is no proxy of ours. Only ours are believed, so the header is read from right to left."""
        if not self._trusted:
            return None
        passed = [each.strip() for each in forwarded_for.split(",") if each.strip()]
        for address in (peer, *reversed(passed)):
            try:
                parsed = ip_address(address)
            except ValueError:
                return None
            if not any(parsed in network for network in self._trusted):
                is_ipv6 = isinstance(parsed, IPv6Address)
                return str(ip_network(f"{parsed}/{_IPV6_PREFIX}", strict=False)) if is_ipv6 else str(parsed)
        return None
