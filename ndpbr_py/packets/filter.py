"""The kernel's filter for a packet socket: only solicitations that may matter wake the daemon.

Offsets count from the IPv6 header, where the data of a SOCK_DGRAM packet socket begins.
"""

from __future__ import annotations

from ndpbr_py.system.bpf import AND, BYTE, EQUAL, GREATER, HALF, RETURN, WORD, Program

_PACKET_TYPE = 0xFFFFF004  # SKF_AD_OFF + SKF_AD_PKTTYPE: to us, broadcast, multicast, to others, from us
_MULTICAST = 2
_MAX_BYTES = 1500

PROGRAM: Program = (
    # Neither packets of this machine nor those that promiscuous mode (another program's) lets in.
    (BYTE, 0, 0, _PACKET_TYPE),
    (GREATER, 12, 0, _MULTICAST),
    (BYTE, 0, 0, 6),  # next header
    (EQUAL, 0, 10, 58),  # ICMPv6
    (BYTE, 0, 0, 7),  # hop limit: no router has forwarded it
    (EQUAL, 0, 8, 255),
    (HALF, 0, 0, 40),  # type and code
    (EQUAL, 0, 6, 135 << 8),  # neighbor solicitation
    # For link-local targets, which hosts solicit all the time, only DAD probes, whose source is ::.
    (WORD, 0, 0, 8),
    (EQUAL, 3, 0, 0),
    (HALF, 0, 0, 48),  # target
    (AND, 0, 0, 0xFFC0),
    (EQUAL, 1, 0, 0xFE80),
    (RETURN, 0, 0, _MAX_BYTES),
    (RETURN, 0, 0, 0),
)
