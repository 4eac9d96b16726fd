"""Decisions -> the last of them about one address, with their times.

Decisions are kept as they are and become fields when somebody asks.  What a flood of claimed addresses makes is kept
apart, so that it does not push out what happened to the hosts that are there.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.decision import CLAIMS, Decision, DecisionKind
from ndpbr_py.system import clock

_KEPT = 1000  # decisions of each kind; some 0.5 MB


@dataclass(frozen=True, slots=True)
class Past:
    """A decision, and when it was taken, a time of clock.now()."""

    at: float
    decision: Decision


class History:
    """The last decisions."""

    def __init__(self) -> None:
        self._claims: deque[tuple[int, float, Decision]] = deque(maxlen=_KEPT)
        self._others: deque[tuple[int, float, Decision]] = deque(maxlen=_KEPT)
        self._numbers = itertools.count()

    def keep(self, decisions: Sequence[Decision]) -> None:
        """Keep what was just decided."""
        now = clock.now()
        for decision in decisions:
            claimed = decision.kind in (DecisionKind.IGNORED, DecisionKind.LOOKUP_STARTED) or decision.reason in CLAIMS
            (self._claims if claimed else self._others).append((next(self._numbers), now, decision))

    def about(self, address: IPv6Address) -> list[Past]:
        """Return what was decided about *address*, the oldest first."""
        found = [it for kept in (self._claims, self._others) for it in kept if it[2].address == address]
        # By number: what was decided at once has one time.
        return [Past(at, decision) for _, at, decision in sorted(found, key=lambda it: it[0])]
