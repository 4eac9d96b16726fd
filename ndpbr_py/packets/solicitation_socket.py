"""Interfaces -> the neighbor solicitations heard on them.

One packet socket each, which hears every multicast group for as long as it is open: nothing stays behind, whatever
ends the process.  What comes too quickly is left to the kernel to drop.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Mapping

from ndpbr_py.core.events import SolicitationReceived
from ndpbr_py.packets.filter import attachable
from ndpbr_py.packets.solicitation import solicitation

_IPV6 = 0x86DD
_SOL_PACKET, _ADD_MEMBERSHIP, _ALL_MULTICAST = 263, 1, 2  # linux/if_packet.h
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, asm-generic/socket.h
_AT_ONCE = 32  # packets; with more to read there is a flood, and others shall have their turn
_REST = 0.05  # s; so 640 a second at the most are looked at, and a new address every second is not missed
_GONE = (errno.ENODEV, errno.ENXIO, errno.ENETDOWN)


class SolicitationSocket:
    """The sockets.

    Args:
        heard: Called with what was heard.
        opened: Called with an interface that is listened to from now on.
        refused: Called with what the kernel said when it gave no socket.
    """

    def __init__(
        self,
        heard: Callable[[list[SolicitationReceived]], None],
        opened: Callable[[str], None],
        refused: Callable[[str], None],
    ) -> None:
        self._heard = heard
        self._opened = opened
        self._refused = refused
        self._sockets: dict[str, tuple[int, socket.socket]] = {}
        self._loop = asyncio.get_running_loop()

    def tune(self, indexes: Mapping[str, int]) -> None:
        """Listen to these interfaces (name -> index) and to no others; one that was made anew has another index."""
        for dev in [dev for dev, (index, _) in self._sockets.items() if indexes.get(dev) != index]:
            self._shut(dev)
        for dev, index in indexes.items():
            if dev not in self._sockets:
                self._open(dev, index)

    def close(self) -> None:
        """Listen no longer."""
        self.tune({})

    def _open(self, dev: str, index: int) -> None:
        try:
            # Without a protocol it hears nothing before all is set.
            listening = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            self._refused(error.strerror or str(error))
            return
        try:
            program, _kept = attachable()
            listening.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
            listening.bind((dev, _IPV6))
            membership = struct.pack("iHH8s", index, _ALL_MULTICAST, 0, b"")
            listening.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
        except OSError as error:
            listening.close()
            if error.errno not in _GONE:  # the next reading of the tables knows what has become of it
                self._refused(error.strerror or str(error))
            return
        self._sockets[dev] = index, listening
        self._loop.add_reader(listening, self._read, dev, listening)
        self._opened(dev)

    def _shut(self, dev: str) -> None:
        _, listening = self._sockets.pop(dev)
        self._loop.remove_reader(listening)
        listening.close()

    def _read(self, dev: str, listening: socket.socket) -> None:
        heard: list[SolicitationReceived] = []
        try:
            for _ in range(_AT_ONCE):
                packet, sender = listening.recvfrom(2048)
                lladdr = sender[4].hex(":") if len(sender[4]) == 6 else None
                if (event := solicitation(packet, dev, lladdr)) is not None:
                    heard.append(event)
            self._loop.remove_reader(listening)
            self._loop.call_later(_REST, self._resume, dev, listening)
        except BlockingIOError:
            pass
        except OSError:
            self._shut(dev)  # it went down; the reading that follows when it is up again opens another
        if heard:
            self._heard(heard)

    def _resume(self, dev: str, listening: socket.socket) -> None:
        if self._sockets.get(dev, (0, None))[1] is listening:
            self._loop.add_reader(listening, self._read, dev, listening)
