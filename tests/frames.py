"""Fields -> the IPv6 packet of a neighbor solicitation, valid by default.

Source: RFC 4861, 4.3; RFC 1071 (checksum).
"""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

SOURCE = "2001:db8::99"
TARGET = "2001:db8::33"
GROUP = "ff02::1:ff00:33"  # the target's solicited-node group
SOURCE_LLADDR = bytes((1, 1, 2, 0, 0, 0, 0, 0x99))
NONCE = bytes((14, 1, 1, 2, 3, 4, 5, 6))


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
    addresses = IPv6Address(source).packed + IPv6Address(group).packed
    body = bytes(4) + IPv6Address(target).packed + options
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
