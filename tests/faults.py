"""A Storm -> one more random fault, from the table FAULTS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tests import faults_inside as inside
from tests import faults_outside as outside
from tests.lab import until
from tests.storm import Storm

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
}


_ABSENCES = (outside.vanish, outside.move, outside.foreign_route, outside.link, outside.prefix)
_RESTARTS = (inside.restart, inside.crash)  # what they forget an attacker may learn first (docs/design.md)
# Under these an owner that ndpbr knows keeps its address.
_LEAVES_OWNERS = {fault: weight for fault, weight in FAULTS.items() if fault not in (*_ABSENCES, *_RESTARTS)}
# Under these ndpbr gets to know the owners.
_CALM = {fault: weight for fault, weight in _LEAVES_OWNERS.items() if fault is not outside.attack}
_KNOWN_S = 3.5  # after a host was learned: it has been looked up on the other links
_STRIKES = 100


def siege(storm: Storm) -> None:
    """Attackers come to all links, and stay; if they are there, they leave.

    At first only such faults happen as leave the owners and their links alone: the owners keep their addresses.  Later
    the attackers may have those of absent hosts; when they have left, each owner has its address, or gets it back.
    """
    storm.repair_links()
    if storm.siege:
        storm.end_siege()
        until(storm.owners_are_served, what="each host has its address after a siege")
        return
    until(storm.owners_are_served, what="each host has its address before a siege")
    owned, known_at = storm.own_routes(), time.monotonic() + _KNOWN_S
    while time.monotonic() < known_at:
        do_fault(storm, _CALM)
    # An answer to a lookup from before is decided about by now, maybe against an owner.
    until(storm.owners_are_served, what="each host has its address at the beginning of a siege")
    storm.owned = owned
    storm.begin_siege()
    for _ in range(_STRIKES):
        do_fault(storm, _LEAVES_OWNERS)
    until(storm.owners_have_routes, what="each host keeps its address during a siege")
    storm.owned = set()


FAULTS[siege] = 0.2


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
