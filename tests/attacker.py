"""A machine that sends forged frames, and answers solicitations for addresses that are not its own.

It uses a packet socket beside its kernel, so it may have any addresses and link-layer addresses.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Container
from contextlib import suppress
from ipaddress import IPv6Address
from threading import Event, Thread
from types import TracebackType
from typing import Any

from tests import frames
from tests.lab import Host

_IPV6 = 0x86DD
_SOURCE, _ICMP, _TARGET, _END = 14 + 8, 14 + 40, 14 + 48, 14 + 64  # in a frame with a solicitation


class Everything:
    """Contains every address."""

    def __contains__(self, _: object) -> bool:
        return True


class Attacker:
    """Sends from *dev* of *host*; between enter and exit it answers solicitations for *answers*.

    Args:
        lladdr: Whose frames it forges; default: its own.
        gateway: The router's address on this link.
        router: Whether it answers as a router.
    """

    def __init__(
        self,
        host: Host,
        dev: str = "eth0",
        *,
        lladdr: str | None = None,
        gateway: str = "fe80::1",
        answers: Container[IPv6Address] = (),
        router: bool = False,
    ) -> None:
        self.lladdr = lladdr or host.mac(dev)
        self.answers = answers
        self.answered: set[IPv6Address] = set()
        self._gateway, self._router = gateway, router
        host.ip(f"link set {dev} promisc on")  # answers to a forged lladdr are for its kernel, too
        self._socket = host.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        host.inside(lambda: self._socket.bind((dev, _IPV6)))
        self._stop = Event()
        self._thread = Thread(target=self._answer, daemon=True)

    def __enter__(self) -> Attacker:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def send(self, packet: bytes, lladdr: str | None = None) -> None:
        """Send *packet* to all nodes of the link."""
        self._socket.send(b"\x33\x33\0\0\0\1" + _octets(lladdr or self.lladdr) + b"\x86\xdd" + packet)

    def claim(self, address: str, lladdr: str | None = None) -> None:
        """Solicit the router from *address*."""
        option = b"\1\1" + _octets(lladdr or self.lladdr)
        self.send(frames.frame(address, self._gateway, frames.solicited_node(self._gateway), option), lladdr)

    def detect(self, address: str, lladdr: str | None = None) -> None:
        """Send a DAD probe for *address*."""
        self.send(frames.probe(address, frames.solicited_node(address)), lladdr)

    def _answer(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._socket], [], [], 0.05)[0]:
                continue
            with suppress(OSError):  # the link is down
                self._answer_packet(*self._socket.recvfrom(2048))

    def _answer_packet(self, packet: bytes, where: tuple[Any, ...]) -> None:
        if where[2] == socket.PACKET_OUTGOING or len(packet) < _END or packet[_ICMP] != 135:
            return
        source, target = (IPv6Address(packet[at : at + 16]) for at in (_SOURCE, _TARGET))
        if not source.is_unspecified and target in self.answers:
            self.answered.add(target)
            lladdr = _octets(self.lladdr)
            answer = frames.advertisement(str(target), str(source), str(target), lladdr, router=self._router)
            self._socket.send(packet[6:12] + lladdr + b"\x86\xdd" + answer)


def _octets(lladdr: str) -> bytes:
    return bytes.fromhex(lladdr.replace(":", ""))
