"""An address of an interface -> an MLD report of its solicited-node multicast group, sent.

The kernel sends the same report when it joins the group.  Nothing changes in the kernel.
Source: RFC 3810, 5.2 (version 2), RFC 2710, 3 (version 1), RFC 2711 (the option), RFC 4291, 2.7.1 (the group).
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address

from ndpbr_py.packets.round_trip import icmp_socket
from ndpbr_py.system.sysctl import values

_SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))
_MLDV2_ROUTERS = "ff02::16"
_REPORT_1, _REPORT_2 = 131, 143
_CHANGE_TO_EXCLUDE = 4  # with no excluded source: from now on packets from all sources are accepted
_ROUTER_ALERT = bytes((0, 0, 5, 2, 0, 0, 1, 0))  # with two octets of padding


def solicited_node_group(address: IPv6Address) -> IPv6Address:
    """Return the multicast group that solicitations for *address* are sent to."""
    return IPv6Address(_SOLICITED_NODE | int(address) & 0xFFFFFF)


def report(group: IPv6Address, version: int) -> tuple[bytes, str]:
    """Return the message that reports *group*, and its destination; the kernel fills in the checksum."""
    if version == 1:
        return struct.pack("!BBHHH16s", _REPORT_1, 0, 0, 0, 0, group.packed), str(group)
    record = struct.pack("!BBH16s", _CHANGE_TO_EXCLUDE, 0, 0, group.packed)
    return struct.pack("!BBHHH", _REPORT_2, 0, 0, 0, 1) + record, _MLDV2_ROUTERS


def send_report(address: IPv6Address, dev: str, source: IPv6Address) -> None:
    """Report the group of *address* on *dev*, from its link-local address *source*.

    Raises:
        NdpbrError: CAP_NET_RAW is missing.
        OSError: It cannot be sent now.
    """
    index = socket.if_nametoindex(dev)
    message, destination = report(solicited_node_group(address), _version(dev))
    with icmp_socket() as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, _ROUTER_ALERT)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        # Switches accept a report only from a link-local address (RFC 3810, 5.2.13).
        sender.bind((str(source), 0, 0, index))
        sender.sendto(message, (destination, 0, 0, index))


def _version(dev: str) -> int:
    """Return the MLD version of *dev*: 1 if the kernel is configured so, for the sake of an old switch, else 2."""
    return 1 if "1" in values(f"conf/{name}/force_mld_version" for name in ("all", dev)).values() else 2
