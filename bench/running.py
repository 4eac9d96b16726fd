"""The cost of a running daemon: CPU per event about a known host, wake-ups when idle, memory, time to stop."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import Site, address, batch, commands, counts, installed, neighbors, rss_mib, site, timed
from ndpbr_py.iproute2.process import output
from tests.lab import Host

_SIZE = 10000
_EVENTS = 20000
_IDLE_S = 70.0  # includes one resync
_RUNS = 50
_FLOOD = 1_000_000


def run(flood: int = _FLOOD) -> None:
    """Print the tables."""
    with site() as where:
        batch(where.home.router, neighbors(10))
        time.sleep(2)
        small = where.rss()
        wakeups = _wakeups(where)
        standby = max(rss_mib(pid) for pid in where.tree()[1:])
    with site("--max-hosts", "20000") as where:
        router = where.home.router
        batch(router, neighbors(_SIZE))
        installed(router, _SIZE)
        time.sleep(3)
        large = where.rss()
        per_event = _cpu_per_event(where)
        halfway, after = _flood(where, flood), _flood(where, flood)
        stopped = where.stop()
        left = counts(router)
        batch(router, commands(_SIZE))
        alone = batch(router, _removals(_SIZE))
    by_sh, by_subprocess = _starts()
    heading("Running")
    table(
        ("quantity", "measured"),
        (
            (f"CPU of an event about a known host, {_SIZE} hosts (daemon, monitor, standby)", per_event),
            ("wake-ups a second when idle, 10 hosts (same three processes)", f"{wakeups:.2f}"),
            ("RSS of the daemon, 10 hosts", f"{small:.1f} MiB"),
            (f"RSS of the daemon, {_SIZE} hosts", f"{large:.1f} MiB"),
            (f"RSS of the daemon after {flood // 2:,} more monitor lines", f"{halfway:.1f} MiB"),
            (f"RSS of the daemon after {flood:,} more monitor lines", f"{after:.1f} MiB"),
            (
                f"stop with {_SIZE} hosts, until the process ends (left over: {left[0]} + {left[1]})",
                ms(stopped, 0),
            ),
            ("the same removals by ip -batch alone", ms(alone, 0)),
            ("ratio of these two", f"{stopped / alone:.2f}"),
            ("RSS of the standby ip -batch", f"{standby:.1f} MiB"),
            ("start and end of a process through sh", ms(by_sh)),
            ("start and end of a process through subprocess", ms(by_subprocess)),
        ),
    )


def _starts() -> tuple[float | None, float | None]:
    """Return the time from start to end of a child process, started as ndpbr does and by subprocess alone."""
    ip = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") or "ip"
    by_sh = [timed(lambda: output(ip, "-V")) for _ in range(_RUNS)]
    by_subprocess = [timed(lambda: subprocess.run([ip, "-V"], capture_output=True)) for _ in range(_RUNS)]
    return median(by_sh), median(by_subprocess)


def _wakeups(where: Site) -> float:
    before = _switches(where.tree())
    time.sleep(_IDLE_S)
    return (_switches(where.tree()) - before) / _IDLE_S


def _switches(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            lines = status.read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return total


def _cpu_per_event(where: Site) -> str:
    tree = where.tree()
    before = where.cpu()
    count = _changes(where.home.router, _EVENTS)
    time.sleep(1)
    spent = where.cpu() - before
    started = "no process started" if where.tree() == tree else "PROCESSES STARTED"
    return f"{spent / count * 1e6:.1f} µs, {started}"


def _changes(host: Host, count: int) -> int:
    """Cause *count* monitor lines about known hosts: all become STALE, then all REACHABLE, and so on."""
    made = 0
    while made < count:
        for state in ("stale", "reachable"):
            batch(host, neighbors(_SIZE, state))
            made += _SIZE
    return made


def _flood(where: Site, count: int) -> float:
    """Cause half of *count* lines; return the memory after them, in MiB."""
    _changes(where.home.router, count // 2)
    time.sleep(3)
    return where.rss()


def _removals(count: int) -> str:
    return "".join(
        f"neigh del proxy {address(n)} dev wan0\nroute del {address(n)}/128 dev lan0 proto 135\n"
        for n in range(1, count + 1)
    )
