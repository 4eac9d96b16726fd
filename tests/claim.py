"""An address -> one neighbor solicitation from it, sent by its owner or by an attacker.

Source: RFC 4861, 4.3 (solicitation) and 4.6.1 (source link-layer address).  The kernel fills in the checksum.
"""

from __future__ import annotations

import socket
import struct

from tests import frames
from tests.lab import Host

_GATEWAY = "fe80::1"  # the router's link-local address on every LAN
_SOLICITATION = 135
_SOURCE_LLADDR = 1
_ICMPV6 = (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
_IPV6_FREEBIND = 78  # linux/in6.h; lets a socket send from an address that its host does not have


def claim(host: Host, address: str, dev: str = "eth0", lladdr: str | None = None, target: str = _GATEWAY) -> None:
    """Solicit the router, or *target*, from *host*, with source *address* and *lladdr* (default: that of *dev*)."""
    octets = bytes.fromhex((lladdr or host.mac(dev)).replace(":", ""))
    packet = struct.pack("!BBHI16sBB", _SOLICITATION, 0, 0, 0, frames.packed(target), _SOURCE_LLADDR, 1) + octets
    index, sender = host.inside(lambda: (socket.if_nametoindex(dev), socket.socket(*_ICMPV6)))
    with sender:
        sender.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        # The scope is needed for a link-local address, and ignored for any other.
        sender.bind((address, 0, 0, index))
        sender.sendto(packet, (frames.solicited_node(target), 0, 0, index))
