"""How long a command takes to answer, and how long the daemon takes to take over what it finds."""

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
_TAKEN_OVER = (
    "preload: dumps, and the batch that installs all",
    "adoption after a crash, all STALE: dumps, and the batch that verifies all",
    "adoption, all REACHABLE: dumps",
)


def run() -> None:
    """Print the tables."""
    heading("Starting")
    with Lab() as lab:
        router = home(lab).router
        rows = [
            ("ndpbr --help", ms(_command("--help"), 0)),
            ("ndpbr show", ms(_command("show", host=router), 0)),
            ("python3 -c pass", ms(_python("-c", "pass"), 0)),
        ]
    table(("what", "median"), rows)
    heading(f"Taking over {_SIZE} hosts at the start (medians of {_TRIES} tries)")
    # A turn of each after the other: the machine's speed drifts.
    tries = [(_preloaded(0), _preloaded(_SIZE), _adopted("stale"), _adopted("reachable")) for _ in range(_TRIES)]
    empty = statistics.median(nothing for (nothing, _), *_ in tries)
    taken = [("nothing to take over", "", ms(empty, 0), "")]
    for number, what in enumerate(_TAKEN_OVER, 1):
        ours = statistics.median(row[number][0] for row in tries) - empty
        least = statistics.median(row[number][1] for row in tries)
        taken.append((what, ms(least, 0), ms(ours, 0), f"{ours / least:.2f}"))
    table(("what", "ip(8) alone", "daemon, less an empty start", "ratio"), taken)


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
    def all_of_them() -> None:
        for words in ("-o link show", "-o address show", "-N route show", "-N neigh show proxy", "neigh show"):
            router.run("ip", "-6", *words.split())

    return timed(all_of_them)


def _preloaded(size: int) -> tuple[float, float]:
    """Return how long a start with *size* neighbors takes, and how long dumps and batch alone."""
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        batch(where.router, neighbors(size))
        dumps = _dumps(where.router)

        def whole() -> None:
            start(where, Path(folder), "--max-hosts", "20000")
            if size:
                installed(where.router, size)

        took = timed(whole)
        for child in where.router.spawned:
            child.send_signal(signal.SIGTERM)
            child.wait(60)
        return took, dumps + (alone(where.router, commands(size), size) if size else 0.0)


def _adopted(state: str) -> tuple[float, float]:
    """Return how long a start takes that finds the hosts of an earlier run, and how long dumps and probes alone.

    Those that are STALE are verified, one and all.
    """
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        batch(where.router, neighbors(_SIZE, state) + commands(_SIZE))
        least = _dumps(where.router)
        took = timed(lambda: start(where, Path(folder), "--max-hosts", "20000"))
        if state == "stale":
            batch(where.router, neighbors(_SIZE, state))
            least += batch(where.router, neighbors(_SIZE, "probe"))
        return took, least
