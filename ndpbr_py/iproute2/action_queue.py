"""The actions that wait for a process of ip(8).

Pure.  Entries (routes, proxy entries, markers, advertisements) are run in the order in which they came, also if a later
one undoes an earlier one: a host's proxy entry must not come before its route, nor an advertisement before both.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import assert_never

from ndpbr_py.core.actions import (
    Action,
    AddProxy,
    AddRoute,
    Advertise,
    DelNeighbor,
    DelProxy,
    DelRoute,
    Mark,
    Probe,
    RejoinGroup,
)


class ActionQueue:
    """A queue of entries and a queue of probes.

    Attributes:
        entries: The waiting actions, except probes.
        probes: The waiting probes, and removals of neighbor entries, by what they are about.
    """

    def __init__(self) -> None:
        self.entries: deque[Action] = deque()
        self._latest: dict[tuple[object, ...], Action] = {}  # by what it is about, of the waiting entries
        self.probes: dict[tuple[object, ...], Action] = {}

    def add(self, action: Action) -> None:
        """Queue *action*, unless the latest one about the same thing is equal; a probe replaces an earlier one."""
        key = _key(action)
        if isinstance(action, Probe):
            self.probes.pop(key, None)
            self.probes[key] = action
        elif isinstance(action, DelNeighbor):
            self.probes.setdefault(key, action)  # a probe that waits makes the entry anew
        elif self._latest.get(key) != action:
            self._latest[key] = action
            self.entries.append(action)

    def take(self, entries: int, probes: int) -> list[Action]:
        """Remove and return so many of the first entries, then so many of the first probes."""
        taken = [self.entries.popleft() for _ in range(entries)]
        if self.entries:
            for action in taken:
                if self._latest[key := _key(action)] is action:
                    del self._latest[key]
        else:
            self._latest.clear()  # the usual case, and the quick one
        if probes:
            taken += [self.probes.pop(key) for key in list(islice(self.probes, probes))]
        return taken


def _key(action: Action) -> tuple[object, ...]:
    """Return what *action* is about."""
    match action:
        case AddRoute() | DelRoute():
            return ("route", action.address, action.dev)
        case AddProxy() | DelProxy() | Advertise():
            return ("proxy", action.address, action.dev)
        case Probe() | DelNeighbor():
            return ("probe", action.address, action.dev)
        case Mark():
            return ("mark",)
        case RejoinGroup():
            return ("rejoin", action.addresses, action.dev)
        case _:
            assert_never(action)
