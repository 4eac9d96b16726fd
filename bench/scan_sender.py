"""RATE, SECONDS -> RATE solicitations a second for random addresses of the prefix, as the modem sends in a scan.

Run by path, in the namespace of the modem.  Source: RFC 4861, 4.3; the kernel fills in the checksum.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

_SOLICITATION, _SOURCE_LLADDR = 135, 1


def send(rate: float, seconds: float) -> int:
    """Send *rate* solicitations a second, evenly spaced, for *seconds*; return how many were sent."""
    prefix = socket.inet_pton(socket.AF_INET6, "2001:db8:64::")[:8]
    index = socket.if_nametoindex("lan0")
    option = struct.pack("BB6s", _SOURCE_LLADDR, 1, b"\x02\0\0\0\x02\x0a")
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        started, sent, lost = time.monotonic(), 0, 0
        while (elapsed_s := time.monotonic() - started) < seconds:
            if sent >= elapsed_s * rate:
                time.sleep(0.001)
                continue
            sent += 1
            target = prefix + os.urandom(8)
            group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + target[13:])
            try:
                packet = struct.pack("!BBHI16s", _SOLICITATION, 0, 0, 0, target) + option
                sender.sendto(packet, (group, 0, 0, index))
            except OSError:
                lost += 1
        return sent - lost


if __name__ == "__main__":
    print(send(float(sys.argv[1]), float(sys.argv[2])))
