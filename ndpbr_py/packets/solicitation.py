"""IPv6 packet -> the neighbor solicitation in it, or None if a node must discard it.

Pure.  Every rule of RFC 4861, 7.1.1; what lies behind extension headers is left to the kernel.
"""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

from ndpbr_py.core.events import SolicitationReceived

# The IPv6 header, then: type, code, checksum, reserved, target.
_PACKET = struct.Struct("!IHBB16s16sBBHI16s")
_HEADER = 40
_ICMPV6, _HOPS, _SOLICITATION = 58, 255, 135
_SOURCE_LLADDR = 1
_UNSPECIFIED = bytes(16)
_SOLICITED_NODE = IPv6Address("ff02::1:ff00:0").packed[:13]


def solicitation(packet: bytes, dev: str, lladdr: str | None) -> SolicitationReceived | None:
    """Return the solicitation that *packet* is, heard on *dev* from *lladdr*; None if it is none, or a false one."""
    if len(packet) < _PACKET.size:
        return None
    first, length, upper, hops, source, destination, kind, code, _, _, target = _PACKET.unpack_from(packet)
    if (first >> 28, upper, hops, kind, code) != (6, _ICMPV6, _HOPS, _SOLICITATION, 0):
        return None
    message = packet[_HEADER : _HEADER + length]  # a short frame is padded
    options = _options(packet[_PACKET.size : _HEADER + length])
    if len(message) != length or length < _PACKET.size - _HEADER or options is None:
        return None
    if target[0] == 0xFF or source[0] == 0xFF:
        return None
    probe = source == _UNSPECIFIED
    if probe and (not destination.startswith(_SOLICITED_NODE) or _SOURCE_LLADDR in options):
        return None
    if not _intact(source + destination, message):
        return None
    return SolicitationReceived(dev, None if probe else IPv6Address(source), IPv6Address(target), lladdr)


def _options(octets: bytes) -> set[int] | None:
    """Return the types of the options; None if one has no length, or more than there is."""
    types = set()
    while octets:
        length = octets[1] * 8 if len(octets) > 1 else 0
        if length == 0 or length > len(octets):
            return None
        types.add(octets[0])
        octets = octets[length:]
    return types


def _intact(addresses: bytes, message: bytes) -> bool:
    """Whether the checksum is right: a packet socket hears what the kernel has not looked at yet.

    Nobody leaves a solicitation's checksum to the network card, so that it is whole also on virtual links.
    """
    # The sum of 16-bit words in ones' complement is the whole as one number, modulo 2**16 - 1 (RFC 1071).
    whole = addresses + struct.pack("!II", len(message), _ICMPV6) + message
    return int.from_bytes(whole, "big") % 0xFFFF == 0
