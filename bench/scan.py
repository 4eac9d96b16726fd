"""A scan of the whole /64 from outside: are known hosts served as before, how full is the neighbor table, at what cost?

This is worse than a real scan, which the modem's own neighbor table would limit to a thousand addresses.  The rows with
--no-listen show what the same solicitations cost when only the kernel receives and drops them.
"""

from __future__ import annotations

import subprocess
import time

from bench.report import heading, median, ms, table
from bench.site import Site, sender, site
from tests.echo import ask, echo
from tests.home import INET

_TARGETS_PER_SECOND = (100, 1000, 10000)
_DURATION_S = 10.0
_PEER_DELAY_S = 0.005
_LATER_S = 20.0  # the kernel collects FAILED entries every 15 s, once there are more than 128


def run() -> None:
    """Print the table."""
    heading("A scan of the prefix from outside")
    rows = [_row(rate, *options) for rate in _TARGETS_PER_SECOND for options in ((), ("--no-listen",))]
    columns = ("targets a second", "option", "sent", "known host: median", "worst", "lost", "most neighbor entries")
    table((*columns, f"neighbor entries {_LATER_S:g} s later", "CPU of ndpbr", "log records"), rows)


def _row(rate: int, *options: str) -> tuple[str, ...]:
    with site(*options, interfaces=("wan0", "lan0", "lan1")) as where:
        echo(where.home.inet, delay=_PEER_DELAY_S)
        ask(where.home.lan, INET, timeout=3.0)
        spent = where.cpu()
        scan = sender(where.home.modem, "scan", rate, _DURATION_S)
        known, most = _exchanges(where, scan)
        sent = int(scan.communicate()[0])
        spent = max(where.cpu() - spent, 0.0)  # the standby may have been replaced, with its CPU time
        time.sleep(_LATER_S)
        answered = [rtt for rtt in known if rtt is not None]
        return (
            str(rate),
            " ".join(options) or "(default)",
            str(sent),
            ms(median(answered)),
            ms(max(answered, default=None)),
            f"{len(known) - len(answered)} of {len(known)}",
            str(most),
            str(_entries(where)),
            f"{spent / _DURATION_S * 100:.0f} %",
            str(where.log.read_text().count("\n")),
        )


def _exchanges(where: Site, scan: subprocess.Popen[str]) -> tuple[list[float | None], int]:
    """Return the round-trip times of the known host (None: no answer), and the most neighbor entries seen."""
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
