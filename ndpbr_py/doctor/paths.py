"""ip(8) -> the policy rules, and the path of a packet from each listed interface."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from ndpbr_py.core.address import text
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process
from ndpbr_py.iproute2.policy import Path, PolicyRule, before_main, path
from ndpbr_py.iproute2.program import Program

_OUTSIDE = IPv6Address("2000::1")  # some address of a host beyond the link


def rules(ip: Program) -> tuple[PolicyRule, ...] | None:
    """Return the rules before that of the main table; None if they cannot be read."""
    try:
        ended = process.output(ip.path, "-6", "rule", "show")
    except NdpbrError:
        return None
    return tuple(before_main(ended.stdout.decode(errors="replace").splitlines())) if ended.status == 0 else None


def paths(ip: Program, address: IPv6Address, devs: Iterable[str], kernel: KernelSnapshot) -> dict[str, Path]:
    """Return the path that a packet to *address* takes that comes from a host on each of *devs*."""
    result = {}
    for dev in devs:
        on_link = (it.address for it in kernel.neighbors if it.dev == dev and not it.address.is_link_local)
        source = next((it for it in on_link if it not in (address, *kernel.own)), _OUTSIDE)
        argv = ("-6", "-color=never", "route", "get", text(address), "from", text(source), "iif", dev)
        try:
            ended = process.output(ip.path, *argv)
        except NdpbrError:
            continue
        result[dev] = path(ended.stdout.decode(errors="replace"), ended.complaint)
    return result
