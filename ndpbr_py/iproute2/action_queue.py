"""The actions that wait for a process of ip(8).

Pure.  Entries (routes, proxy entries, markers, advertisements) are run in the order in which they came, also if a later
one undoes an earlier one: a host's proxy entry must not come before its route, nor an advertisement before both.

While ip(8) hangs, each resync finds the same entries missing: `latest()` tells what it need not repeat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from ipaddress import IPv6Address
from itertools import islice

from ndpbr_py.core.actions import (
    Action,
    AddProxy,
    AddRoute,
    Advertise,
    DelNeighbor,
    DelProxy,
    DelRoute,
    Probe,
    RejoinGroup,
)


class ActionQueue:
    """A queue of entries and a queue of probes.

    Attributes:
        entries: The waiting actions, except probes.
        probes: The waiting probes, and removals of neighbor entries, by address and interface.
    """

    def __init__(self) -> None:
        self.entries: deque[Action] = deque()
        self.probes: dict[tuple[IPv6Address, str], Action] = {}
        self._rejoins: set[Action] = set()

    def add(self, action: Action) -> None:
        """Queue *action*.  A probe replaces an earlier one; a rejoin that waits is not repeated."""
        if isinstance(action, Probe):
            self.probes[action.address, action.dev] = action
        elif isinstance(action, DelNeighbor):
            self.probes.setdefault((action.address, action.dev), action)  # a probe that waits makes the entry anew
        elif not isinstance(action, RejoinGroup):
            self.entries.append(action)
        elif action not in self._rejoins:
            self._rejoins.add(action)
            self.entries.append(action)

    def latest(self) -> Mapping[object, Action]:
        """Return the latest of the waiting entries about each thing, by `about()`."""
        return {about(action): action for action in self.entries}

    def dequeue(self, entries: int, probes: int) -> list[Action]:
        """Remove and return so many of the first entries, then so many of the first probes."""
        if entries == len(self.entries):
            dequeued = list(self.entries)
            self.entries.clear()
        else:
            dequeued = [self.entries.popleft() for _ in range(entries)]
        if self._rejoins:
            self._rejoins.difference_update(dequeued)
        if probes:
            dequeued += [self.probes.pop(place) for place in list(islice(self.probes, probes))]
        return dequeued


def about(action: Action) -> object:
    """Return what *action* is about: a later action about the same thing undoes or repeats it."""
    if isinstance(action, AddRoute | DelRoute):
        return "route", action.address, action.dev
    if isinstance(action, AddProxy | DelProxy | Advertise):
        return "proxy", action.address, action.dev
    return action
