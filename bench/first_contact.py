"""A new LAN host sends one datagram: is it answered, and after what time?

The peer behind the modem answers after D.  Each try uses a new address, which the modem solicits once.  The same
exchange is repeated twice: first with the host known to the daemon, but with empty neighbor caches on modem, router and
host, and then with filled caches.  The time that ndpbr adds is the difference between a new host and a known host.

How fast three processes wake up one after the other depends on the machine, so minimal.py does the same, in
alternating tries.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import address, site
from tests.echo import ask, echo
from tests.home import INET, Home, home, solicit_once
from tests.lab import Host, Lab, until

_TIMEOUT_S = 1.0
_BUSY_LOOPS = 3


@dataclass(slots=True)
class Tries:
    """The results of one router with one peer, in seconds, of the exchanges that were answered.

    Attributes:
        new: The first exchange of each new host.
        known: The exchange after that, with empty neighbor caches.
        warm: The exchange with filled neighbor caches.
        added: The differences between `new` and `known`.
    """

    new: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)


def run(tries: int = 100) -> None:
    """Print the table."""
    heading("First contact")
    few, fewer = max(tries // 3, 1), max(tries // 5, 1)
    delays = (
        (0.0, tries),
        (0.0002, tries),
        (0.0005, tries),
        (0.001, tries),
        (0.002, few),
        (0.005, fewer),
        (0.01, fewer),
    )
    _table(delays)


def run_busy(tries: int = 100) -> None:
    """Print the table for a machine on which three other programs use all CPU time that they get."""
    heading(f"First contact on a busy machine ({_BUSY_LOOPS} endless loops)")
    _table(((0.0, tries), (0.001, tries)), _BUSY_LOOPS)


def _table(delays: Sequence[tuple[float, int]], loops: int = 0) -> None:
    rows = []
    for delay, count in delays:
        # All tries have the one lladdr of their host.
        with site("--max-hosts-per-lladdr", "1000") as where, _minimal() as minimal:
            for _ in range(loops):
                where.home.lan2.spawn("sh", "-c", "while :; do :; done")
            rows.append(_row(where.home, minimal, delay, count))
    columns = (
        "D",
        "answered after one solicitation",
        "minimal program",
        "new host (median)",
        "known host",
        "added (median)",
        "worst",
    )
    table((*columns, "minimal program adds", "filled caches"), rows)


@contextmanager
def _minimal() -> Iterator[Home]:
    """Set up a home whose router runs minimal.py."""
    with Lab("minimal-") as lab:
        where = home(lab)
        for path, value in (("conf/all/proxy_ndp", 1), ("neigh/wan0/proxy_delay", 0)):
            where.router.sysctl(f"net/ipv6/{path}", value)
        program = where.router.spawn(
            sys.executable, str(Path(__file__).with_name("minimal.py")), stdout=subprocess.PIPE
        )
        assert program.stdout is not None
        program.stdout.readline()
        yield where


def _row(ours: Home, minimal: Home, delay: float, count: int) -> tuple[str, ...]:
    results = Tries(), Tries()
    for where in (ours, minimal):
        solicit_once(where.modem)
        echo(where.inet, delay=delay)
        where.lan.lay(*(f"address add {address(n)}/64 dev eth0 nodad" for n in range(1, count + 1)))
        ask(where.lan, INET, timeout=_TIMEOUT_S)
    for number in range(1, count + 1):
        for where, result in zip((ours, minimal), results, strict=True):
            _try(where, number, result)
    ndpbr, baseline = results
    return (
        ms(delay, 1),
        f"{len(ndpbr.new)} of {count}",
        f"{len(baseline.new)} of {count}",
        ms(median(ndpbr.new)),
        ms(median(ndpbr.known)),
        ms(median(ndpbr.added)),
        ms(max(ndpbr.added, default=None)),
        ms(median(baseline.added)),
        ms(median(ndpbr.warm)),
    )


def _try(where: Home, number: int, result: Tries) -> None:
    _forget(where, number)
    first = ask(where.lan, INET, timeout=_TIMEOUT_S, source=address(number))
    time.sleep(0.05)  # verification is over
    _forget(where, number)
    again = ask(where.lan, INET, timeout=_TIMEOUT_S, source=address(number))
    last = ask(where.lan, INET, timeout=_TIMEOUT_S, source=address(number))
    if first is not None:
        result.new.append(first)
        if again is not None:
            result.added.append(first - again)
    if again is not None:
        result.known.append(again)
    if last is not None:
        result.warm.append(last)


def _forget(where: Home, number: int) -> None:
    """Empty the neighbor caches of modem, router and host.

    The host's cache is emptied last, just before the try: the router probes the hosts of earlier tries, and each of
    its solicitations tells the host the router's lladdr, so that the host would not solicit from its new address.
    """
    _flush(where.modem, "to", address(number), "dev", "lan0")
    _flush(where.router, "to", address(number), "dev", "lan0")
    time.sleep(0.03)
    _flush(where.lan, "dev", "eth0")


def _flush(host: Host, *words: str) -> None:
    # ip gives up after ten rounds in which the kernel still shows an entry, which happens on a busy machine.
    until(lambda: host.run("ip", "-6", "neigh", "flush", *words).returncode == 0)
