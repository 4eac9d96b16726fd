"""ndpbr show: the kernel's tables -> a line a host, `ADDR DEV -> DEV...`, or one JSON object.

What is shown is what the kernel has with our tag, so that it is true also when no daemon runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py import config
from ndpbr_py.core.events import KernelRead
from ndpbr_py.iproute2 import program, reader
from ndpbr_py.ping import ping


@dataclass(frozen=True, slots=True)
class Row:
    """One host: where it was learned, and on which interfaces it is answered for."""

    address: IPv6Address
    dev: str
    proxies: tuple[str, ...]


def main(arguments: argparse.Namespace) -> int:
    """Print the hosts."""
    protocol = config.protocol(arguments.protocol)
    kernel = asyncio.run(reader.read(program.find(), (), protocol, neighbors=False))
    found = rows(kernel)
    rtts = ping([(row.address, row.dev) for row in found]) if arguments.ping else None
    print_rows(found, rtts, as_json=arguments.json)
    return 0


def rows(kernel: KernelRead) -> list[Row]:
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


def print_rows(found: list[Row], rtts: dict[IPv6Address, float] | None, *, as_json: bool) -> None:
    """Print *found*; *rtts* are round-trip times in seconds of those that answered, None if nobody was asked."""
    if as_json:
        hosts = []
        for row in found:
            host: dict[str, object] = {"address": str(row.address), "dev": row.dev, "proxies": list(row.proxies)}
            if rtts is not None:
                rtt = rtts.get(row.address)
                host["rtt_ms"] = None if rtt is None else round(rtt * 1000, 3)
            hosts.append(host)
        print(json.dumps({"hosts": hosts}, indent=1))
        return
    for row in found:
        line = f"{row.address} {row.dev} -> {' '.join(row.proxies)}"
        if rtts is not None:
            rtt = rtts.get(row.address)
            line += " (FAILED)" if rtt is None else f" (RTT {rtt * 1000:.3g} ms)"
        print(line)
