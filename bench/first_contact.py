"""A LAN host that the router has never seen sends one datagram: how long until its answer, and is it answered at all?

The peer behind the modem answers after D.  Each try uses a new address.  The same exchange is then repeated, once with
the host known to the daemon but to nobody else (the caches of modem, router and host are emptied), and once with all
caches warm: what ndpbr adds is the difference to the first of them.

How quickly three processes wake up one after the other is the machine's affair: so the same is done with bare.py, the
least that could be done, a try each in turn.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import address, site
from tests.echo import ask, echo
from tests.home import INET, Home, home
from tests.lab import Lab

_TIMEOUT = 3.0
# The modem repeats an unanswered solicitation after 1 s: what takes longer was not answered at first.
_AT_ONCE = 0.5


@dataclass(slots=True)
class Tries:
    """What was measured with one peer: seconds, of those answered at once."""

    new: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)


def run(tries: int = 100) -> None:
    """Print the table."""
    heading("First contact")
    rows = []
    few, fewer = max(tries // 3, 1), max(tries // 5, 1)
    for delay, count in ((0.0005, few), (0.001, tries), (0.002, few), (0.005, fewer), (0.01, fewer)):
        # All tries have the one lladdr of their host.
        with site("--max-hosts-per-lladdr", "1000") as where, _bare() as bare:
            rows.append(_row(where.home, bare, delay, count))
    columns = ("D", "answered at once", "bare loop", "never seen", "known", "added (median)", "worst", "bare loop adds")
    table((*columns, "all warm"), rows)


@contextmanager
def _bare() -> Iterator[Home]:
    """Lay a home in whose router the bare loop runs."""
    with Lab("bare-") as lab:
        where = home(lab)
        for path, value in (("conf/all/proxy_ndp", 1), ("neigh/wan0/proxy_delay", 0)):
            where.router.sysctl(f"net/ipv6/{path}", value)
        loop = where.router.spawn(sys.executable, str(Path(__file__).with_name("bare.py")), stdout=subprocess.PIPE)
        assert loop.stdout is not None
        loop.stdout.readline()
        yield where


def _row(ours: Home, bare: Home, delay: float, count: int) -> tuple[str, ...]:
    results = Tries(), Tries()
    for where in (ours, bare):
        echo(where.inet, delay=delay)
        where.lan.lay(*(f"address add {address(n)}/64 dev eth0 nodad" for n in range(1, count + 1)))
        ask(where.lan, INET, timeout=_TIMEOUT)
    for number in range(1, count + 1):
        for where, result in zip((ours, bare), results, strict=True):
            _try(where, number, result)
    mine, least = results
    return (
        ms(delay, 1),
        f"{len(mine.new)} of {count}",
        f"{len(least.new)} of {count}",
        ms(median(mine.new)),
        ms(median(mine.known)),
        ms(median(mine.added)),
        ms(max(mine.added, default=None)),
        ms(median(least.added)),
        ms(median(mine.warm)),
    )


def _try(where: Home, number: int, result: Tries) -> None:
    _forget(where, number)
    first = ask(where.lan, INET, timeout=_TIMEOUT, source=address(number))
    time.sleep(0.05)  # verification is over
    _forget(where, number)
    again = ask(where.lan, INET, timeout=_TIMEOUT, source=address(number))
    last = ask(where.lan, INET, timeout=_TIMEOUT, source=address(number))
    if first is not None and first < _AT_ONCE:
        result.new.append(first)
        if again is not None and again < _AT_ONCE:
            result.added.append(first - again)
    if again is not None and again < _AT_ONCE:
        result.known.append(again)
    if last is not None:
        result.warm.append(last)


def _forget(where: Home, number: int) -> None:
    """Empty the caches of modem, router and host of the try's address, and wait until all is quiet.

    The host's last, and at the last moment: any solicitation of the router's, as it looks after the hosts of earlier
    tries, tells the host the router's lladdr, and then it need not ask in its new name.
    """
    where.modem.ip(f"-6 neigh flush to {address(number)} dev lan0")
    where.router.ip(f"-6 neigh flush to {address(number)} dev lan0")
    time.sleep(0.03)
    where.lan.ip("-6 neigh flush dev eth0")
