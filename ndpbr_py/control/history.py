"""Decisions -> the latest of them about one address, with their times.

Decisions are stored as they are, and become fields only in an answer.  Those that a flood of claimed addresses causes
are stored separately, so they cannot push out what happened to real hosts.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.decision import CLAIMS, Decision, DecisionKind
from ndpbr_py.system import clock

_MAX_DECISIONS = 1000  # of each kind; about 0.5 MB


@dataclass(frozen=True, slots=True)
class Past:
    """A decision, and the time of clock.now() at which it was made."""

    at: float
    decision: Decision


class History:
    """The latest decisions, at most 1,000 about claims and 1,000 others."""

    def __init__(self) -> None:
        self._claims: deque[tuple[int, float, Decision]] = deque(maxlen=_MAX_DECISIONS)
        self._others: deque[tuple[int, float, Decision]] = deque(maxlen=_MAX_DECISIONS)
        self._numbers = itertools.count()

    def keep(self, decisions: Sequence[Decision]) -> None:
        """Store decisions, with the time now."""
        now = clock.now()
        for decision in decisions:
            claim = decision.kind in (DecisionKind.IGNORED, DecisionKind.LOOKUP_STARTED) or decision.reason in CLAIMS
            (self._claims if claim else self._others).append((next(self._numbers), now, decision))

    def about(self, address: IPv6Address) -> list[Past]:
        """Return the decisions about *address*, the oldest first."""
        found = [it for stored in (self._claims, self._others) for it in stored if it[2].address == address]
        # By number: decisions about one event have the same time.
        return [Past(at, decision) for _, at, decision in sorted(found, key=lambda it: it[0])]
