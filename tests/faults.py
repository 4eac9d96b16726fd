"""A Storm -> one more random fault, from the table FAULTS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tests import faults_inside as inside
from tests import faults_outside as outside
from tests.storm import Storm
from tests.storm_report import until_storm


def siege(storm: Storm) -> None:
    """Attackers come to all links and stay; or they leave, and each owner has its address, or gets it back."""
    if not storm.siege:
        storm.begin_siege()
        return
    storm.repair_links()
    storm.end_siege()
    until_storm(storm, storm.owners_are_served, "each host has its address after a siege")


# Relative frequency of each fault.
FAULTS: dict[Callable[[Storm], bool | None], float] = {
    outside.appear: 24,
    outside.vanish: 14,
    outside.move: 6,
    outside.send_packet: 24,
    outside.claim_address: 10,
    outside.attack: 3,
    outside.flush: 6,
    outside.foreign_route: 5,
    outside.foreign_proxy: 3,
    outside.link: 5,
    outside.prefix: 0.5,
    outside.reset_setting: 3,
    inside.send_signal: 4,
    inside.kill_batch: 1.5,
    inside.stop_batch: 0.2,
    inside.kill_monitor: 0.8,
    inside.stop_monitor: 0.8,
    inside.pause: 0.5,
    inside.crash: 0.5,
    inside.restart: 0.3,
    inside.second_daemon: 0.2,
    inside.stop_before_exec: 0.2,
    siege: 0.2,
}


_RESTARTS = (inside.crash, inside.restart)
_ABSENCES = (outside.vanish, outside.move, outside.foreign_route, outside.link, outside.prefix)
# Those after which the same daemon runs.
WITHOUT_RESTART = {fault: weight for fault, weight in FAULTS.items() if fault not in _RESTARTS}
# Those under which an owner that ndpbr knows keeps its address; and those under which ndpbr gets to know the owners.
LEAVES_OWNERS = {fault: weight for fault, weight in WITHOUT_RESTART.items() if fault not in (*_ABSENCES, siege)}
LEAVES_OWNERS[outside.flush_neighbors] = 20
# The same with restarts, but nothing hangs: then a deletion may look like the owner's silence.
_HANGS = (inside.stop_batch, inside.stop_monitor, inside.pause, inside.stop_before_exec)
RESTARTED = {fault: weight for fault, weight in LEAVES_OWNERS.items() if fault not in _HANGS}
RESTARTED |= {inside.crash: 1, inside.restart: 1}
CALM = {fault: weight for fault, weight in LEAVES_OWNERS.items() if fault is not outside.attack}


def do_fault(storm: Storm, faults: Mapping[Callable[[Storm], bool | None], float] = FAULTS) -> None:
    """Do one fault, then wait for a moment or not at all."""
    while True:
        fault = storm.random.choices(list(faults), list(faults.values()))[0]
        if fault(storm) is not False:
            break
    storm.done[fault.__name__] += 1
    if storm.siege:
        storm.siege.strike()
    if storm.random.random() < 0.3:
        time.sleep(storm.random.random() * 0.02)
    assert storm.daemon.process.poll() is None, f"the daemon has ended after {fault.__name__}"
