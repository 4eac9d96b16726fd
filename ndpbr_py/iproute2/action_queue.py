"""The actions that wait for a process of ip(8).

Pure.  Entries (routes, proxy entries, markers, advertisements) are run in the order in which they came, also if a later
one undoes an earlier one: a host's proxy entry must not come before its route, nor an advertisement before both.
"""

from __future__ import annotations

from collections import deque
from ipaddress import IPv6Address
from itertools import islice

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, Advertise, DelNeighbor, DelProxy, DelRoute, Probe

# A resync may submit again what still waits.  Only a longer queue is searched for that: where nothing waits, a first
# packet is on its way.
FEW = 16  # actions


class ActionQueue:
    """A queue of entries and a queue of probes.

    Attributes:
        entries: The waiting actions, except probes.
        probes: The waiting probes, and removals of neighbor entries, by address and interface.
    """

    def __init__(self) -> None:
        self.entries: deque[Action] = deque()
        self._latest: dict[object, Action] = {}  # by what it is about, of the waiting entries after the first few
        self.probes: dict[tuple[IPv6Address, str], Action] = {}

    def add(self, action: Action) -> None:
        """Queue *action*, unless FEW or more wait and the latest one about the same thing is equal.

        A probe replaces an earlier one.
        """
        if isinstance(action, Probe):
            self.probes[action.address, action.dev] = action
        elif isinstance(action, DelNeighbor):
            self.probes.setdefault((action.address, action.dev), action)  # a probe that waits makes the entry anew
        elif len(self.entries) < FEW:
            self._latest.clear()
            self.entries.append(action)
        elif self._latest.get(about := _about(action)) != action:
            self._latest[about] = action
            self.entries.append(action)

    def take(self, entries: int, probes: int) -> list[Action]:
        """Remove and return so many of the first entries, then so many of the first probes."""
        if entries == len(self.entries):
            dequeued = list(self.entries)
            self.entries.clear()
            self._latest.clear()
        else:
            dequeued = [self.entries.popleft() for _ in range(entries)]
            for action in dequeued if self._latest else ():
                if self._latest.get(about := _about(action)) is action:
                    del self._latest[about]
        if probes:
            dequeued += [self.probes.pop(place) for place in list(islice(self.probes, probes))]
        return dequeued


def _about(action: Action) -> object:
    """Return what *action*, which is no probe, is about."""
    if isinstance(action, AddRoute | DelRoute):
        return "route", action.address, action.dev
    if isinstance(action, AddProxy | DelProxy | Advertise):
        return "proxy", action.address, action.dev
    return action
