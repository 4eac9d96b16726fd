"""One echo request to all nodes of a link (ff02::1) -> the addresses, and their interface, of those that answer it.

It goes out from a global address: to a link-local one hosts answer from theirs, which says nothing.  That address may
be on another link, where nobody answers for it on this one, so a host that takes it for its neighbor solicits it in
vain: the solicitation, for which we join its multicast group, names the host as well as the answer would.
Source: RFC 4443, 4.1 (echo), RFC 4861, 4.3 (solicitation), RFC 4291, 2.7.1 (multicast groups).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from ipaddress import IPv6Address

from ndpbr_py.packets.mld import group
from ndpbr_py.packets.round_trip import ECHO_REPLY, ECHO_REQUEST, HEADER, PKTINFO, icmp_socket

ALL_NODES = "ff02::1"
_SOLICITATION = 135
_TARGET = slice(8, 24)  # of a solicitation
_LISTEN = 5.0  # s; a host solicits three times in 3 s
_MOST = 64  # packets at a time
_ANCILLARY = socket.CMSG_SPACE(PKTINFO.size)


class AllNodesPing:
    """Asks, and listens for some seconds.

    Args:
        here: Called with those that answered, some at a time.
    """

    def __init__(self, here: Callable[[tuple[tuple[IPv6Address, str], ...]], None]) -> None:
        self._here = here
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._end: asyncio.TimerHandle | None = None
        self._devs: dict[int, str] = {}
        self._sources: set[bytes] = set()
        self._identifier = os.getpid() & 0xFFFF

    def ask(self, source: IPv6Address, dev: str) -> None:
        """Ask everybody on *dev* from the router's address *source*.

        Raises:
            NdpbrError: No CAP_NET_RAW.
            OSError: It could not be sent now.
        """
        index = socket.if_nametoindex(dev)
        asker = self._opened()
        joined = group(source).packed
        with contextlib.suppress(OSError):  # joined already; and without it some answer all the same
            asker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, PKTINFO.pack(joined, index))
        self._devs[index] = dev
        self._sources.add(source.packed)
        info = PKTINFO.pack(source.packed, index)
        request = HEADER.pack(ECHO_REQUEST, 0, 0, self._identifier, 0)
        asker.sendmsg([request], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)], 0, (ALL_NODES, 0, 0, index))

    def close(self) -> None:
        """Listen no longer."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._end is not None:
            self._end.cancel()

    def _opened(self) -> socket.socket:
        """Return the socket, which hears for some seconds from now on."""
        if self._socket is None:
            self._socket = icmp_socket(ECHO_REPLY, _SOLICITATION)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self._loop.add_reader(self._socket, self._heard, self._socket)
        if self._end is not None:
            self._end.cancel()
        self._end = self._loop.call_later(_LISTEN, self.close)
        return self._socket

    def _heard(self, asker: socket.socket) -> None:
        found: dict[tuple[IPv6Address, str], None] = {}
        with contextlib.suppress(OSError):  # no more for now; or an error of the interface, which is no answer
            for _ in range(_MOST):
                packet, ancillary, _flags, sender = asker.recvmsg(1500, _ANCILLARY)
                dev = self._devs.get(PKTINFO.unpack(ancillary[0][2])[1]) if ancillary else None
                if dev is not None and self._answers(packet):
                    found[IPv6Address(sender[0].partition("%")[0]), dev] = None
        if found:
            self._here(tuple(found))

    def _answers(self, packet: bytes) -> bool:
        if packet[0] == ECHO_REPLY:
            return len(packet) >= HEADER.size and HEADER.unpack_from(packet)[3] == self._identifier
        return packet[_TARGET] in self._sources
