"""The monitor's `route` object: CPU of daemon and monitor while 10,000 hosts appear, with and without it.

Each route that ndpbr adds would come back as a line without the filter on the monitor's socket. Without the object,
changes of other programs are not seen. The tries alternate, and each ratio is that of one pair. Run as
``python -m bench.routes ...`` this is ndpbr without the object.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.report import heading, table
from bench.site import batch, cpu_s, installed, neighbors, start
from ndpbr_py import cli
from ndpbr_py.iproute2 import monitor
from tests.home import home
from tests.lab import Lab

_SIZE = 10000
_PAIRS = 5


def run() -> None:
    """Print the table."""
    heading(f"The monitor's lines about routes: CPU while {_SIZE} hosts appear, with them : without them")
    pairs = [(_cpu("ndpbr_py"), _cpu("bench.routes")) for _ in range(_PAIRS)]
    ratios = {
        name: sorted(spent(having) / spent(lacking) for having, lacking in pairs)
        for name, spent in {"daemon": lambda it: it[0], "monitor": lambda it: it[1], "both": sum}.items()
    }
    rows = [(name, f"{median(it):.2f}", f"{it[0]:.2f} to {it[-1]:.2f}") for name, it in ratios.items()]
    table(("process", f"ratio: median of {_PAIRS}", "all"), rows)


def _cpu(module: str) -> tuple[float, float]:
    """Return the seconds of CPU that daemon and monitor use."""
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        options = ("--max-hosts", str(2 * _SIZE), "--resync-interval", "3600")
        where = start(home(lab), Path(folder), *options, module=module)
        pids = [
            where.process.pid,
            *(it for it in where.tree()[1:] if b"monitor" in Path(f"/proc/{it}/cmdline").read_bytes()),
        ]
        before = [cpu_s(pid) for pid in pids]
        batch(where.home.router, neighbors(_SIZE))
        installed(where.home.router, _SIZE)
        time.sleep(2)
        daemon, child = (cpu_s(pid) - sooner for pid, sooner in zip(pids, before, strict=True))
        return daemon, child


if __name__ == "__main__":
    monitor.ARGUMENTS = tuple(it for it in monitor.ARGUMENTS if it != "route")
    sys.exit(cli.main())
