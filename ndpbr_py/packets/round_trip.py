"""Addresses -> round-trip times, by one ICMPv6 echo request each, as fast as they can be sent.

ping(8) is another program on every system (and prints other words); a socket is the same everywhere.
Each is asked from the link-local address of its interface, if that has one: the router's global address may be on
another interface, and on this one nobody answers for it.
Source: RFC 4443, 4.1.  The kernel fills in the checksum.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Iterable
from ipaddress import IPv6Address
from pathlib import Path

from ndpbr_py.errors import NdpbrError

ECHO_REQUEST, ECHO_REPLY = 128, 129
HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
PKTINFO = struct.Struct("@16sI")  # struct in6_pktinfo: source, interface index
_LINK_LOCAL, _NOT_USABLE = "20", 0x48  # in /proc/net/if_inet6: the scope; tentative or a duplicate
_PATIENCE = 10.0  # s, to get rid of a request; the kernel forgets one to a silent host after 3 s
_ICMPV6_FILTER = 1  # socket option: a bit set is a type not wanted


def ping(targets: Iterable[tuple[IPv6Address, str]], timeout: float = 1.0) -> dict[IPv6Address, float]:
    """Return the round-trip time in seconds of each of *targets* (address, interface) that answered in *timeout*.

    Raises:
        NdpbrError: No CAP_NET_RAW.
    """
    with icmp_socket(ECHO_REPLY) as asker:
        return _exchange(asker, targets, timeout)


def icmp_socket(*types: int) -> socket.socket:
    """Return a raw ICMPv6 socket, not blocking, that hears messages of these types alone.

    Raises:
        NdpbrError: No CAP_NET_RAW.
    """
    try:
        made = socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6)
    except PermissionError:
        raise NdpbrError("root or CAP_NET_RAW was wanted to ping, got neither") from None
    words = [0xFFFFFFFF] * 8
    for number in types:
        words[number // 32] &= ~(1 << number % 32)
    made.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, struct.pack("@8I", *words))
    return made


def _exchange(
    asker: socket.socket, targets: Iterable[tuple[IPv6Address, str]], timeout: float
) -> dict[IPv6Address, float]:
    """Send and receive at once: the kernel keeps some 250 answers for us, and as many requests to silent hosts."""
    identifier = os.getpid() & 0xFFFF
    sources = _sources()
    waiting = deque(targets)
    sent: dict[IPv6Address, float] = {}
    answers: dict[IPv6Address, float] = {}
    end = time.monotonic() + _PATIENCE
    while (waiting or len(answers) < len(sent)) and (left := end - time.monotonic()) > 0:
        readable, writable, _ = select.select([asker], [asker] if waiting else [], [], left)
        if readable:
            address = _answered(asker, identifier)
            if address in sent:
                answers.setdefault(address, time.monotonic() - sent[address])
        elif writable:
            address, dev = waiting.popleft()
            request = HEADER.pack(ECHO_REQUEST, 0, 0, identifier, len(sent) & 0xFFFF)
            sent[address] = time.monotonic()
            with contextlib.suppress(OSError):  # no route: it does not answer
                asker.sendmsg([request], sources.get(dev, ()), 0, (str(address), 0))
            end = sent[address] + (_PATIENCE if waiting else timeout)
    return answers


def _answered(asker: socket.socket, identifier: int) -> IPv6Address | None:
    """Return who sent the next answer; None if it is not to us."""
    packet, sender = asker.recvfrom(1500)
    if len(packet) < HEADER.size or HEADER.unpack_from(packet)[3] != identifier:
        return None
    return IPv6Address(sender[0].partition("%")[0])


def _sources() -> dict[str, list[tuple[int, int, bytes]]]:
    """Return for each interface what has the kernel send from its link-local address (RFC 3542, 6.2)."""
    result = {}
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        address, index, _, scope, flags, dev = line.split()
        if scope == _LINK_LOCAL and not int(flags, 16) & _NOT_USABLE:
            info = PKTINFO.pack(bytes.fromhex(address), int(index, 16))
            result[dev] = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]
    return result
