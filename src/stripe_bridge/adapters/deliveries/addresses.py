"""Which IP addresses may be reached: public ones, and private ones that an operator allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Whatever an operator allows: this host itself, link-local, multicast, reserved; and where clouds offer credentials, which is
# not always link-local. Tunnels whose other end cannot be told from the address.
_NEVER: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "ff00::/8",
        # Alibaba, Oracle, Azure, Amazon, Google.
        "100.100.100.200/32",
        "192.0.0.192/32",
        "168.63.129.16/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        # Teredo, and a network's own NAT64 prefix.
        "2001::/32",
        "64:ff9b:1::/48",
    )
)
# Whose last 32 bits are the IPv4 address that is meant: mapped, compatible, translated, NAT64.
_WITH_IPV4_AT_END = tuple(
    IPv6Network(text) for text in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_NOT_IPV4 = (IPv6Address("::"), IPv6Address("::1"))
_6TO4 = IPv6Network("2002::/16")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# An interface's id that ends in an IPv4 address, with or without the bit for "unique".
_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFDFFFFFF


def why_refused(text: str, allowed: Sequence[Network]) -> str | None:
    """What is wrong with an address; None if it may be reached. `allowed` are private networks."""
    for meant in _meant(ip_address(text)):
        if any(meant in network for network in _NEVER):
            return f"{text} is never allowed"
        if not _is_public(meant) and not any(meant in network for network in allowed):
            return f"{text} is a private address that SUBSCRIBERS_ALLOW_PRIVATE does not allow"
    return None


def is_private(text: str) -> bool:
    return not all(_is_public(meant) for meant in _meant(ip_address(text)))


def _meant(address: Address) -> Iterator[Address]:
    """The address that packets end up at; several, if that depends on who forwards them."""
    if isinstance(address, IPv4Address):
        yield address
        return
    number = int(address)
    at_end = IPv4Address(number & 0xFFFFFFFF)
    if address not in _NOT_IPV4 and any(address in network for network in _WITH_IPV4_AT_END):
        yield at_end
        return
    if address in _6TO4:
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
        return
    yield IPv6Address(number)
    if number >> 32 & _ISATAP_MASK == _ISATAP:
        yield at_end


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global
    return address.is_global
