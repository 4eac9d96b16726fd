"""An action `Advertise` -> a neighbor advertisement, sent.

The kernel answers every solicitation for a proxied address itself. This sends what it cannot send: the answer to a
solicitation that came before the proxy entry, and corrections of outdated neighbor caches.
Source: RFC 4861, 4.4 (format), 7.2.4 (solicited), 7.2.6 (unsolicited). The kernel fills in the checksum.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Advertise
from ndpbr_py.packets.all_nodes_ping import ALL_NODES
from ndpbr_py.packets.round_trip import PKTINFO, icmp_socket

_ADVERTISEMENT, _SOLICITED, _OVERRIDE = 136, 0x40, 0x20
_TARGET_LLADDR = 2
_HOP_LIMIT = 255
_FREEBIND = 78  # IPV6_FREEBIND, linux/in6.h: a source that the router does not have
_SIOCGIFHWADDR = 0x8927  # linux/sockios.h; the lladdr follows the name (16 octets) and its family (2)
_KERNELS_CHOICE = bytes(16)


def advertisement(target: IPv6Address, lladdr: bytes, flags: int) -> bytes:
    """Return the message, with *lladdr* in the target link-layer address option."""
    return struct.pack("!BBHB3x16sBB6s", _ADVERTISEMENT, 0, 0, flags, target.packed, _TARGET_LLADDR, 1, lladdr)


class AdvertisementSocket:
    """Sends advertisements; opened when the first one is sent."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def send(self, action: Advertise) -> None:
        """Send what *action* says.

        Raises:
            NdpbrError: CAP_NET_RAW is missing.
            OSError: It cannot be sent now.
        """
        sender = self._socket = self._socket or _open()
        index = socket.if_nametoindex(action.dev)
        flags = _OVERRIDE if action.destination is None else _SOLICITED
        message = advertisement(action.address, _lladdr(sender, action.dev), flags)
        source = action.address.packed if action.as_target else _KERNELS_CHOICE
        destination = ALL_NODES if action.destination is None else str(action.destination)
        info = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, PKTINFO.pack(source, index))
        sender.sendmsg([message], [info], 0, (destination, 0, 0, index))

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()


def _open() -> socket.socket:
    sender = icmp_socket()
    for option in (socket.IPV6_UNICAST_HOPS, socket.IPV6_MULTICAST_HOPS):
        sender.setsockopt(socket.IPPROTO_IPV6, option, _HOP_LIMIT)
    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    sender.setsockopt(socket.IPPROTO_IPV6, _FREEBIND, 1)
    return sender


def _lladdr(connection: socket.socket, dev: str) -> bytes:
    """Return the interface's own link-layer address."""
    return fcntl.ioctl(connection, _SIOCGIFHWADDR, struct.pack("16s16x", dev.encode()))[18:24]
