"""A host and its clients -> a tun interface on each, and a program that passes the packets between them.

The program does what a VPN server does: it sends a packet to the client that has the destination address, and drops
packets to addresses that no client has. The tun interfaces have no neighbor discovery, as those of WireGuard, OpenVPN
and PPP.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType

from tests.lab import Host

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_DESTINATION = slice(24, 40)  # of an IPv6 packet


class Tunnel:
    """The tunnel; it ends with the ``with``.

    Attributes:
        dropped: How many packets had a destination that no client has.
    """

    def __init__(self, server: Host, dev: str = "tun0") -> None:
        self.dropped = 0
        self._server = _tun(server, dev)
        self._clients: dict[bytes, int] = {}
        self._end, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._pass)

    def __enter__(self) -> Tunnel:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._ended)
        self._thread.join()
        for descriptor in {self._server, self._end, *self._clients.values()}:
            os.close(descriptor)

    def connect(self, client: Host, address: str) -> None:
        """Give *client* a tun interface with *address*, and a default route through it."""
        descriptor = _tun(client, "tun0")
        client.lay(f"address add {address}/128 dev tun0 nodad", "route add ::/0 dev tun0")
        self._clients[socket.inet_pton(socket.AF_INET6, address)] = descriptor

    def _pass(self) -> None:
        while True:
            ready, _, _ = select.select([self._server, self._end, *self._clients.values()], [], [], 0.05)
            if self._end in ready:
                return
            for source in ready:
                packet = os.read(source, 65535)
                # A link-local or multicast packet, e.g. a router solicitation, goes nowhere.
                target = self._server if source != self._server else self._clients.get(packet[_DESTINATION])
                if target is None:
                    self.dropped += 1
                    continue
                with suppress(OSError):
                    os.write(target, packet)


def _tun(host: Host, dev: str) -> int:
    def opened() -> int:
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", dev.encode(), _IFF_TUN | _IFF_NO_PI))
        return descriptor

    descriptor = host.inside(opened)
    host.lay(f"link set {dev} up")
    return descriptor
