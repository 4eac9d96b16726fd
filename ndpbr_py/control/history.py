"""Decisions -> the latest of them about one address, with their times.

Decisions are stored as they are, and become fields only in an answer.  Those that a flood of claimed addresses causes
are stored separately, so they cannot push out those about real hosts.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import NamedTuple

from ndpbr_py.core.decision import CLAIMS, Decision, DecisionKind
from ndpbr_py.system import clock

_MAX_DECISIONS_PER_KIND = 1000  # claims, and others; about 0.5 MB each
_FLOOD_KINDS = (
    DecisionKind.IGNORED,
    DecisionKind.LOOKUP_STARTED,
    DecisionKind.LOOKUP_FAILED,
    DecisionKind.PROXIED_ON_DEMAND,
    DecisionKind.UNPROXIED,
)


class Past(NamedTuple):
    """A decision, when it was made (clock.now()), and its number: the decisions about one event have the same time."""

    at: float
    number: int
    decision: Decision


class History:
    """The latest decisions, at most 1,000 about claims and 1,000 others."""

    def __init__(self) -> None:
        self._claims: deque[Past] = deque(maxlen=_MAX_DECISIONS_PER_KIND)
        self._others: deque[Past] = deque(maxlen=_MAX_DECISIONS_PER_KIND)
        self._numbers = itertools.count()

    def keep(self, decisions: Sequence[Decision]) -> None:
        """Store decisions, with the time now."""
        now = clock.now()
        for decision in decisions:
            claim = decision.kind in _FLOOD_KINDS or decision.reason in CLAIMS
            (self._claims if claim else self._others).append(Past(now, next(self._numbers), decision))

    def about(self, address: IPv6Address) -> list[Past]:
        """Return the decisions about *address*, the oldest first."""
        return sorted(past for past in (*self._claims, *self._others) if past.decision.address == address)
