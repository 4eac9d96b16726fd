"""Somebody outside scans the whole /64: are known hosts served as before, how full is the neighbor table, what is used?

Worse than a real scan: the modem's own neighbor table would hold it up at a thousand addresses.  With --no-listen the
same solicitations cost what the kernel needs to drop them.
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
_LATER = 20.0  # s: the kernel collects what failed every 15 s, once there are more than 128


def run() -> None:
    """Print the table."""
    heading("A scan of the prefix from outside")
    rows = [_row(rate, *options) for rate in _RATES for options in ((), ("--no-listen",))]
    columns = ("targets a second", "", "sent", "known host: median", "worst", "lost", "neighbor entries at most")
    table((*columns, f"{_LATER:g} s later", "CPU of ndpbr", "log records"), rows)


def _row(rate: int, *options: str) -> tuple[str, ...]:
    with site(*options, interfaces=("wan0", "lan0", "lan1")) as where:
        echo(where.home.inet, delay=_DELAY)
        ask(where.home.lan, INET, timeout=3.0)
        spent = where.cpu()
        scan = where.home.modem.spawn(
            sys.executable, str(Path(__file__).with_name("scans.py")), str(rate), str(_SECONDS), stdout=subprocess.PIPE
        )
        known, most = _meanwhile(where, scan)
        sent = int(scan.communicate()[0])
        spent = max(where.cpu() - spent, 0.0)  # the batch process in reserve may be another one by now
        time.sleep(_LATER)
        answered = [took for took in known if took is not None]
        return (
            str(rate),
            " ".join(options) or "listening",
            str(sent),
            ms(median(answered)),
            ms(max(answered, default=None)),
            f"{len(known) - len(answered)} of {len(known)}",
            str(most),
            str(_entries(where)),
            f"{spent / _SECONDS * 100:.0f} %",
            str(where.log.read_text().count("\n")),
        )


def _meanwhile(where: Site, scan: subprocess.Popen[str]) -> tuple[list[float | None], int]:
    """Return how long each exchange of the known host took (None: no answer), and how full the table was at most."""
    known: list[float | None] = []
    most = 0
    while scan.poll() is None:
        known.append(ask(where.home.lan, INET, timeout=1.0))
        if len(known) % 20 == 0:
            most = max(most, _entries(where))
        time.sleep(0.02)
    return known, most


def _entries(where: Site) -> int:
    return where.home.router.ip("-6 neigh show nud all").count("\n")
