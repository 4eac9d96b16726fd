"""A LAN host claims thousands of addresses a second: are other hosts still served, and at what cost?

Meanwhile a known host on the second LAN exchanges datagrams with the internet, and new hosts there send their first.
"""

from __future__ import annotations

import subprocess
import time

from bench.report import heading, median, ms, table
from bench.site import Site, sender, site
from tests.echo import ask, echo
from tests.home import INET

_CLAIMS_PER_SECOND = (100, 1000, 10000)
_NEW_HOSTS = {100: 100}  # by claims a second
_FEW_NEW_HOSTS = 10
# The modem repeats an unanswered solicitation after 1 s: a slower answer means that the first one had none.
_IMMEDIATELY_S = 0.5
_DURATION_S = 10.0
_PEER_DELAY_S = 0.005


def run() -> None:
    """Print the table."""
    heading("A flood of claimed addresses")
    rows = [_row(rate) for rate in _CLAIMS_PER_SECOND]
    table(
        (
            "claims a second",
            "claims sent",
            "known host: median",
            "known host: worst",
            "known host: lost",
            "new hosts answered immediately",
            "new host: median",
            "CPU of ndpbr",
            "RSS before, after",
            "log records",
            "claimed addresses installed 8 s later",
        ),
        rows,
    )


def _row(rate: int) -> tuple[str, ...]:
    number = _NEW_HOSTS.get(rate, _FEW_NEW_HOSTS)
    options = ("--max-hosts", "4096", "--max-hosts-per-lladdr", "1000")
    with site(*options, interfaces=("wan0", "lan0", "lan1")) as where:
        lan2 = where.home.lan2
        echo(where.home.inet, delay=_PEER_DELAY_S)
        lan2.lay(*(f"address add 2001:db8:64::2:{n:x}/64 dev eth0 nodad" for n in range(1, number + 1)))
        ask(lan2, INET, timeout=3.0)
        before, spent = where.rss(), where.cpu()
        attacker = sender(where.home.lan, "claims", rate, _DURATION_S)
        known, new = _exchanges(where, attacker, number)
        sent = int(attacker.communicate()[0])
        spent = where.cpu() - spent
        after = where.rss()
        time.sleep(8)
        left = where.home.router.ip("-6 route show proto 135").count("64:baad:")
        records = where.log.read_text().count("\n")
        answered = [rtt for rtt in known if rtt is not None]
        return (
            str(rate),
            str(sent),
            ms(median(answered)),
            ms(max(answered, default=None)),
            f"{len(known) - len(answered)} of {len(known)}",
            f"{sum(rtt is not None and rtt < _IMMEDIATELY_S for rtt in new)} of {len(new)}",
            ms(median([rtt for rtt in new if rtt is not None])),
            f"{spent / _DURATION_S * 100:.0f} %",
            f"{before:.1f}, {after:.1f} MiB",
            str(records),
            str(left),
        )


def _exchanges(
    where: Site, attacker: subprocess.Popen[str], number: int
) -> tuple[list[float | None], list[float | None]]:
    """Return the round-trip times of the known host and of the new hosts, in seconds; None: no answer."""
    lan2 = where.home.lan2
    known: list[float | None] = []
    new: list[float | None] = []
    every = 200 // number
    while attacker.poll() is None:
        known.append(ask(lan2, INET, timeout=1.0))
        if len(known) % every == 0 and len(new) < number:
            lan2.ip("-6 neigh flush dev eth0")
            new.append(ask(lan2, INET, timeout=3.0, source=f"2001:db8:64::2:{len(new) + 1:x}"))
        time.sleep(0.02)
    return known, new
