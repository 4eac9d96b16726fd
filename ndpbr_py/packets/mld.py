"""An address of an interface -> an MLD report of its solicited-node multicast group, sent.

It is what the kernel sends as it joins the group, and changes nothing in the kernel.
Source: RFC 3810, 5.2 (version 2), RFC 2710, 3 (version 1), RFC 2711 (the option), RFC 4291, 2.7.1 (the group).
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path

from ndpbr_py.errors import NdpbrError

_SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))
_ROUTERS = "ff02::16"  # all that speak MLDv2
_REPORT_1, _REPORT_2 = 131, 143
_CHANGE_TO_EXCLUDE = 4  # no source is excluded: from now on all packets are wanted
_ROUTER_ALERT = bytes((0, 0, 5, 2, 0, 0, 1, 0))  # with two octets of padding
_CONF = Path("/proc/sys/net/ipv6/conf")


def group(address: IPv6Address) -> IPv6Address:
    """Return the multicast group that solicitations for *address* are sent to."""
    return IPv6Address(_SOLICITED_NODE | int(address) & 0xFFFFFF)


def report(joined: IPv6Address, version: int) -> tuple[bytes, str]:
    """Return the message that says that *joined* was joined, and where it is sent; the kernel fills in the checksum."""
    if version == 1:
        return struct.pack("!BBHHH16s", _REPORT_1, 0, 0, 0, 0, joined.packed), str(joined)
    record = struct.pack("!BBH16s", _CHANGE_TO_EXCLUDE, 0, 0, joined.packed)
    return struct.pack("!BBHHH", _REPORT_2, 0, 0, 0, 1) + record, _ROUTERS


def announce(address: IPv6Address, dev: str, source: IPv6Address) -> None:
    """Report the group of *address* on *dev*, from its link-local address *source*.

    Raises:
        OSError: It could not be sent.
    """
    index = socket.if_nametoindex(dev)
    message, where = report(group(address), _version(dev))
    with raw_socket() as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, _ROUTER_ALERT)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        # Switches believe a report from a link-local address alone (RFC 3810, 5.2.13).
        sender.bind((str(source), 0, 0, index))
        sender.sendto(message, (where, 0, 0, index))


def raw_socket() -> socket.socket:
    """Return a socket that ICMPv6 messages can be sent from.

    Raises:
        NdpbrError: This process has not the right to.
    """
    try:
        return socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMPV6)
    except PermissionError:
        raise NdpbrError("root or CAP_NET_RAW was wanted, got neither") from None


def _version(dev: str) -> int:
    """Return which version the kernel is made to speak there, for the sake of an old switch; 2 if it is free."""
    for where in ("all", dev):
        with suppress(OSError):
            if (_CONF / where / "force_mld_version").read_text().strip() == "1":
                return 1
    return 2
