"""ndpbr show: the kernel's tables and the daemon's answer -> the hosts, as a table, plain lines or one JSON object.

The hosts are those that the kernel has with our tag, so the list is right even when no daemon runs.
Exit status: 0; 1 if no host matches, or one does not answer --ping; 3 without a daemon.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ndpbr_py import config
from ndpbr_py.commands import table
from ndpbr_py.commands.table import Row
from ndpbr_py.commands.watch import watch
from ndpbr_py.control.client import ask
from ndpbr_py.core.address import text
from ndpbr_py.core.events import KernelSnapshot, NudState
from ndpbr_py.core.routes import RoutingTable
from ndpbr_py.errors import ConfigError
from ndpbr_py.iproute2 import dump, program
from ndpbr_py.names import Names
from ndpbr_py.packets.round_trip import round_trips
from ndpbr_py.system.interfaces import interface_names
from ndpbr_py.system.lock import daemon_runs
from ndpbr_py.system.terminal import has_color, size

_FAILED, _NOT_RUNNING = 1, 3  # exit statuses
_MAX_ADDRESSES = 400  # in one request; the daemon accepts 500

Daemon = Mapping[str, Any] | None


def main(arguments: argparse.Namespace) -> int:
    """Print the hosts."""
    terminal, color = sys.stdout.isatty(), has_color(arguments.color, sys.stdout)
    if arguments.watch is not None and not terminal:
        raise ConfigError("--watch: expected a terminal as standard output")
    ip, names = program.find(), Names(arguments.names)

    def selection() -> tuple[list[Row], KernelSnapshot, Daemon]:
        hosts, kernel, daemon = read(ip, arguments.protocol, arguments.state_dir, names)
        hosts = selected(hosts, arguments.hosts)
        if arguments.ping:
            rtts = round_trips([(row.address, row.dev) for row in hosts])
            hosts = [replace(row, rtt_s=rtts.get(row.address)) for row in hosts]
        return hosts, kernel, daemon

    if arguments.watch is not None:
        watch(lambda: selection()[::2], arguments.watch, pinged=arguments.ping, color=color)
        return 0
    hosts, kernel, daemon = selection()
    if arguments.json:
        print(as_json(hosts, daemon, pinged=arguments.ping))
    elif hosts and (arguments.long or terminal):
        width = None if arguments.long else size(sys.stdout)[0]
        print("\n".join(table.lines(hosts, width, pinged=arguments.ping, color=color)))
    else:
        for row in hosts:
            print(line(row, pinged=arguments.ping))
    return _status(arguments, hosts, kernel)


def read(ip: program.Program, protocol: int, state_dir: Path, names: Names) -> tuple[list[Row], KernelSnapshot, Daemon]:
    """Return the hosts, the kernel's tables and the state of the daemon, if it answers."""
    devs = interface_names()
    kernel = dump.snapshot_now(ip, devs, protocol, ("address", "route", "proxy", "neighbor"))
    addresses = [text(address) for address in {entry.address for entry in kernel.proxies if entry.ours}]
    daemon = ask(state_dir, request="state")
    known: dict[str, Any] = {}
    for start in range(0, len(addresses) if daemon is not None else 0, _MAX_ADDRESSES):
        answer = ask(state_dir, request="hosts", addresses=addresses[start : start + _MAX_ADDRESSES])
        known |= answer["hosts"] if answer is not None else {}
    return rows(kernel, known, names), kernel, daemon


def rows(kernel: KernelSnapshot, known: Mapping[str, Any], names: Names) -> list[Row]:
    """Return the hosts that have a proxy entry of ours, on the interface that the routing table sends them to.

    Args:
        kernel: The kernel's tables.
        known: What the daemon knows about each address; empty without a daemon.
        names: The names of hosts.
    """
    proxies: dict[IPv6Address, list[str]] = defaultdict(list)
    for entry in kernel.proxies:
        if entry.ours:
            proxies[entry.address].append(entry.dev)
    neighbors = {(entry.address, entry.dev): entry for entry in kernel.neighbors}
    routes = {route.address: route.dev for route in kernel.host_routes if route.ours and route.dev is not None}
    routing, result = RoutingTable(kernel.routes), []
    for address in sorted(proxies.keys() - kernel.own):
        dev = routes.get(address) or next((route.dev for route in routing.best(address)), None)
        if dev is None or dev in proxies[address]:
            continue
        host, neighbor = known.get(text(address), {}), neighbors.get((address, dev))
        lladdr = (neighbor.lladdr if neighbor is not None else None) or host.get("lladdr")
        state = neighbor.state.value if neighbor is not None else host.get("state")
        result.append(
            Row(
                address,
                dev,
                tuple(sorted(proxies[address])),
                lladdr,
                state,
                _word(state, host),
                names.of(address, lladdr) or host.get("name"),
                host.get("known_for_s"),
                host.get("last_seen_s"),
            )
        )
    return result


def selected(hosts: Sequence[Row], words: Sequence[str]) -> list[Row]:
    """Return the hosts whose address, interface, name or link-layer address is one of *words*; without words, all."""
    filters = {_normal(word) for word in words}
    return [
        row
        for row in hosts
        if not filters or filters & {text(row.address), row.dev, (row.name or "").lower(), row.lladdr or ""}
    ]


def line(row: Row, *, pinged: bool) -> str:
    """Return the plain line of a host, as the shell script printed it."""
    plain = f"{row.address} {row.dev} -> {' '.join(row.proxies)}"
    if not pinged:
        return plain
    return f"{plain} ({'FAILED' if row.rtt_s is None else f'RTT {table.round_trip(row.rtt_s)}'})"


def as_json(hosts: Sequence[Row], daemon: Daemon, *, pinged: bool) -> str:
    """Return the hosts and the daemon's answer as one JSON object, as docs/log.md documents it."""
    objects = []
    for row in hosts:
        host: dict[str, object] = {
            "address": str(row.address),
            "name": row.name,
            "lladdr": row.lladdr,
            "dev": row.dev,
            "state": row.state,
            "proxies": list(row.proxies),
            "known_for_s": row.known_for_s,
            "last_seen_s": row.last_seen_s,
        }
        if pinged:
            host["rtt_ms"] = None if row.rtt_s is None else round(row.rtt_s * 1000, 3)
        objects.append(host)
    return json.dumps({"hosts": objects, "daemon": daemon}, indent=1)


def _word(state: str | None, host: Mapping[str, Any]) -> str:
    """Return the state of a host in one word; *host* is what the daemon knows."""
    if host.get("rechecking"):
        return "silent"
    if host and not host["verified"] and state != NudState.REACHABLE.value:
        return "unverified"
    return "-" if state in (None, NudState.NONE.value) else state.lower()


def _normal(word: str) -> str:
    try:
        return text(IPv6Address(word.partition("%")[0]))
    except ValueError:
        return word.lower()


def _status(arguments: argparse.Namespace, hosts: Sequence[Row], kernel: KernelSnapshot) -> int:
    """Return the exit status; print to standard error why it is not 0, and how many pinged hosts answered."""
    print(end="", flush=True)  # if it cannot be written, no other sentence follows
    failed = sum(row.rtt_s is None for row in hosts) if arguments.ping else 0
    if arguments.ping:
        print(f"{len(hosts)} hosts: {len(hosts) - failed} answered, {failed} failed", file=sys.stderr)
    if not daemon_runs(arguments.protocol):
        entries = len(kernel.tagged)
        leftovers = f"; these {entries} entries are left over (ndpbr flush{config.tag(arguments.protocol)})"
        print(f"ndpbr is not running{leftovers if entries else ' and nothing is proxied'}", file=sys.stderr)
        return _NOT_RUNNING
    if not hosts:
        named = " ".join(arguments.hosts)
        print(f"no host matches {named}" if named else "no host is proxied yet", file=sys.stderr)
        return _FAILED if named else 0
    return _FAILED if failed else 0
