"""Hundreds of random faults: afterwards the kernel has the entries that a model predicts.

NDPBR_FAULTS is their number (1000), NDPBR_SEED the random seed; a failure prints both.  There are two storms of half as
many each, so that two workers of pytest-xdist share them.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests import stops_before_exec
from tests.effort import FAULTS, SEED
from tests.faults import do_fault, siege
from tests.home import Home
from tests.observed import settings, shorten_neighbor_timers
from tests.program import Daemon
from tests.storm import DEVS, Storm
from tests.storm_report import difference, until_compared, until_storm

OPTIONS = ("--discover", "--resync-interval", "1", "--expire-interval", "1", *DEVS)
SET = {("proxy_ndp", "1"), ("proxy_delay", "0"), ("accept_untracked_na", "1")}
LATER = 3.0  # s, in which the tables are compared twice more


@pytest.mark.parametrize("half", [0, 1])
def test_kernel_has_the_right_entries_after_random_faults(
    home: Home, tmp_path: Path, record_property: Callable[[str, object], None], half: int
) -> None:
    """Every present host has its entries, there are no others, and a stop removes all of them."""
    before = settings(home.router, *DEVS)
    storm = start_storm(home, tmp_path, SEED + half)
    began = time.monotonic()
    print(f"NDPBR_SEED={SEED} NDPBR_FAULTS={FAULTS}, half {half}")
    try:
        siege(storm)
        while storm.done.total() < (FAULTS + half) // 2:
            do_fault(storm)
        storm.repair()
        until_compared(storm)
        until_storm(storm, storm.is_right, "no host has entries where it is not, though none has sent a packet")
        until_storm(storm, storm.has_converged, "the kernel has what it should")
        time.sleep(LATER)
        assert storm.actual() == storm.expected(), difference(storm)
        assert {(path.rpartition("/")[2], value) for path, value in settings(home.router, *DEVS).items()} <= SET
    finally:
        print(f"{sum(storm.done.values())} faults in {time.monotonic() - began:.0f} s: {dict(storm.done)}")
    record_property("faults", sum(storm.done.values()))
    storm.take_away("lan1", "renamed")

    assert storm.daemon.stop() == 0
    assert storm.renamed_settings_are_restored()
    storm.bring_back("lan1")
    assert storm.actual() == storm.foreign()
    assert settings(home.router, *DEVS) == before
    assert [line for log in tmp_path.glob("*.log") for line in log.read_text().splitlines() if "internal" in line] == []


def start_storm(home: Home, folder: Path, seed: int) -> Storm:
    """Return a storm whose daemon has started, with an ip(8) of its own."""
    for dev in DEVS:
        shorten_neighbor_timers(home.router, dev)
    (folder / "bin").mkdir()
    (folder / "bin" / "ip").symlink_to(shutil.which("ip") or "")
    return Storm(home, folder, lambda ready: _start(home, folder, ready), Random(seed))


def _start(home: Home, folder: Path, ready: bool) -> Daemon:
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", stops_before_exec.FLAG: str(folder / "flag")}
    program = stops_before_exec.PROGRAM
    daemon = Daemon(home.router, *OPTIONS, folder=folder, program=program, environment=environment)
    if ready:
        daemon.wait_for("started")
    return daemon
