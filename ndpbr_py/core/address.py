"""Fast versions of what ipaddress does: the microseconds count when thousands of hosts appear simultaneously."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from socket import AF_INET6, inet_ntop, inet_pton

_UNIVERSAL = 0x02  # the bit of the first octet that modified EUI-64 inverts (RFC 4291, 2.5.1)
_LINK_LOCAL = int(IPv6Address("fe80::")) >> 118


def parsed(text: str) -> IPv6Address:
    """Return the address that *text* spells, in half the time of IPv6Address(text).

    Raises:
        OSError: *text* is no IPv6 address, or has a scope (%dev).
        ValueError: *text* contains a NUL character.
    """
    return IPv6Address(inet_pton(AF_INET6, text))


def text(address: IPv6Address) -> str:
    """Return *address* as ip(8) prints it, in a sixth of the time of str()."""
    return inet_ntop(AF_INET6, address.packed)


def link_local(address: IPv6Address) -> bool:
    """Whether *address* is in fe80::/10, in a quarter of the time of is_link_local."""
    return int(address) >> 118 == _LINK_LOCAL


def eui64_address(prefix: IPv6Network, lladdr: str) -> IPv6Address:
    """Return the address in a /64 that a host with an Ethernet address makes from it (RFC 2464, 4)."""
    octets = bytes.fromhex(lladdr.replace(":", ""))
    interface_id = bytes((octets[0] ^ _UNIVERSAL, *octets[1:3], 0xFF, 0xFE, *octets[3:]))
    return prefix[int.from_bytes(interface_id)]
