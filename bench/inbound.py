"""A peer outside sends one datagram to a LAN server that has never said a word: how long until its answer?

Each try is another address, that nobody has heard of.  The same is done in a home whose router runs ndppd (Debian's
package, if it is installed) instead, a try each in turn.  ndppd answers solicitations itself, and so the first one;
the kernel answers what it has been told, and so the second, which RFC 4861 has the modem send a second later.
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
_TIMEOUT = 5.0
_PREFIX = "2001:db8:64::/64"
_RULE = f"proxy wan0 {{\n  router yes\n  rule {_PREFIX} {{\n    iface lan0\n  }}\n}}\n"


def run() -> None:
    """Print the table."""
    heading("First contact from outside with a silent server")
    with site("--max-hosts-per-lladdr", "1000") as where, _ndppd() as theirs:
        homes = {"ndpbr": where.home} | ({"ndppd": theirs} if theirs is not None else {})
        first: dict[str, list[float | None]] = {name: [] for name in homes}
        again: dict[str, list[float | None]] = {name: [] for name in homes}
        for it in homes.values():
            echo(it.lan)
            it.lan.lay(*(f"address add {address(n)}/64 dev eth0 nodad" for n in range(1, _TRIES + 1)))
        for number in range(1, _TRIES + 1):
            for name, it in homes.items():
                first[name].append(ask(it.inet, address(number), timeout=_TIMEOUT))
                again[name].append(ask(it.inet, address(number), timeout=_TIMEOUT))
        table(("router", "answered", "first: median", "worst", "again: median"), [_row(n, first, again) for n in homes])
    if theirs is None:
        print("\nndppd is not installed: nothing to compare with.")


@contextmanager
def _ndppd() -> Iterator[Home | None]:
    """Lay a home in whose router ndppd runs; None where there is no ndppd."""
    path = shutil.which("ndppd", path="/usr/sbin:/usr/bin")
    if path is None:
        yield None
        return
    with Lab("ndppd-") as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        # It adds no route by itself; this one wins over that of wan0.
        where.router.ip(f"-6 route add {_PREFIX} dev lan0 metric 100")
        config = Path(folder, "ndppd.conf")
        config.write_text(_RULE)
        with Path(folder, "log").open("w") as log:
            where.router.spawn(path, "-c", str(config), stdout=log, stderr=log)
        time.sleep(1)  # it does not say when it is ready
        yield where


def _row(name: str, first: dict[str, list[float | None]], again: dict[str, list[float | None]]) -> tuple[str, ...]:
    answered = [took for took in first[name] if took is not None]
    return (
        name,
        f"{len(answered)} of {len(first[name])}",
        ms(median(answered)),
        ms(max(answered, default=None)),
        ms(median([took for took in again[name] if took is not None])),
    )
