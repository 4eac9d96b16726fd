"""IPv6 packet -> the neighbor solicitation in it, or None if a node must discard it.

Pure.  It checks every rule of RFC 4861, 7.1.1.  Packets with extension headers are left to the kernel.
"""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

from ndpbr_py.core.events import SolicitationReceived

# The IPv6 header, then: type, code, checksum, reserved, target.
_PACKET = struct.Struct("!IHBB16s16sBBHI16s")
_HEADER_BYTES = 40
_ICMPV6, _HOP_LIMIT, _SOLICITATION = 58, 255, 135
_SOURCE_LLADDR = 1
_UNSPECIFIED = bytes(16)
_SOLICITED_NODE = IPv6Address("ff02::1:ff00:0").packed[:13]


def solicitation(packet: bytes, dev: str, lladdr: str | None) -> SolicitationReceived | None:
    """Return the solicitation in *packet*, received on *dev* from *lladdr*; None if there is no valid one."""
    if len(packet) < _PACKET.size:
        return None
    first, length, next_header, hop_limit, source, destination, kind, code, _, _, target = _PACKET.unpack_from(packet)
    if (first >> 28, next_header, hop_limit, kind, code) != (6, _ICMPV6, _HOP_LIMIT, _SOLICITATION, 0):
        return None
    message = packet[_HEADER_BYTES : _HEADER_BYTES + length]  # a short frame is padded
    options = _options(packet[_PACKET.size : _HEADER_BYTES + length])
    if len(message) != length or length < _PACKET.size - _HEADER_BYTES or options is None:
        return None
    if target[0] == 0xFF or source[0] == 0xFF:
        return None
    dad = source == _UNSPECIFIED
    if dad and (not destination.startswith(_SOLICITED_NODE) or _SOURCE_LLADDR in options):
        return None
    if not _checksum_is_right(source + destination, message):
        return None
    return SolicitationReceived(dev, None if dad else IPv6Address(source), IPv6Address(target), lladdr)


def _options(octets: bytes) -> set[int] | None:
    """Return the types of the options; None if the length of one is 0, or more than what follows."""
    types = set()
    while octets:
        length = octets[1] * 8 if len(octets) > 1 else 0
        if length == 0 or length > len(octets):
            return None
        types.add(octets[0])
        octets = octets[length:]
    return types


def _checksum_is_right(addresses: bytes, message: bytes) -> bool:
    """Whether the checksum is right: a packet socket receives packets before the kernel has checked them.

    No kernel leaves a solicitation's checksum to the network card, so it is complete on virtual links, too.
    """
    # The ones' complement sum of 16-bit words is the whole as one number, modulo 2**16 - 1 (RFC 1071).
    whole = addresses + struct.pack("!II", len(message), _ICMPV6) + message
    return int.from_bytes(whole, "big") % 0xFFFF == 0
