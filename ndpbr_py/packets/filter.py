"""The kernel's filter for a packet socket: only solicitations that may matter wake the daemon.

Classic BPF, as data.  Offsets count from the IPv6 header, where a SOCK_DGRAM packet socket begins.  A packet that is
too short for a load is dropped.  Source: Documentation/networking/filter.rst, linux/filter.h.
"""

from __future__ import annotations

import struct
from array import array

_BYTE, _HALF, _WORD = 0x30, 0x28, 0x20  # load from a fixed offset
_AND = 0x54
_EQUAL, _GREATER = 0x15, 0x25  # jump, so many instructions if true, so many if not
_RETURN = 0x06
_PACKET_TYPE = 0xFFFFF004  # SKF_AD_OFF + SKF_AD_PKTTYPE: to us, to all, to a group, to others, from us
_GROUP = 2
_LENGTH = 1500

PROGRAM: tuple[tuple[int, int, int, int], ...] = (
    # Not what this machine sends itself, nor what another's promiscuous mode lets in.
    (_BYTE, 0, 0, _PACKET_TYPE),
    (_GREATER, 12, 0, _GROUP),
    (_BYTE, 0, 0, 6),  # next header
    (_EQUAL, 0, 10, 58),  # ICMPv6
    (_BYTE, 0, 0, 7),  # hop limit: no router has forwarded it
    (_EQUAL, 0, 8, 255),
    (_HALF, 0, 0, 40),  # type and code
    (_EQUAL, 0, 6, 135 << 8),  # neighbor solicitation
    # Of link-local targets, which hosts ask for all the time, only probes for duplicates, whose source is ::.
    (_WORD, 0, 0, 8),
    (_EQUAL, 3, 0, 0),
    (_HALF, 0, 0, 48),  # target
    (_AND, 0, 0, 0xFFC0),
    (_EQUAL, 1, 0, 0xFE80),
    (_RETURN, 0, 0, _LENGTH),
    (_RETURN, 0, 0, 0),
)


def attachable() -> tuple[bytes, object]:
    """Return the program as SO_ATTACH_FILTER takes it, and what must be kept until it has."""
    code = array("B", b"".join(struct.pack("=HBBI", *instruction) for instruction in PROGRAM))
    address, _ = code.buffer_info()
    return struct.pack("HP", len(PROGRAM), address), code
