"""How long a command takes to answer, and how long the daemon takes to take over what it finds."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import ROOT, batch, commands, installed, neighbors, start, timed
from tests.home import home
from tests.lab import Host, Lab

_RUNS = 15
_SIZE = 10000


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
    empty = _started(0)[0]
    preload, alone = _started(_SIZE)
    adopt, dump = _adopted(_SIZE)
    rows += [
        ("daemon, empty tables, until it is ready", ms(empty, 0)),
        (f"preload of {_SIZE}: dumps and ip -batch alone", ms(alone, 0)),
        (f"preload of {_SIZE}: daemon, until all are installed, less the empty start", ms(preload - empty, 0)),
        ("ratio", f"{(preload - empty) / alone:.2f}"),
        (f"adoption of {_SIZE}: dumps alone", ms(dump, 0)),
        (f"adoption of {_SIZE}: daemon, until it is ready, less the empty start", ms(adopt - empty, 0)),
        ("ratio", f"{(adopt - empty) / dump:.2f}"),
    ]
    table(("what", "median or time"), rows)


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


def _started(size: int) -> tuple[float, float]:
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
        return took, dumps + batch(where.router, commands(size))


def _adopted(size: int) -> tuple[float, float]:
    """Return how long a start takes that finds *size* hosts of an earlier run, and how long the dumps alone."""
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        where = home(lab)
        batch(where.router, neighbors(size) + commands(size))
        dumps = _dumps(where.router)
        return timed(lambda: start(where, Path(folder), "--max-hosts", "20000")), dumps
