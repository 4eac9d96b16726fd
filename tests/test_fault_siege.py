"""Attackers on all links among random faults: an owner that ndpbr knows keeps its address while they are there.

NDPBR_FAULTS and NDPBR_SEED are as in test_fault_random.py; a twentieth of the faults is done here.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.effort import FAULTS, SEED
from tests.faults import CALM, LEAVES_OWNERS, RESTARTED, do_fault
from tests.faults_inside import restart
from tests.home import Home
from tests.observed import routes
from tests.storm import Storm
from tests.storm_report import until_storm
from tests.test_fault_random import start_storm

KNOWN_S = 3.5  # after a host was learned: it has been looked up on the other links
STRIKES = 150


@pytest.mark.parametrize("restarted", [False, True], ids=["same-daemon", "restarts"])
def test_owners_keep_their_addresses_during_a_siege(home: Home, tmp_path: Path, *, restarted: bool) -> None:
    """Other programs delete neighbor entries again and again, but no owner, link or prefix goes; the daemon may go."""
    print(f"NDPBR_SEED={SEED} NDPBR_FAULTS={FAULTS}")
    storm = start_storm(home, tmp_path, SEED)
    while not storm.done or storm.done.total() < FAULTS // 20:
        _siege(storm, restarted=restarted)
    storm.end_siege()

    assert storm.daemon.stop() == 0


def _siege(storm: Storm, *, restarted: bool) -> None:
    storm.end_siege()
    until_storm(storm, storm.owners_are_served, "each host has its address before a siege")
    owned, known_at = storm.own_routes(), time.monotonic() + KNOWN_S
    while time.monotonic() < known_at:
        do_fault(storm, CALM)
    # An answer to a lookup from before is decided about by now, maybe against an owner.
    until_storm(storm, storm.owners_are_served, "each host has its address at the beginning of a siege")
    if restarted:
        restart(storm)  # the hosts file has the owners from now on
    storm.begin_siege()
    for _ in range(STRIKES):
        do_fault(storm, RESTARTED if restarted else LEAVES_OWNERS)
    until_storm(storm, lambda: owned <= routes(storm.home.router), "each host keeps its address during a siege")
