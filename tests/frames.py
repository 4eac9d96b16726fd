"""Fields -> the IPv6 packet of a neighbor solicitation, or of another ICMPv6 message, valid by default.

Source: RFC 4861, 4.3; RFC 1071 (checksum).
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Network

SOURCE = "2001:db8::99"
TARGET = "2001:db8::33"
GROUP = "ff02::1:ff00:33"  # the target's solicited-node group
SOURCE_LLADDR = bytes((1, 1, 2, 0, 0, 0, 0, 0x99))
NONCE = bytes((14, 1, 1, 2, 3, 4, 5, 6))


def packed(address: str) -> bytes:
    """Return the 16 bytes of *address*."""
    return socket.inet_pton(socket.AF_INET6, address)  # a fraction of the time of ipaddress


def solicited_node(address: str) -> str:
    """Return the solicited-node multicast address of *address*."""
    return socket.inet_ntop(socket.AF_INET6, packed("ff02::1:ff00:0")[:13] + packed(address)[13:])


def frame(
    source: str = SOURCE,
    target: str = TARGET,
    group: str = GROUP,
    options: bytes = SOURCE_LLADDR,
    *,
    hops: int = 255,
    kind: int = 135,
    code: int = 0,
    upper: int = 58,
    checksum: int | None = None,
) -> bytes:
    """Return the packet, with a valid checksum unless *checksum* is given."""
    body = bytes(4) + packed(target) + options
    return message(source, group, kind, body, hops=hops, code=code, upper=upper, checksum=checksum)


def message(
    source: str,
    destination: str,
    kind: int,
    body: bytes,
    *,
    hops: int = 255,
    code: int = 0,
    upper: int = 58,
    checksum: int | None = None,
) -> bytes:
    """Return the packet of any ICMPv6 message; *body* begins after the checksum."""
    addresses = packed(source) + packed(destination)
    pseudo = addresses + struct.pack("!IIBBH", 4 + len(body), 58, kind, code, 0) + body
    if checksum is None:
        total = sum(struct.unpack(f"!{(len(pseudo) + 1) // 2}H", pseudo + bytes(len(pseudo) % 2)))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        checksum = ~total & 0xFFFF
    header = struct.pack("!IHBB", 6 << 28, 4 + len(body), upper, hops) + addresses
    return header + struct.pack("!BBH", kind, code, checksum) + body


def probe(target: str = TARGET, group: str = GROUP, options: bytes = b"") -> bytes:
    """Return a DAD probe for *target*."""
    return frame("::", target, group, options)


def advertisement(source: str, destination: str, target: str, lladdr: bytes, *, router: bool = False) -> bytes:
    """Return a solicited neighbor advertisement with the Override flag."""
    body = bytes((0x60 | router << 7, 0, 0, 0)) + packed(target) + b"\2\1" + lladdr
    return message(source, destination, 136, body)


def router_advertisement(source: str, *prefixes: str) -> bytes:
    """Return an advertisement of *prefixes* as on-link, which makes its sender no default router."""
    options = b""
    for network in map(IPv6Network, prefixes):
        options += struct.pack("!BBBBIII", 3, 4, network.prefixlen, 0x80, 3600, 3600, 0)
        options += network.network_address.packed
    return message(source, "ff02::1", 134, bytes(12) + options)
