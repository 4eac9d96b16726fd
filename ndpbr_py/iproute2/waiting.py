"""The actions that wait for a process of ip(8).

Pure.  Entries (routes, proxy entries, markers, advertisements) are run in the order in which they came, also if a later
one undoes an earlier one: a host's proxy entry must not come before its route, nor an advertisement before both.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import assert_never

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, Advertise, DelProxy, DelRoute, Mark, Probe, RejoinGroup


class Waiting:
    """A queue of entries and a queue of probes."""

    def __init__(self) -> None:
        self._entries: deque[Action] = deque()
        self._latest: dict[tuple[object, ...], Action] = {}  # by what it is about, of the waiting entries
        self._probes: dict[tuple[object, ...], Action] = {}

    @property
    def entries(self) -> int:
        """The number of waiting actions, except probes."""
        return len(self._entries)

    @property
    def probes(self) -> int:
        """The number of waiting probes."""
        return len(self._probes)

    def add(self, action: Action) -> None:
        """Queue *action*, unless the latest one about the same thing is equal; a probe replaces an earlier one."""
        key = _key(action)
        if isinstance(action, Probe):
            self._probes.pop(key, None)
            self._probes[key] = action
        elif self._latest.get(key) != action:
            self._latest[key] = action
            self._entries.append(action)

    def take(self, entries: int, probes: int) -> list[Action]:
        """Remove and return so many of the first entries, then so many of the first probes."""
        taken = [self._entries.popleft() for _ in range(entries)]
        if self._entries:
            for action in taken:
                if self._latest[key := _key(action)] is action:
                    del self._latest[key]
        else:
            self._latest.clear()  # the usual case, and the quick one
        return taken + [self._probes.pop(key) for key in list(islice(self._probes, probes))]


def _key(action: Action) -> tuple[object, ...]:
    """Return what *action* is about."""
    match action:
        case AddRoute() | DelRoute():
            return ("route", action.address, action.dev)
        case AddProxy() | DelProxy() | Advertise():
            return ("proxy", action.address, action.dev)
        case Probe():
            return ("probe", action.address, action.dev)
        case Mark():
            return ("mark",)
        case RejoinGroup():
            return ("rejoin", action.addresses, action.dev)
        case _:
            assert_never(action)
