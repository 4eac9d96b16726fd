"""An echo request to all nodes of a link (ff02::1) -> the address and interface of each host that answers.

The request has a global source address: a host answers a link-local one from its own link-local address, which says
nothing about its global ones.  The global address may be on another link, and then no host on this one answers for it.
A host that believes it to be on its own link solicits it in vain.  That solicitation, whose multicast group we join,
identifies the host as well as an answer would.
Source: RFC 4443, 4.1 (echo), RFC 4861, 4.3 (solicitation), RFC 4291, 2.7.1 (multicast groups).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from ipaddress import IPv6Address

from ndpbr_py.core.events import CandidatesFound
from ndpbr_py.packets.mld import solicited_node_group
from ndpbr_py.packets.round_trip import ECHO_REPLY, ECHO_REQUEST, HEADER, PKTINFO, icmp_socket

ALL_NODES = "ff02::1"
_SOLICITATION = 135
_TARGET = slice(8, 24)  # of a solicitation
_LISTEN_S = 5.0  # after the last request; a host solicits three times in 3 s
_MAX_PACKETS = 64  # read in one round of the loop
_ANCILLARY_BYTES = socket.CMSG_SPACE(PKTINFO.size)


class AllNodesPing:
    """Sends the requests, and receives answers for a few seconds.

    Args:
        emit: Gets the hosts that answered, always from a callback of the loop.
    """

    def __init__(self, emit: Callable[[CandidatesFound], None]) -> None:
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._devs: dict[int, str] = {}
        self._sources: set[bytes] = set()
        self._identifier = os.getpid() & 0xFFFF

    def send(self, source: IPv6Address, dev: str) -> None:
        """Send a request on *dev*, from the router's address *source*.

        Raises:
            NdpbrError: CAP_NET_RAW is missing.
            OSError: It cannot be sent now.
        """
        index = socket.if_nametoindex(dev)
        sender = self._open()
        group = solicited_node_group(source).packed
        with contextlib.suppress(OSError):  # already a member; and without membership some hosts still answer
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, PKTINFO.pack(group, index))
        self._devs[index] = dev
        self._sources.add(source.packed)
        info = PKTINFO.pack(source.packed, index)
        request = HEADER.pack(ECHO_REQUEST, 0, 0, self._identifier, 0)
        sender.sendmsg([request], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)], 0, (ALL_NODES, 0, 0, index))

    def close(self) -> None:
        """Stop receiving."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._timer is not None:
            self._timer.cancel()

    def _open(self) -> socket.socket:
        """Return the socket, which receives for the next few seconds."""
        if self._socket is None:
            self._socket = icmp_socket(ECHO_REPLY, _SOLICITATION)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self._loop.add_reader(self._socket, self._read, self._socket)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(_LISTEN_S, self.close)
        return self._socket

    def _read(self, receiver: socket.socket) -> None:
        hosts: dict[tuple[IPv6Address, str], None] = {}
        with contextlib.suppress(OSError):  # nothing more to read; or an error of the interface, which is no answer
            for _ in range(_MAX_PACKETS):
                packet, ancillary, _flags, sender = receiver.recvmsg(1500, _ANCILLARY_BYTES)
                dev = self._devs.get(PKTINFO.unpack(ancillary[0][2])[1]) if ancillary else None
                if dev is not None and self._is_answer(packet):
                    hosts[IPv6Address(sender[0].partition("%")[0]), dev] = None
        if hosts:
            self._emit(CandidatesFound(tuple(hosts), remembered=False))

    def _is_answer(self, packet: bytes) -> bool:
        if packet[0] == ECHO_REPLY:
            return len(packet) >= HEADER.size and HEADER.unpack_from(packet)[3] == self._identifier
        return packet[_TARGET] in self._sources
