"""python -m bench [NAME...]: run all benchmarks, or those with these names."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from bench import (
    first_contact,
    flood,
    inbound,
    listening,
    packed,
    recovery,
    routes,
    running,
    scan,
    server,
    starting,
    throughput,
)
from bench.report import machine

BENCHES: dict[str, Callable[[], None]] = {
    "first_contact": first_contact.run,
    "busy": first_contact.run_busy,
    "throughput": throughput.run,
    "flood": flood.run,
    "inbound": inbound.run,
    "recovery": recovery.run,
    "scan": scan.run,
    "listening": listening.run,
    "ways": listening.run_ways,
    "server": server.run,
    "routes": routes.run,
    "running": running.run,
    "starting": starting.run,
    "packed": packed.run,
}


def main(names: list[str]) -> int:
    """Run the benchmarks called *names*, or all; return the exit status."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"expected a benchmark ({', '.join(BENCHES)}), got {unknown[0]!r}", file=sys.stderr)
        return 2
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}")
    for name in names or BENCHES:
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
