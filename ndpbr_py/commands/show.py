"""ndpbr show: the kernel's tables -> one line per host, `ADDR DEV -> DEV...`, or one JSON object; once or repeatedly.

The hosts are those that the kernel has with our tag, so the list is right even when no daemon runs.
Then one sentence on standard error says that they are left over, and the exit status is 3.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

from ndpbr_py.commands.screen import frame, last_seen, summary
from ndpbr_py.control.client import ask
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.routes import RoutingTable
from ndpbr_py.doctor.machine_checks import tagged
from ndpbr_py.doctor.procfs import ProcFs, tag
from ndpbr_py.errors import ConfigError
from ndpbr_py.iproute2 import dump, program
from ndpbr_py.packets.round_trip import round_trips

_NOT_RUNNING = 3  # the exit status
_MAX_ADDRESSES = 400  # in one request; the daemon accepts 500


@dataclass(frozen=True, slots=True)
class Row:
    """A host, the interface where it was learned, and the interfaces that have a proxy entry for it."""

    address: IPv6Address
    dev: str
    proxies: tuple[str, ...]


Rtts = dict[IPv6Address, float] | None  # seconds, of the hosts that answered; None: no host was pinged


def main(arguments: argparse.Namespace) -> int:
    """Print the hosts."""
    if arguments.watch is not None and not sys.stdout.isatty():
        raise ConfigError("--watch: expected a terminal as standard output")
    ip = program.find()
    if arguments.watch is not None:
        _watch(ip, arguments)
        return 0
    kernel = _snapshot(ip, arguments)
    hosts, rtts = _read(kernel, arguments)
    if arguments.json:
        print(as_json(hosts, rtts, ask(arguments.state_dir, what="state")))
    else:
        for row in hosts:
            print(line(row, rtts))
    if ProcFs().running(arguments.protocol):
        return 0
    entries = len(tagged(kernel))
    left = f"; these {entries} entries are left over (ndpbr flush{tag(arguments.protocol)})"
    print(f"ndpbr is not running{left if entries else ' and nothing is proxied'}", file=sys.stderr)
    return _NOT_RUNNING


def rows(kernel: KernelSnapshot) -> list[Row]:
    """Return the hosts that have a proxy entry of ours, and the interface that the routing table sends them to."""
    proxies: dict[IPv6Address, list[str]] = defaultdict(list)
    for entry in kernel.proxies:
        if entry.ours:
            proxies[entry.address].append(entry.dev)
    routes = {route.address: route.dev for route in kernel.host_routes if route.ours and route.dev is not None}
    table, result = RoutingTable(kernel.routes), []
    for address in sorted(proxies.keys() - kernel.own):
        dev = routes.get(address) or next((route.dev for route in table.best(address)), None)
        if dev is not None and dev not in proxies[address]:
            result.append(Row(address, dev, tuple(sorted(proxies[address]))))
    return result


def line(row: Row, rtts: Rtts) -> str:
    """Return the line of a host."""
    text = f"{row.address} {row.dev} -> {' '.join(row.proxies)}"
    if rtts is not None:
        rtt = rtts.get(row.address)
        text += " (FAILED)" if rtt is None else f" (RTT {rtt * 1000:.3g} ms)"
    return text


def as_json(hosts: list[Row], rtts: Rtts, daemon: dict[str, Any] | None) -> str:
    """Return the hosts and the daemon's answer as one JSON object, as docs/log.md documents it."""
    objects = []
    for row in hosts:
        host: dict[str, object] = {"address": str(row.address), "dev": row.dev, "proxies": list(row.proxies)}
        if rtts is not None:
            rtt = rtts.get(row.address)
            host["rtt_ms"] = None if rtt is None else round(rtt * 1000, 3)
        objects.append(host)
    return json.dumps({"hosts": objects, "daemon": daemon}, indent=1)


def _snapshot(ip: program.Program, arguments: argparse.Namespace) -> KernelSnapshot:
    return dump.snapshot_now(ip, (), arguments.protocol, ("address", "route", "proxy"))


def _read(kernel: KernelSnapshot, arguments: argparse.Namespace) -> tuple[list[Row], Rtts]:
    hosts = rows(kernel)
    return hosts, round_trips([(row.address, row.dev) for row in hosts]) if arguments.ping else None


def _watch(ip: program.Program, arguments: argparse.Namespace) -> None:
    """Draw the hosts repeatedly, until Ctrl-C."""
    try:
        while True:
            hosts, rtts = _read(_snapshot(ip, arguments), arguments)
            size = shutil.get_terminal_size()
            visible = [str(row.address) for row in hosts[: min(size.lines, _MAX_ADDRESSES)]]
            daemon = ask(arguments.state_dir, what="hosts", addresses=visible)
            known = {} if daemon is None else daemon["hosts"]
            lines = [f"{line(row, rtts)}  {last_seen(known.get(str(row.address)))}" for row in hosts]
            sys.stdout.write(frame(summary(daemon), lines, size.columns, size.lines))
            sys.stdout.flush()
            time.sleep(arguments.watch)
    except KeyboardInterrupt:
        return
