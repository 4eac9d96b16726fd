"""A LAN host claims thousands of addresses a second: are the others still served, and what does it cost?

A known host on the second LAN goes on talking to the internet, and new ones there speak for the first time.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import Site, site
from tests.echo import ask, echo
from tests.home import INET

_RATES = (100, 1000, 10000)
_SECONDS = 10.0
_DELAY = 0.005


def run() -> None:
    """Print the table."""
    heading("A flood of claimed addresses")
    rows = [_row(rate) for rate in _RATES]
    table(
        (
            "claims a second",
            "sent",
            "known host: median",
            "worst",
            "lost",
            "new hosts answered",
            "median",
            "CPU of ndpbr",
            "RSS before, after",
            "log records",
            "claims left 8 s later",
        ),
        rows,
    )


def _row(rate: int) -> tuple[str, ...]:
    with site("--max-hosts", "4096", interfaces=("wan0", "lan0", "lan1")) as where:
        lan2 = where.home.lan2
        echo(where.home.inet, delay=_DELAY)
        lan2.lay(*(f"address add 2001:db8:64::2:{n:x}/64 dev eth0 nodad" for n in range(1, 11)))
        ask(lan2, INET, timeout=3.0)
        before, spent = where.rss(), where.cpu()
        liar = where.home.lan.spawn(
            sys.executable, str(Path(__file__).with_name("claims.py")), str(rate), str(_SECONDS), stdout=subprocess.PIPE
        )
        known, new = _meanwhile(where, liar)
        sent = int(liar.communicate()[0])
        spent = where.cpu() - spent
        after = where.rss()
        time.sleep(8)
        left = where.home.router.ip("-6 route show proto 135").count("64:baad:")
        records = where.log.read_text().count("\n")
        answered = [took for took in known if took is not None]
        return (
            str(rate),
            str(sent),
            ms(median(answered)),
            ms(max(answered, default=None)),
            f"{len(known) - len(answered)} of {len(known)}",
            f"{sum(took is not None for took in new)} of {len(new)}",
            ms(median([took for took in new if took is not None])),
            f"{spent / _SECONDS * 100:.0f} %",
            f"{before:.1f}, {after:.1f} MiB",
            str(records),
            str(left),
        )


def _meanwhile(where: Site, liar: subprocess.Popen[str]) -> tuple[list[float | None], list[float | None]]:
    """Return how long each exchange of the known host took, and each first one of a new host; None: no answer."""
    lan2 = where.home.lan2
    known: list[float | None] = []
    new: list[float | None] = []
    while liar.poll() is None:
        known.append(ask(lan2, INET, timeout=1.0))
        if len(known) % 20 == 0 and len(new) < 10:
            lan2.ip("-6 neigh flush dev eth0")
            new.append(ask(lan2, INET, timeout=3.0, source=f"2001:db8:64::2:{len(new) + 1:x}"))
        time.sleep(0.02)
    return known, new
