"""How long a command takes, and how long the daemon takes to learn or adopt the hosts that it finds at startup."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import ROOT, alone, batch, commands, installed, neighbors, start, timed
from tests.home import home
from tests.lab import Host, Lab

_RUNS = 15
_SIZE = 10000
_TRIES = 5
_SCENARIOS = (
    "learn all from the neighbor table: dumps, and a batch that installs all",
    "adopt after a crash, all STALE: dumps, and a batch that verifies all",
    "adopt after a crash, all REACHABLE: dumps",
)


def run() -> None:
    """Print the tables."""
    heading("Starting")
    with Lab() as lab:
        router = home(lab).router
        times = [
            ("ndpbr --help", ms(_command("--help"), 0)),
            ("ndpbr show", ms(_command("show", host=router), 0)),
            ("python3 -c pass", ms(_python("-c", "pass"), 0)),
        ]
    table(("command", "median"), times)
    heading(f"Startup with {_SIZE} hosts (medians of {_TRIES} tries)")
    # In turn, because the machine's speed drifts.
    tries = [(_preloaded(0), _preloaded(_SIZE), _adopted("stale"), _adopted("reachable")) for _ in range(_TRIES)]
    empty = statistics.median(empty for (empty, _), *_ in tries)
    rows = [("no hosts", "", ms(empty, 0), "")]
    for number, what in enumerate(_SCENARIOS, 1):
        ours = statistics.median(row[number][0] for row in tries) - empty
        baseline = statistics.median(row[number][1] for row in tries)
        rows.append((what, ms(baseline, 0), ms(ours, 0), f"{ours / baseline:.2f}"))
    table(("scenario", "ip(8) alone", "daemon, minus an empty start", "ratio"), rows)


def _command(*argv: str, host: Host | None = None) -> float | None:
    words = [str(Path(sys.executable).with_name("ndpbr")), *argv]
    if host is not None:
        words = ["ip", "netns", "exec", host.name, *words]
    return _median(words)


def _python(*argv: str) -> float | None:
    return _median([sys.executable, *argv])


def _median(words: Sequence[str]) -> float | None:
    return median([timed(lambda: subprocess.run(words, capture_output=True, cwd=ROOT)) for _ in range(_RUNS)])


def _dumps(router: Host) -> float:
    def all_dumps() -> None:
        for words in ("-o link show", "-o address show", "-N route show", "-N neigh show proxy", "neigh show"):
            router.run("ip", "-6", *words.split())

    return timed(all_dumps)


def _preloaded(size: int) -> tuple[float, float]:
    """Return how long a start with *size* neighbors takes, and how long ip(8) alone takes for dumps and batch."""
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        batch(where.router, neighbors(size))
        dumps = _dumps(where.router)

        def start_and_install() -> None:
            start(where, Path(folder), "--max-hosts", "20000")
            if size:
                installed(where.router, size)

        elapsed_s = timed(start_and_install)
        for child in where.router.spawned:
            child.send_signal(signal.SIGTERM)
            child.wait(60)
        return elapsed_s, dumps + (alone(where.router, commands(size), size) if size else 0.0)


def _adopted(state: str) -> tuple[float, float]:
    """Return how long a start takes that adopts the hosts of an earlier run, and how long ip(8) alone takes.

    The daemon verifies every host whose neighbor entry is STALE.
    """
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        batch(where.router, neighbors(_SIZE, state) + commands(_SIZE))
        baseline = _dumps(where.router)
        elapsed_s = timed(lambda: start(where, Path(folder), "--max-hosts", "20000"))
        if state == "stale":
            batch(where.router, neighbors(_SIZE, state))
            baseline += batch(where.router, neighbors(_SIZE, "probe"))
        return elapsed_s, baseline
