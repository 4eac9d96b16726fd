"""A host of the lab and an interface -> the multicast groups reported there, as a snooping switch sees them.

Source: RFC 3810, 5.2 (MLDv2 report), and RFC 2710, 3 (MLDv1 report).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from tests.lab import Host

_HOP_BY_HOP, _ICMPV6 = 0, 58
_REPORT_1, _REPORT_2 = 131, 143
_CHANGE_TO_EXCLUDE = 4  # the group is joined, with no source excluded
_HEADERS = 14 + 40  # of Ethernet and IPv6


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one joined group; *routed*: with the hop limit and router alert that switches require."""

    source: str
    group: str
    version: int
    routed: bool


def group(address: str) -> str:
    """Return the solicited-node multicast group of *address* (RFC 4291, 2.7.1)."""
    octets = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + socket.inet_pton(socket.AF_INET6, address)[13:]
    return socket.inet_ntop(socket.AF_INET6, octets)


class Reports:
    """The reports that *host* receives on *dev* from now on."""

    def __init__(self, host: Host, dev: str) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        self._seen: list[Report] = []
        self._socket = host.inside(lambda: socket.socket(socket.AF_PACKET, kind, 0))
        self._socket.bind((dev, 0x86DD))

    def __enter__(self) -> Reports:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    def seen(self, address: str) -> list[Report]:
        """Return the reports so far of the group of *address*."""
        while True:
            try:
                packet, where = self._socket.recvfrom(65535)
            except BlockingIOError:
                return [report for report in self._seen if report.group == group(address)]
            if where[2] != socket.PACKET_OUTGOING:
                self._seen.extend(_reports(packet))


def _reports(packet: bytes) -> Iterator[Report]:
    """Yield the reports in *packet*; none if its checksum is wrong."""
    if packet[20] != _HOP_BY_HOP or packet[_HEADERS] != _ICMPV6:
        return
    start = _HEADERS + 8 * (packet[_HEADERS + 1] + 1)
    message = packet[start : 14 + 40 + int.from_bytes(packet[18:20], "big")]
    if _checksum(packet[22:54] + struct.pack("!II", len(message), _ICMPV6) + message) != 0:
        return
    source = socket.inet_ntop(socket.AF_INET6, packet[22:38])
    routed = packet[21] == 1 and packet[_HEADERS + 2 : start].startswith(b"\x05\x02\x00\x00")
    if message[0] == _REPORT_1:
        yield Report(source, socket.inet_ntop(socket.AF_INET6, message[8:24]), 1, routed)
    elif message[0] == _REPORT_2:
        record = 8
        for _ in range(int.from_bytes(message[6:8], "big")):
            kind, more, sources = struct.unpack_from("!BBH", message, record)
            if kind == _CHANGE_TO_EXCLUDE:
                joined = socket.inet_ntop(socket.AF_INET6, message[record + 4 : record + 20])
                yield Report(source, joined, 2, routed)
            record += 20 + 16 * sources + 4 * more


def _checksum(octets: bytes) -> int:
    """Return 0 if *octets*, which include their checksum, are intact (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
