"""N neighbors appear simultaneously: how long until all have route and proxy entry, next to ip(8) alone?

Simultaneously: the daemon is stopped (SIGSTOP) while the neighbors appear, and time is measured from SIGCONT.  The
column "including their appearance" is measured with the daemon running, from the appearance of the first neighbor.  A
line below the table compares with one process per command, as in the shell script.
"""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from statistics import median

from bench.report import heading, ms, table
from bench.site import Site, address, alone, batch, commands, counts, installed, lladdr, neighbors, site, timed
from ndpbr_py.config import LogConfig
from ndpbr_py.core.events import NeighborChanged
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.daemon.monitor_events import MonitorHandler
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import BatchScript
from ndpbr_py.logs.logger import Log
from ndpbr_py.logs.sink import Sink
from tests.home import home
from tests.lab import Lab

_TRIES = 5
_ONE_BY_ONE = 200


def run(sizes: tuple[int, ...] = (1000, 5000, 10000)) -> None:
    """Print the tables."""
    heading("Throughput: N neighbors appear simultaneously")
    rows = []
    for size in sizes:
        tries = [_try(size) for _ in range(_TRIES)]
        ratios = sorted(ours / alone_s for alone_s, ours, _, _ in tries)
        rows.append(
            (
                size,
                tries[-1][3],
                ms(median(alone_s for alone_s, _, _, _ in tries), 0),
                ms(median(ours for _, ours, _, _ in tries), 0),
                f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
                f"{median(first / alone_s for alone_s, _, first, _ in tries):.2f}",
            )
        )
    print(f"Medians of {_TRIES} tries.\n")
    table(
        (
            "N",
            "installed (routes + proxy entries)",
            "ip -batch alone",
            "ndpbr",
            "ratio",
            "ratio including their appearance",
        ),
        rows,
    )
    _one_by_one()
    _cpu_by_part(10000)


def _try(size: int) -> tuple[float, float, float, str]:
    """Return the seconds of ip(8) alone, of the daemon, of the daemon including appearance; and what is installed."""
    with site("--max-hosts", "20000") as where:
        simultaneous, all_installed = _simultaneous(where, size)
        where.stop()
        alone_s = alone(where.home.router, commands(size), size)
    with site("--max-hosts", "20000") as where:
        started = time.monotonic()
        batch(where.home.router, neighbors(size))
        from_first = installed(where.home.router, size) - started
    return alone_s, simultaneous, from_first, all_installed


def _simultaneous(where: Site, size: int) -> tuple[float, str]:
    router = where.home.router
    where.process.send_signal(signal.SIGSTOP)
    batch(router, neighbors(size))
    time.sleep(0.2)
    started = time.monotonic()
    where.process.send_signal(signal.SIGCONT)
    elapsed_s = installed(router, size) - started
    time.sleep(1)
    routes, proxies = counts(router)
    return elapsed_s, f"{routes} + {proxies}"


def _one_by_one() -> None:
    with Lab() as lab:
        router = home(lab).router
        lines = commands(_ONE_BY_ONE).splitlines()

        def each() -> None:
            # One shell for all commands, so that entering the namespace is not measured.
            router.run("sh", "-c", "".join(f"ip -6 {line}\n" for line in lines))

        one, together = timed(each) / _ONE_BY_ONE, 0.0
        router.run("ip", "-6", "route", "flush", "proto", "135")
        router.run("ip", "-6", "neigh", "flush", "proxy", "proto", "135")
        together = batch(router, commands(_ONE_BY_ONE)) / _ONE_BY_ONE
        print(
            f"\nPer host: {ms(one)} with a process per command, {ms(together)} in a batch; ratio {one / together:.0f}"
        )


def _cpu_by_part(size: int) -> None:
    heading(f"CPU time of {size} hosts by part (one process, without the kernel)")
    lines = [f"[NEIGH]{address(n)} dev lan0 lladdr {lladdr(n)} REACHABLE " for n in range(1, size + 1)]
    devs = frozenset(("wan0", "lan0", "lo"))
    proxy = NdProxy(Rules(("wan0", "lan0"), everything_on_link=True, max_hosts=size))
    words = Commands(135)
    log = Log(LogConfig("logfmt"), _NullSink(str))
    marks = [time.process_time()]
    events = [event for line in lines if isinstance(event := parser.event(line, devs), NeighborChanged)]
    marks.append(time.process_time())
    decisions = [decision for event in events for decision in proxy.handle(event, 0.0)]
    marks.append(time.process_time())
    BatchScript(words).add(action for decision in decisions for action in decision.actions)
    marks.append(time.process_time())
    log.decided(decisions)
    log.flush()
    marks.append(time.process_time())
    routes = _route_lines(size)
    with Lab() as lab:
        kernel = batch(home(lab).router, commands(size))
    spans = [later - sooner for sooner, later in pairwise(marks)]
    rows = [(name, f"{span / size * 1e6:.1f} µs per host") for name, span in zip(_PARTS, spans, strict=True)]
    rows.append(("lines about its route, without the filter", f"{routes / size * 1e6:.1f} µs per host"))
    table(("part", "time"), [*rows, ("ip -batch and kernel", f"{kernel / size * 1e6:.1f} µs per host")])


def _route_lines(size: int) -> float:
    """Return the seconds that the monitor's lines about *size* routes of ours take, added and deleted."""
    handler = MonitorHandler(
        ("wan0", "lan0"), "100::87", Log(LogConfig("logfmt"), _NullSink(str)), 135, lambda *_: False
    )
    lines = [f"{address(n)} dev lan0 proto 135 metric 1024 pref medium" for n in range(1, size + 1)]
    started = time.process_time()
    events = [
        *handler.on_lines(f"[ROUTE]{it}" for it in lines),
        *handler.on_lines(f"[ROUTE]Deleted {it}" for it in lines),
    ]
    assert not events, f"expected no event, got {events[0]}"
    return time.process_time() - started


_PARTS = ("parse", "decide", "write commands", "log (after the batch)")


class _NullSink(Sink):
    """A log sink that drops all records."""

    def write(self, level: str, text: str) -> None:
        """Drop a record."""

    def flush(self) -> None:
        """Nothing to do."""
