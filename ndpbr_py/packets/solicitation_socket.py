"""Interfaces -> the neighbor solicitations that pass them.

There is one packet socket for each interface.  It receives all multicast groups while it is open, and the kernel
undoes that however the process ends.  In a flood, the kernel drops what is not read in time.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ndpbr_py.core.events import SolicitationReceived
from ndpbr_py.packets.filter import PROGRAM
from ndpbr_py.packets.solicitation import solicitation
from ndpbr_py.system import bpf

_IPV6 = 0x86DD
_SOL_PACKET, _ADD_MEMBERSHIP, _ALL_MULTICAST = 263, 1, 2  # linux/if_packet.h
# Row "(default)" of scan: at most 640 packets a second are read, and a new address each second is not missed.
_MAX_PACKETS = 32  # read in one round of the loop; more means a flood, and other sources get their turn
_PAUSE_S = 0.05  # after such a round
_INTERFACE_GONE = (errno.ENODEV, errno.ENXIO, errno.ENETDOWN)


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """Solicitations on *dev* are received from now on."""

    dev: str


@dataclass(frozen=True, slots=True)
class SocketRefused:
    """The kernel refused a socket for *dev*, for example because CAP_NET_RAW is missing; *error* is its reason."""

    dev: str
    error: str


SocketEvent = SolicitationReceived | SocketOpened | SocketRefused


class SolicitationSocket:
    """The sockets of all interfaces.

    Args:
        emit: Gets events, several at a time.
    """

    def __init__(self, emit: Callable[[Sequence[SocketEvent]], None]) -> None:
        self._emit = emit
        self._sockets: dict[str, tuple[int, socket.socket]] = {}
        self._loop = asyncio.get_running_loop()

    def tune(self, indexes: Mapping[str, int]) -> None:
        """Receive on these interfaces (name -> index) only; a recreated interface has another index."""
        for dev in [dev for dev, (index, _) in self._sockets.items() if indexes.get(dev) != index]:
            self._close(dev)
        for dev, index in indexes.items():
            if dev not in self._sockets:
                self._open(dev, index)

    def close(self) -> None:
        """Close all sockets."""
        self.tune({})

    def _open(self, dev: str, index: int) -> None:
        try:
            # Without a protocol it receives nothing until everything is set.
            receiver = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            self._emit([SocketRefused(dev, error.strerror or str(error))])
            return
        try:
            bpf.attach(PROGRAM, receiver)
            receiver.bind((dev, _IPV6))
            membership = struct.pack("iHH8s", index, _ALL_MULTICAST, 0, b"")
            receiver.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
        except OSError as error:
            receiver.close()
            if error.errno not in _INTERFACE_GONE:  # the next snapshot shows what became of it
                self._emit([SocketRefused(dev, error.strerror or str(error))])
            return
        self._sockets[dev] = index, receiver
        self._loop.add_reader(receiver, self._read, dev, receiver)
        self._emit([SocketOpened(dev)])

    def _close(self, dev: str) -> None:
        _, receiver = self._sockets.pop(dev)
        self._loop.remove_reader(receiver)
        receiver.close()

    def _read(self, dev: str, receiver: socket.socket) -> None:
        events: list[SolicitationReceived] = []
        try:
            for _ in range(_MAX_PACKETS):
                packet, sender = receiver.recvfrom(2048)
                lladdr = sender[4].hex(":") if len(sender[4]) == 6 else None
                if (event := solicitation(packet, dev, lladdr)) is not None:
                    events.append(event)
            self._loop.remove_reader(receiver)
            self._loop.call_later(_PAUSE_S, self._resume, dev, receiver)
        except BlockingIOError:
            pass
        except OSError:
            self._close(dev)  # the interface went down; the snapshot after it is up again opens another
        if events:
            self._emit(events)

    def _resume(self, dev: str, receiver: socket.socket) -> None:
        if self._sockets.get(dev, (0, None))[1] is receiver:
            self._loop.add_reader(receiver, self._read, dev, receiver)
