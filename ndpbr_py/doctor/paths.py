"""ip(8) -> the policy rules with the routes of their tables, and the path of a packet from each listed interface."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address

from ndpbr_py.core.address import text
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process
from ndpbr_py.iproute2.policy import Path, PolicyRule, TableRoute, before_main, path, source_specific, table_routes
from ndpbr_py.iproute2.program import Program

_OUTSIDE = IPv6Address("2000::1")  # some address of a host beyond the link


def rules(ip: Program) -> tuple[PolicyRule, ...] | None:
    """Return the rules before that of the main table, with the routes of their tables; None if they cannot be read."""
    lines = _lines(ip, "rule", "show")
    if lines is None:
        return None
    found = before_main(lines)
    tables = {it.table: _lines(ip, "route", "show", "table", it.table) for it in found if it.table is not None}
    read = {table: table_routes(lines) for table, lines in tables.items() if lines is not None}
    return tuple(replace(rule, routes=read.get(rule.table or "")) for rule in found)


def of_sources(ip: Program, address: IPv6Address) -> list[TableRoute]:
    """Return the routes of the main table that decide about *address* for packets from some sources only."""
    return source_specific(table_routes(_lines(ip, "route", "show", "match", text(address)) or ()))


def _lines(ip: Program, *words: str) -> list[str] | None:
    """Return the lines that ip(8) prints, none about a table that does not exist; None if it fails."""
    try:
        ended = process.output(ip.path, "-6", "-color=never", *words)
    except NdpbrError:
        return None
    if ended.status != 0:
        return [] if "does not exist" in ended.complaint else None
    return ended.stdout.decode(errors="replace").splitlines()


def paths(ip: Program, address: IPv6Address, devs: Iterable[str], kernel: KernelSnapshot) -> dict[str, Path]:
    """Return, for each of *devs*, the path to *address* of a packet that comes from a host there."""
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
