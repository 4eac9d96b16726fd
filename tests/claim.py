"""An address -> one neighbor solicitation from it, sent by its owner or by an attacker.

Source: RFC 4861, 4.3 (solicitation) and 4.6.1 (source link-layer address).  The kernel fills in the checksum.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address

from tests.lab import Host

_GATEWAY = "fe80::1"  # the router's link-local address on every LAN
_SOLICITATION = 135
_SOURCE_LLADDR = 1
_IPV6_FREEBIND = 78  # linux/in6.h; lets a socket send from an address that its host does not have


def claim(host: Host, address: str, dev: str = "eth0", lladdr: str | None = None, target: str = _GATEWAY) -> None:
    """Solicit the router, or *target*, from *host*, with source *address* and *lladdr* (default: that of *dev*)."""
    octets = bytes.fromhex((lladdr or host.mac(dev)).replace(":", ""))
    asked = socket.inet_pton(socket.AF_INET6, target)
    packet = struct.pack("!BBHI16sBB", _SOLICITATION, 0, 0, 0, asked, _SOURCE_LLADDR, 1) + octets
    with host.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)) as sender:
        index = host.inside(lambda: socket.if_nametoindex(dev))
        sender.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        # The scope is needed for a link-local address, and ignored for any other.
        sender.bind((address, 0, 0, index))
        group = str(IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | int.from_bytes(asked[-3:], "big")))
        sender.sendto(packet, (group, 0, 0, index))
