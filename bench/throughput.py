"""N neighbors appear at once: how long until all are routed and proxied, next to ip(8) with the same commands alone.

At once: the daemon is stopped (SIGSTOP) while they appear, and the clock runs from SIGCONT.  The other way, "from the
first", it runs from the first one's appearance, with the daemon running, and so includes the time of their appearing.
Below it is compared with one process for each command, as the shell script had it.
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
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import BatchScript
from ndpbr_py.logs.logger import Log
from tests.home import home
from tests.lab import Lab

_TRIES = 5
_ONE_BY_ONE = 200


def run(sizes: tuple[int, ...] = (1000, 5000, 10000)) -> None:
    """Print the tables."""
    heading("Throughput: N neighbors appear at once")
    rows = []
    for size in sizes:
        tries = [_try(size) for _ in range(_TRIES)]
        ratios = sorted(ours / least for least, ours, _, _ in tries)
        rows.append(
            (
                size,
                tries[-1][3],
                ms(median(least for least, _, _, _ in tries), 0),
                ms(median(ours for _, ours, _, _ in tries), 0),
                f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
                f"{median(first / least for least, _, first, _ in tries):.2f}",
            )
        )
    print(f"Medians of {_TRIES} tries.\n")
    table(("N", "installed", "ip -batch alone", "ndpbr", "ratio", "ratio from the first"), rows)
    _one_by_one()
    _shares(10000)


def _try(size: int) -> tuple[float, float, float, str]:
    """Return how long ip(8) takes alone, the daemon for all at once, and from the first; and what is installed then."""
    with site("--max-hosts", "20000") as where:
        at_once, all_there = _at_once(where, size)
        where.stop()
        least = alone(where.home.router, commands(size), size)
    with site("--max-hosts", "20000") as where:
        began = time.monotonic()
        batch(where.home.router, neighbors(size))
        from_first = installed(where.home.router, size) - began
    return least, at_once, from_first, all_there


def _at_once(where: Site, size: int) -> tuple[float, str]:
    router = where.home.router
    where.process.send_signal(signal.SIGSTOP)
    batch(router, neighbors(size))
    time.sleep(0.2)
    began = time.monotonic()
    where.process.send_signal(signal.SIGCONT)
    took = installed(router, size) - began
    time.sleep(1)
    routes, proxies = counts(router)
    return took, f"{routes} + {proxies}"


def _one_by_one() -> None:
    with Lab() as lab:
        router = home(lab).router
        lines = commands(_ONE_BY_ONE).splitlines()

        def each() -> None:
            # One shell for all of them: what is measured is ip, not the way into the namespace.
            router.run("sh", "-c", "".join(f"ip -6 {line}\n" for line in lines))

        one, together = timed(each) / _ONE_BY_ONE, 0.0
        router.run("ip", "-6", "route", "flush", "proto", "135")
        router.run("ip", "-6", "neigh", "flush", "proxy", "proto", "135")
        together = batch(router, commands(_ONE_BY_ONE)) / _ONE_BY_ONE
        print(
            f"\nOne process a command: {ms(one)} a host; one batch: {ms(together)} a host; ratio {one / together:.0f}."
        )


def _shares(size: int) -> None:
    heading(f"Where the time of {size} hosts goes (one process, no kernel; CPU)")
    lines = [f"[NEIGH]{address(n)} dev lan0 lladdr {lladdr(n)} REACHABLE " for n in range(1, size + 1)]
    devs = frozenset(("wan0", "lan0", "lo"))
    proxy = NdProxy(Rules(("wan0", "lan0"), everything_on_link=True, max_hosts=size))
    words = Commands(135)
    log = Log(LogConfig("logfmt"), _Nowhere())
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
    with Lab() as lab:
        kernel = batch(home(lab).router, commands(size))
    spans = [later - sooner for sooner, later in pairwise(marks)]
    rows = [(name, f"{span / size * 1e6:.1f} µs a host") for name, span in zip(_SHARES, spans, strict=True)]
    table(("part", "time"), [*rows, ("ip -batch and kernel", f"{kernel / size * 1e6:.1f} µs a host")])


_SHARES = ("parse", "decide", "write", "log (after the batch)")


class _Nowhere:
    """Takes records and drops them."""

    dropped = 0

    def write(self, level: str, text: str) -> None:
        """Drop it."""

    def retry(self) -> None:
        """Nothing to do."""
