"""Addresses -> round-trip times, by one ICMPv6 echo request each, as fast as they can be sent.

ping(8) is a different program on every system, with different output; a socket is the same everywhere.
A request is sent from the link-local address of its interface, if there is one: the router's global address may be on
another interface, and no host answers for it on this one.
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
_LINK_LOCAL, _UNUSABLE = "20", 0x48  # in /proc/net/if_inet6: the scope; tentative or a duplicate
_SEND_TIMEOUT_S = 10.0  # for one request; the kernel drops one to a silent host after 3 s
_ICMPV6_FILTER = 1  # socket option: a set bit blocks that type


def round_trips(targets: Iterable[tuple[IPv6Address, str]], timeout_s: float = 1.0) -> dict[IPv6Address, float]:
    """Return the round-trip times in seconds of those *targets* (address, interface) that answer within *timeout_s*.

    Raises:
        NdpbrError: CAP_NET_RAW is missing.
    """
    with icmp_socket(ECHO_REPLY) as connection:
        return _exchange(connection, targets, timeout_s)


def icmp_socket(*types: int) -> socket.socket:
    """Return a non-blocking raw ICMPv6 socket that receives only messages of these types.

    Raises:
        NdpbrError: CAP_NET_RAW is missing.
    """
    try:
        made = socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6)
    except PermissionError:
        raise NdpbrError("sending ICMPv6 messages requires root or CAP_NET_RAW") from None
    words = [0xFFFFFFFF] * 8
    for number in types:
        words[number // 32] &= ~(1 << number % 32)
    made.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, struct.pack("@8I", *words))
    return made


def _exchange(
    connection: socket.socket, targets: Iterable[tuple[IPv6Address, str]], timeout_s: float
) -> dict[IPv6Address, float]:
    """Send and receive side by side: the kernel buffers some 250 answers, and as many requests to silent hosts."""
    identifier = os.getpid() & 0xFFFF
    sources = _link_local_sources()
    waiting = deque(targets)
    sent_at: dict[IPv6Address, float] = {}
    result: dict[IPv6Address, float] = {}
    end = time.monotonic() + _SEND_TIMEOUT_S
    while (waiting or len(result) < len(sent_at)) and (remaining_s := end - time.monotonic()) > 0:
        readable, writable, _ = select.select([connection], [connection] if waiting else [], [], remaining_s)
        if readable:
            address = _answering_host(connection, identifier)
            if address in sent_at:
                result.setdefault(address, time.monotonic() - sent_at[address])
        elif writable:
            address, dev = waiting.popleft()
            request = HEADER.pack(ECHO_REQUEST, 0, 0, identifier, len(sent_at) & 0xFFFF)
            sent_at[address] = time.monotonic()
            with contextlib.suppress(OSError):  # no route: the host does not answer
                connection.sendmsg([request], sources.get(dev, ()), 0, (str(address), 0))
            end = sent_at[address] + (_SEND_TIMEOUT_S if waiting else timeout_s)
    return result


def _answering_host(connection: socket.socket, identifier: int) -> IPv6Address | None:
    """Return the sender of the next answer; None if it answers another program."""
    packet, sender = connection.recvfrom(1500)
    if len(packet) < HEADER.size or HEADER.unpack_from(packet)[3] != identifier:
        return None
    return IPv6Address(sender[0].partition("%")[0])


def _link_local_sources() -> dict[str, list[tuple[int, int, bytes]]]:
    """Return for each interface the control message that selects its link-local address (RFC 3542, 6.2)."""
    result = {}
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        address, index, _, scope, flags, dev = line.split()
        if scope == _LINK_LOCAL and not int(flags, 16) & _UNUSABLE:
            info = PKTINFO.pack(bytes.fromhex(address), int(index, 16))
            result[dev] = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]
    return result
