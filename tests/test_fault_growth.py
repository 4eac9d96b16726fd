"""Everything at the same time: one daemon among random faults needs no more of anything at the end than early on.

NDPBR_FAULTS and NDPBR_SEED are as in test_fault_random.py; a twentieth of the faults is done here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.effort import FAULTS, SEED
from tests.faults import WITHOUT_RESTART, do_fault, siege
from tests.home import Home
from tests.program import Daemon, children, resident_bytes
from tests.storm import Storm
from tests.storm_report import until_storm
from tests.test_fault_random import start_storm

EARLY = 0.2  # of the faults: by then each part of the program has run
# In 38,477 faults in 17 minutes, from the 1,295th on, memory grew by 4.4 MB, at the end by 0.15 MB a minute.
MAX_GROWTH_BYTES = 8 << 20
MAX_MORE_DESCRIPTORS = 4  # between 18 and 19 were open at rest


def test_daemon_does_not_grow_among_random_faults(
    home: Home, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """At rest it has two children, and for each of them a thread; its descriptors and its memory are bounded."""
    storm = start_storm(home, tmp_path, SEED)
    print(f"NDPBR_SEED={SEED} NDPBR_FAULTS={FAULTS}")
    running, number, began = storm.daemon, FAULTS // 20, time.monotonic()
    early: dict[str, int] = {}
    siege(storm)
    while storm.done.total() < number:
        do_fault(storm, WITHOUT_RESTART)
        if not early and storm.done.total() >= number * EARLY:
            early = _at_rest(storm)
            siege(storm)
    late = _at_rest(storm)
    figures = f"{number} faults in {time.monotonic() - began:.0f} s: {early} -> {late}"
    print(figures)
    record_property("growth", figures)

    assert storm.daemon is running
    assert late["descriptors"] - early["descriptors"] < MAX_MORE_DESCRIPTORS
    assert late["bytes"] - early["bytes"] < MAX_GROWTH_BYTES
    assert running.stop() == 0


def _at_rest(storm: Storm) -> dict[str, int]:
    """Repair everything; return what the daemon has when only its monitor and its standby process run."""
    storm.repair()
    until_storm(storm, storm.has_converged, "the kernel has what it should")
    at_rest = {"threads": 3, "children": 2}.items()
    until_storm(storm, lambda: at_rest <= _usage(storm.daemon).items(), "the daemon has its two children")
    return _usage(storm.daemon)


def _usage(running: Daemon) -> dict[str, int]:
    pid = running.process.pid
    proc = Path(f"/proc/{pid}")
    return {
        "descriptors": len(list((proc / "fd").iterdir())),
        "threads": len(list((proc / "task").iterdir())),
        "children": len(children(pid)),
        "bytes": resident_bytes(pid),
    }
