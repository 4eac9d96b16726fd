"""Decisions -> how many of each there were since the daemon was started, and what else is worth counting.

What is counted here only grows, until the daemon ends; ``hosts`` alone goes up and down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ndpbr_py.core.decision import Decision, What

_COUNTED: Mapping[What, str] = {
    What.LEARNED: "learned",
    What.FORGOTTEN: "forgotten",
    What.MOVED: "moved",
    What.VERIFIED: "verified",
    What.REFUSED: "refused",
    What.IGNORED: "ignored",
    What.CONFLICT: "conflicts",
    What.REPAIRED: "repaired",
}


@dataclass(slots=True)
class Counters:
    """What a daemon has done.

    Attributes:
        learned: Hosts learned; ``forgotten``, ``moved`` and ``verified`` likewise.
        refused: Entries that the kernel refused.
        ignored: Sightings of addresses that must not be learned.
        conflicts: Addresses that two claimed.
        repaired: Hosts whose entries were not as they should be.
        resyncs: Readings of the kernel's tables.
        restarts: Times that the monitor was started again.
        events_lost: Times that the monitor could not keep up.
        batches_lost: Processes of `ip -batch` that ended before their work.
        solicitations_heard: Solicitations that the listener heard.
        looks: Times that the kernel was made to look for somebody on an interface.
        looks_left_out: Solicitations that led to no look, since there were too many.
        records_dropped: Records of the log that found no place to be written.
        hosts: Hosts known now.
        started_at: When the daemon was started, in seconds since 1970.
    """

    learned: int = 0
    forgotten: int = 0
    moved: int = 0
    verified: int = 0
    refused: int = 0
    ignored: int = 0
    conflicts: int = 0
    repaired: int = 0
    resyncs: int = 0
    restarts: int = 0
    events_lost: int = 0
    batches_lost: int = 0
    solicitations_heard: int = 0
    looks: int = 0
    looks_left_out: int = 0
    records_dropped: int = 0
    hosts: int = 0
    started_at: int = 0

    def count(self, decisions: Iterable[Decision]) -> None:
        """Count what was decided."""
        for decision in decisions:
            name = _COUNTED.get(decision.what)
            if name is not None:
                setattr(self, name, getattr(self, name) + 1)
