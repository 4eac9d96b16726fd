"""Sends router advertisements."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Network

from tests.lab import Host

_ON_LINK_AND_AUTONOMOUS = 0xC0


def advertise(host: Host, dev: str, *, prefix: str | None = None, lifetime_s: int = 1800) -> None:
    """Send one router advertisement from *host*; with *lifetime_s* 0 it is no default router.

    Source: RFC 4861, 4.2 and 4.6.2.
    """
    packet = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime_s, 0, 0)
    if prefix is not None:
        network = IPv6Network(prefix)
        times = (3600, 3600, 0)
        packet += struct.pack("!BBBBIII", 3, 4, network.prefixlen, _ON_LINK_AND_AUTONOMOUS, *times)
        packet += network.network_address.packed
    with host.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)) as sender:
        index = host.inside(lambda: socket.if_nametoindex(dev))
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        sender.sendto(packet, ("ff02::1", 0, 0, index))
