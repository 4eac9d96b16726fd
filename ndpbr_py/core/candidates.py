"""Addresses that may be in use -> lookups, a few at a time.

Pure. A candidate that answers is learned from the neighbor table like any other host. A remembered host, and an address
that a next hop may have, are looked up three times in eleven minutes: after a power cut the switch and the host may
take longer to start than the router, and the prefix comes only with the first router advertisement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import CandidatesFound
from ndpbr_py.core.hosts import Host, Move
from ndpbr_py.core.schedule import Deadlines
from ndpbr_py.core.state import State

LOOKUPS_PER_BURST = 10  # lookups in one burst: the kernel keeps an entry for each for 3 s, of 1024 in all
BURST_INTERVAL_S = 0.1
_RETRY_DELAYS_S = (60.0, 600.0)  # until the second and the third lookup of a remembered host
_ANSWER_TIMEOUT_S = 10.0  # after the last lookup the candidate is dropped
_MAX_REMEMBERED_S, _MAX_ANSWERED_S = 3600.0, 60.0  # a candidate that cannot be looked up is dropped after that time

Memory = Mapping[IPv6Address, tuple[str, str | None]]  # address -> interface, lladdr
_Place = tuple[IPv6Address, str]


@dataclass(slots=True)
class _Candidate:
    reason: Reason
    drop_at: float
    lookups: int = 0
    late: bool = False  # it could not be looked up when it was due first

    @property
    def may_be_claimed(self) -> bool:
        """Whether another host may have claimed the address while the link of the last run was down."""
        return self.late and self.reason is Reason.REMEMBERED


class Candidates:
    """Addresses that may be in use, each on one interface."""

    def __init__(self) -> None:
        # Keyed by interface, too: an answer on one link does not stop the lookup of the address on another.
        self._candidates: dict[_Place, _Candidate] = {}
        self._deadlines: Deadlines[_Place] = Deadlines()
        self._blocked: set[_Place] = set()  # due, but not eligible or on an interface that is down
        self._next_burst = 0.0

    def remembered(self) -> list[IPv6Address]:
        """Return the addresses from an earlier run that have neither answered nor been dropped."""
        return [
            address for (address, _), candidate in self._candidates.items() if candidate.reason is Reason.REMEMBERED
        ]

    def blocked(self) -> set[IPv6Address]:
        """Return the addresses that could not be looked up yet."""
        return {address for address, _ in self._blocked}

    def add(self, event: CandidatesFound, max_candidates: int, now: float) -> None:
        """Add the candidates of *event*, up to *max_candidates* in all; look them up now."""
        reason = Reason.NEXT_HOP if event.next_hop else Reason.REMEMBERED if event.remembered else Reason.ECHO
        drop_at = now + (_MAX_ANSWERED_S if reason is Reason.ECHO else _MAX_REMEMBERED_S)
        for place in event.hosts:
            if place not in self._candidates:
                if len(self._candidates) >= max_candidates:
                    continue
                self._candidates[place] = _Candidate(reason, drop_at)
            self._deadlines.set(place, now)

    def retry_blocked(self, state: State, now: float) -> None:
        """Look up the candidates that have become eligible: a prefix, an address or an interface has changed."""
        for place in [place for place in self._blocked if state.admits(*place)]:
            self._blocked.discard(place)
            self._deadlines.set(place, now)

    def next_deadline(self) -> float | None:
        """Return when the next candidate is due."""
        at = self._deadlines.next()
        return None if at is None else max(at, self._next_burst)

    def due(self, state: State, now: float) -> list[Decision]:
        """Return the lookups of the next few candidates that are due."""
        result: list[Decision] = []
        if now < self._next_burst:
            return result
        while len(result) < LOOKUPS_PER_BURST and (place := self._deadlines.pop(now)) is not None:
            if (decision := self._look_up(state, place, now)) is not None:
                result.append(decision)
        if result:
            self._next_burst = now + BURST_INTERVAL_S
        return result

    def _look_up(self, state: State, place: _Place, now: float) -> Decision | None:
        address, dev = place
        candidate = self._candidates[place]
        host, admitted = state.hosts.get(address), state.admits(address, dev)
        candidate.late |= not admitted and not candidate.lookups
        claimed: Host | None = None
        if host is not None and host.dev != dev and not host.pinned and candidate.may_be_claimed:
            host, claimed = None, host
        if now >= candidate.drop_at or (
            host is not None and (not host.state.probe_pending or candidate.reason is Reason.ECHO)
        ):
            del self._candidates[place]
            self._blocked.discard(place)
            return None
        if host is not None:  # it is being verified
            self._deadlines.set(place, min(now + _ANSWER_TIMEOUT_S, candidate.drop_at))
            return None
        if not admitted:
            self._blocked.add(place)
            self._deadlines.set(place, candidate.drop_at)
            return None
        self._blocked.discard(place)
        if claimed is not None:
            claimed.last_move, candidate.late = Move(now, dev), False
        if candidate.reason is not Reason.ECHO and candidate.lookups < len(_RETRY_DELAYS_S):
            self._deadlines.set(place, now + _RETRY_DELAYS_S[candidate.lookups])
        else:
            candidate.drop_at = now + _ANSWER_TIMEOUT_S
            self._deadlines.set(place, candidate.drop_at)
        candidate.lookups += 1
        # To the multicast group: the host may have another link-layer address now.
        return Decision(
            DecisionKind.LOOKUP_STARTED, candidate.reason, address, dev, actions=[Probe(address, dev, None)]
        )


def to_remember(state: State, candidates: Candidates, before: Memory, now: float) -> Memory:
    """Return the link on which each host has answered, for the next run; *before* is what the last call or run knew."""
    hosts = [it for it in state.hosts if not it.state.configured and not state.first_sights.undecided(state, it)]
    known = {host.address: (dev, host.lladdr) for host in hosts if (dev := host.answered_on(now)) is not None}
    # The last run's link stays for a host that has not answered yet (or not again), and for one that could not answer.
    lasting, blocked = {host.address for host in hosts} | set(candidates.remembered()), candidates.blocked()
    retained = {address: where for address, where in before.items() if address in lasting}
    return retained | {a: where for a, where in known.items() if a not in retained or a not in blocked}
