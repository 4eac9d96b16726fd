"""A peer outside sends one datagram to a silent LAN server: how long does the answer take?

Each try uses another address of the server.  The same is done, in alternating tries, with ndppd (Debian's package, if
it is installed) on the router.  ndppd answers the first solicitation itself.  With ndpbr the kernel looks the server
up, and ndpbr advertises it to the modem.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import address, site
from tests.echo import ask, echo
from tests.home import Home, home
from tests.lab import Lab

_TRIES = 20
_TIMEOUT_S = 5.0
_PREFIX = "2001:db8:64::/64"
_RULE = f"proxy wan0 {{\n  router yes\n  rule {_PREFIX} {{\n    iface lan0\n  }}\n}}\n"


def run() -> None:
    """Print the table."""
    heading("First contact from outside with a silent server")
    with site("--max-hosts-per-lladdr", "1000") as where, _ndppd() as ndppd:
        homes = {"ndpbr": where.home} | ({"ndppd": ndppd} if ndppd is not None else {})
        first: dict[str, list[float | None]] = {name: [] for name in homes}
        second: dict[str, list[float | None]] = {name: [] for name in homes}
        for it in homes.values():
            echo(it.lan)
            it.lan.lay(*(f"address add {address(n)}/64 dev eth0 nodad" for n in range(1, _TRIES + 1)))
        for number in range(1, _TRIES + 1):
            for name, it in homes.items():
                first[name].append(ask(it.inet, address(number), timeout=_TIMEOUT_S))
                second[name].append(ask(it.inet, address(number), timeout=_TIMEOUT_S))
        table(
            ("router", "answered", "first exchange: median", "worst", "second exchange: median"),
            [_row(n, first, second) for n in homes],
        )
    if ndppd is None:
        print("\nndppd is not installed: no comparison.")


@contextmanager
def _ndppd() -> Iterator[Home | None]:
    """Set up a home whose router runs ndppd; yield None if ndppd is not installed."""
    path = shutil.which("ndppd", path="/usr/sbin:/usr/bin")
    if path is None:
        yield None
        return
    with Lab("ndppd-") as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        # ndppd adds no route without autowire; this one has priority over the route of wan0.
        where.router.ip(f"-6 route add {_PREFIX} dev lan0 metric 100")
        config = Path(folder, "ndppd.conf")
        config.write_text(_RULE)
        with Path(folder, "log").open("w") as log:
            where.router.spawn(path, "-c", str(config), stdout=log, stderr=log)
        time.sleep(1)  # ndppd does not report when it is ready
        yield where


def _row(name: str, first: dict[str, list[float | None]], second: dict[str, list[float | None]]) -> tuple[str, ...]:
    answered = [rtt for rtt in first[name] if rtt is not None]
    return (
        name,
        f"{len(answered)} of {len(first[name])}",
        ms(median(answered)),
        ms(max(answered, default=None)),
        ms(median([rtt for rtt in second[name] if rtt is not None])),
    )
