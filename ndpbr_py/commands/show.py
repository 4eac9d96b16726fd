"""ndpbr show: the kernel's tables -> a line a host, `ADDR DEV -> DEV...`, or one JSON object; once, or again and again.

What is shown is what the kernel has with our tag, so that it is true also when no daemon runs.
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
from pathlib import Path
from typing import Any

from ndpbr_py import config
from ndpbr_py.commands.screen import confirmed, frame, summary
from ndpbr_py.control.client import ask
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import ConfigError
from ndpbr_py.iproute2 import dump, program
from ndpbr_py.packets.round_trip import round_trips

_MOST_ASKED = 400  # addresses in one question to the daemon


@dataclass(frozen=True, slots=True)
class Row:
    """One host: where it was learned, and on which interfaces it is answered for."""

    address: IPv6Address
    dev: str
    proxies: tuple[str, ...]


Rtts = dict[IPv6Address, float] | None  # seconds, of those that answered; None: nobody was asked


def main(arguments: argparse.Namespace) -> int:
    """Print the hosts."""
    protocol = config.protocol(arguments.protocol)
    state_dir = Path(arguments.state_dir)
    if arguments.watch is not None:
        interval = config.seconds("a --watch", arguments.watch, least=0.5, most=3600.0)
        if arguments.json:
            raise ConfigError("--watch or --json was wanted, got both")
        if not sys.stdout.isatty():
            raise ConfigError("a terminal was wanted for --watch, got another standard output")
        _watch(program.find(), protocol, state_dir, interval, pinging=arguments.ping)
        return 0
    found, rtts = _read(program.find(), protocol, pinging=arguments.ping)
    if arguments.json:
        print(as_json(found, rtts, ask(state_dir, what="state")))
    else:
        for row in found:
            print(line(row, rtts))
    return 0


def rows(kernel: KernelSnapshot) -> list[Row]:
    """Return the hosts with a host route and a proxy entry of ours, in the order of their addresses."""
    proxies: dict[IPv6Address, list[str]] = defaultdict(list)
    for entry in kernel.proxies:
        if entry.ours:
            proxies[entry.address].append(entry.dev)
    learned = {route.address: route.dev for route in kernel.host_routes if route.ours}
    return [
        Row(address, dev, tuple(sorted(proxies[address])))
        for address, dev in sorted(learned.items())
        if address in proxies
    ]


def line(row: Row, rtts: Rtts) -> str:
    """Return the line about a host."""
    text = f"{row.address} {row.dev} -> {' '.join(row.proxies)}"
    if rtts is not None:
        rtt = rtts.get(row.address)
        text += " (FAILED)" if rtt is None else f" (RTT {rtt * 1000:.3g} ms)"
    return text


def as_json(found: list[Row], rtts: Rtts, daemon: dict[str, Any] | None) -> str:
    """Return everything as one JSON object; README.md says what is in it."""
    hosts = []
    for row in found:
        host: dict[str, object] = {"address": str(row.address), "dev": row.dev, "proxies": list(row.proxies)}
        if rtts is not None:
            rtt = rtts.get(row.address)
            host["rtt_ms"] = None if rtt is None else round(rtt * 1000, 3)
        hosts.append(host)
    return json.dumps({"hosts": hosts, "daemon": daemon}, indent=1)


def _read(ip: program.Program, protocol: int, *, pinging: bool) -> tuple[list[Row], Rtts]:
    found = rows(dump.read_now(ip, (), protocol, ("route", "proxy")))
    return found, round_trips([(row.address, row.dev) for row in found]) if pinging else None


def _watch(ip: program.Program, protocol: int, state_dir: Path, interval: float, *, pinging: bool) -> None:
    """Draw the hosts again and again, until Ctrl-C."""
    try:
        while True:
            found, rtts = _read(ip, protocol, pinging=pinging)
            size = shutil.get_terminal_size()
            visible = [str(row.address) for row in found[: min(size.lines, _MOST_ASKED)]]
            daemon = ask(state_dir, what="hosts", addresses=visible)
            told = {} if daemon is None else daemon["hosts"]
            lines = [f"{line(row, rtts)}  {confirmed(told.get(str(row.address)))}" for row in found]
            sys.stdout.write(frame(summary(daemon), lines, size.columns, size.lines))
            sys.stdout.flush()
            time.sleep(interval)
    except KeyboardInterrupt:  # which is how one ends it
        return
