"""What it costs to run: CPU of an event about a known host, wake-ups when idle, memory, and the time to stop."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import Site, address, batch, commands, counts, installed, neighbors, site, timed
from ndpbr_py.iproute2.process import output
from tests.lab import Host

_SIZE = 10000
_EVENTS = 20000
_IDLE = 70.0  # s: a comparison with the kernel's tables is in it
_RUNS = 50
_FLOOD = 1_000_000


def run(flood: int = _FLOOD) -> None:
    """Print the tables."""
    with site() as where:
        batch(where.home.router, neighbors(10))
        time.sleep(2)
        small = where.rss()
        wakeups = _wakeups(where)
        waiting = max(_rss(pid) for pid in where.tree()[1:])
    with site("--max-hosts", "20000") as where:
        router = where.home.router
        batch(router, neighbors(_SIZE))
        installed(router, _SIZE)
        time.sleep(3)
        large = where.rss()
        steady = _steady(where)
        lines, after = _flood(where, flood)
        stopped = where.stop()
        left = counts(router)
        batch(router, commands(_SIZE))
        alone = batch(router, _removals(_SIZE))
    by_sh, bare = _starts()
    heading("Running")
    table(
        ("what", "measured"),
        (
            (f"CPU of an event about a known host, {_SIZE} hosts (daemon, monitor, waiting process)", steady),
            ("wake-ups a second when idle, 10 hosts (same three)", f"{wakeups:.2f}"),
            ("RSS of the daemon, 10 hosts", f"{small:.1f} MiB"),
            (f"RSS of the daemon, {_SIZE} hosts", f"{large:.1f} MiB"),
            (f"RSS of the daemon after {lines:,} lines more", f"{after:.1f} MiB"),
            (f"stop with {_SIZE} hosts, until the process has ended (left: {left[0]} + {left[1]})", ms(stopped, 0)),
            ("the same removals by ip -batch alone", ms(alone, 0)),
            ("ratio", f"{stopped / alone:.2f}"),
            ("RSS of the waiting ip -batch", f"{waiting:.1f} MiB"),
            ("start and end of a process through sh", ms(by_sh)),
            ("the same through subprocess", ms(bare)),
        ),
    )


def _starts() -> tuple[float | None, float | None]:
    """Return how long a child takes from its start to its end, as ndpbr starts it and as Python alone would."""
    ip = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") or "ip"
    by_sh = [timed(lambda: output(ip, "-V")) for _ in range(_RUNS)]
    bare = [timed(lambda: subprocess.run([ip, "-V"], capture_output=True)) for _ in range(_RUNS)]
    return median(by_sh), median(bare)


def _rss(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


def _wakeups(where: Site) -> float:
    before = _switches(where.tree())
    time.sleep(_IDLE)
    return (_switches(where.tree()) - before) / _IDLE


def _switches(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            lines = status.read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return total


def _steady(where: Site) -> str:
    tree = where.tree()
    before = where.cpu()
    count = _changes(where.home.router, _EVENTS)
    time.sleep(1)
    spent = where.cpu() - before
    started = "no process started" if where.tree() == tree else "PROCESSES STARTED"
    return f"{spent / count * 1e6:.1f} µs, {started}"


def _changes(host: Host, count: int) -> int:
    """Make *count* lines about known hosts: each in turn STALE, and in the next round REACHABLE."""
    made = 0
    while made < count:
        for state in ("stale", "reachable"):
            batch(host, neighbors(_SIZE, state))
            made += _SIZE
    return made


def _flood(where: Site, count: int) -> tuple[int, float]:
    made = _changes(where.home.router, count)
    time.sleep(3)
    return made, where.rss()


def _removals(count: int) -> str:
    return "".join(
        f"neigh del proxy {address(n)} dev wan0\nroute del {address(n)}/128 dev lan0 proto 135\n"
        for n in range(1, count + 1)
    )
