"""A LAN host that the router has never seen sends one datagram: how long until its answer, and is it answered at all?

The peer behind the modem answers after D.  Each try uses a new address.  The same exchange is then repeated, once with
the host known to the daemon but to nobody else (the caches of modem, router and host are emptied), and once with all
caches warm: what ndpbr adds is the difference to the first of them.
"""

from __future__ import annotations

import time

from bench.report import heading, median, ms, table
from bench.site import Site, address, site
from tests.echo import ask, echo
from tests.home import INET

_TIMEOUT = 3.0
# The modem repeats an unanswered solicitation after 1 s: what takes longer was not answered at first.
_AT_ONCE = 0.5


def run(tries: int = 100) -> None:
    """Print the table."""
    heading("First contact")
    rows = []
    for delay, count in (
        (0.0005, tries // 3),
        (0.001, tries),
        (0.002, tries // 3),
        (0.005, tries // 5),
        (0.01, tries // 5),
    ):
        with site() as where:
            echo(where.home.inet, delay=delay)
            rows.append(_row(where, delay, count))
    table(("D", "answered at once", "never seen", "known", "added (median)", "added (worst)", "all warm"), rows)


def _row(where: Site, delay: float, count: int) -> tuple[str, ...]:
    lan = where.home.lan
    lan.lay(*(f"address add {address(n)}/64 dev eth0 nodad" for n in range(1, count + 1)))
    ask(lan, INET, timeout=_TIMEOUT)
    new: list[float] = []
    known: list[float] = []
    warm: list[float] = []
    added: list[float] = []
    for number in range(1, count + 1):
        _forget(where, number)
        first = ask(lan, INET, timeout=_TIMEOUT, source=address(number))
        time.sleep(0.05)  # verification is over
        _forget(where, number)
        again = ask(lan, INET, timeout=_TIMEOUT, source=address(number))
        last = ask(lan, INET, timeout=_TIMEOUT, source=address(number))
        if first is not None and first < _AT_ONCE:
            new.append(first)
        if again is not None and again < _AT_ONCE:
            known.append(again)
            if first is not None and first < _AT_ONCE:
                added.append(first - again)
        if last is not None:
            warm.append(last)
    answered = f"{len(new)} of {count}"
    worst = max(added, default=None)
    return ms(delay, 1), answered, ms(median(new)), ms(median(known)), ms(median(added)), ms(worst), ms(median(warm))


def _forget(where: Site, number: int) -> None:
    """Empty the caches of the host, the router and the modem of the try's address, and wait until all is quiet."""
    home = where.home
    home.lan.ip("-6 neigh flush dev eth0")
    home.modem.ip(f"-6 neigh flush to {address(number)} dev lan0")
    home.router.ip(f"-6 neigh flush to {address(number)} dev lan0")
    time.sleep(0.02)
