"""The kernel's filter for a packet socket: only solicitations that may matter wake the daemon.

Classic BPF, as data.  Offsets count from the IPv6 header, where the data of a SOCK_DGRAM packet socket begins.  A
packet that is too short for a load is dropped.  Source: Documentation/networking/filter.rst, linux/filter.h.
"""

from __future__ import annotations

import struct
from array import array

_BYTE, _HALF, _WORD = 0x30, 0x28, 0x20  # load from a fixed offset
_AND = 0x54
_EQUAL, _GREATER = 0x15, 0x25  # jump: this many instructions if true, that many if not
_RETURN = 0x06
_PACKET_TYPE = 0xFFFFF004  # SKF_AD_OFF + SKF_AD_PKTTYPE: to us, broadcast, multicast, to others, from us
_MULTICAST = 2
_MAX_BYTES = 1500

PROGRAM: tuple[tuple[int, int, int, int], ...] = (
    # Neither packets of this machine nor those that promiscuous mode (another program's) lets in.
    (_BYTE, 0, 0, _PACKET_TYPE),
    (_GREATER, 12, 0, _MULTICAST),
    (_BYTE, 0, 0, 6),  # next header
    (_EQUAL, 0, 10, 58),  # ICMPv6
    (_BYTE, 0, 0, 7),  # hop limit: no router has forwarded it
    (_EQUAL, 0, 8, 255),
    (_HALF, 0, 0, 40),  # type and code
    (_EQUAL, 0, 6, 135 << 8),  # neighbor solicitation
    # For link-local targets, which hosts solicit all the time, only DAD probes, whose source is ::.
    (_WORD, 0, 0, 8),
    (_EQUAL, 3, 0, 0),
    (_HALF, 0, 0, 48),  # target
    (_AND, 0, 0, 0xFFC0),
    (_EQUAL, 1, 0, 0xFE80),
    (_RETURN, 0, 0, _MAX_BYTES),
    (_RETURN, 0, 0, 0),
)


def sock_fprog() -> tuple[bytes, object]:
    """Return `struct sock_fprog` for SO_ATTACH_FILTER, and the object that must live until the socket has it."""
    code = array("B", b"".join(struct.pack("=HBBI", *instruction) for instruction in PROGRAM))
    address, _ = code.buffer_info()
    return struct.pack("HP", len(PROGRAM), address), code
