"""claims|scan|vpn-scan, RATE, SECONDS -> RATE solicitations a second; prints how many were sent.

claims: a LAN host solicits the router, each time from a new address with a new lladdr.
scan: the modem solicits random addresses of the prefix; vpn-scan: of the VPN's part of it (tests/server.py).
Run by path, in the namespace of the sender.  Source: RFC 4861, 4.3; the kernel fills in the checksum.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable

_FREEBIND = 78  # IPV6_FREEBIND, linux/in6.h: send from addresses that the host does not have
_SOLICITATION, _SOURCE_LLADDR = 135, 1
_PREFIX = socket.inet_pton(socket.AF_INET6, "2001:db8:64::")[:8]
_ROUTER = socket.inet_pton(socket.AF_INET6, "fe80::1")

# The number of a packet -> its source (zeros: the kernel chooses it), target and lladdr.
Packet = Callable[[int], tuple[bytes, bytes, bytes]]


def claim(number: int) -> tuple[bytes, bytes, bytes]:
    """Return a packet from a new host to the router."""
    return _PREFIX + b"\xba\xad" + number.to_bytes(6, "big"), _ROUTER, b"\x02\x66" + number.to_bytes(4, "big")


def lookup(_: int) -> tuple[bytes, bytes, bytes]:
    """Return a packet from the modem for a random address."""
    return bytes(16), _PREFIX + os.urandom(8), b"\x02\0\0\0\x02\x0a"


def lookup_in_vpn(_: int) -> tuple[bytes, bytes, bytes]:
    """Return a packet from the modem for a random address of 2001:db8:64:0:b::/80."""
    return bytes(16), _PREFIX + b"\0\x0b" + os.urandom(6), b"\x02\0\0\0\x02\x0a"


def send(packet: Packet, dev: str, rate: float, seconds: float) -> int:
    """Send *rate* packets a second, evenly spaced, for *seconds*; return how many were sent."""
    index = socket.if_nametoindex(dev)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, _FREEBIND, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        started, sent, lost = time.monotonic(), 0, 0
        while (elapsed_s := time.monotonic() - started) < seconds:
            if sent >= elapsed_s * rate:
                time.sleep(0.001)
                continue
            sent += 1
            source, target, lladdr = packet(sent)
            message = struct.pack("!BBHI16sBB6s", _SOLICITATION, 0, 0, 0, target, _SOURCE_LLADDR, 1, lladdr)
            ancillary = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("16sI", source, index))
            group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + target[13:])
            try:
                sender.sendmsg([message], [ancillary], 0, (group, 0, 0, index))
            except OSError:
                lost += 1  # the sender's kernel cannot keep up
        return sent - lost


if __name__ == "__main__":
    kinds: dict[str, tuple[Packet, str]] = {
        "claims": (claim, "eth0"),
        "scan": (lookup, "lan0"),
        "vpn-scan": (lookup_in_vpn, "lan0"),
    }
    print(send(*kinds[sys.argv[1]], float(sys.argv[2]), float(sys.argv[3])))
