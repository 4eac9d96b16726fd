"""NdProxy: events -> decisions.  What is known is in its State; each kind of event has its judgement in a file beside.

Pure: the time is told, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from ndpbr_py.core import link_changes, mld_refresh, neighbors, reconcile, solicitations
from ndpbr_py.core.actions import AddProxy, AddRoute, Probe, RejoinGroup, RequestResync
from ndpbr_py.core.candidates import Candidates
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import (
    ActionRefused,
    CandidatesDue,
    CandidatesFound,
    Event,
    KernelSnapshot,
    LinkChanged,
    LinkDeleted,
    LookupsDue,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    Refusal,
    SnapshotStarted,
    SolicitationReceived,
    Tick,
)
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.schedule import RoundRobin
from ndpbr_py.core.state import Rules, State

_PART = 256  # hosts; what takes some 2 ms


class NdProxy(State):
    """What is known, and what follows from each event."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._rounds = RoundRobin(rules.expire_interval)
        self.candidates = Candidates()
        self._rejoins = RoundRobin(rules.refresh_interval) if rules.refresh_interval is not None else None

    def handle(self, event: Event, now: float) -> Sequence[Decision]:
        """Return what follows from *event* at *now* (seconds, monotonic)."""
        match event:
            case NeighborChanged() | NeighborDeleted():
                if event.dev not in self.rules.interfaces:
                    return ()
                if self.changed_during is not None:
                    self.changed_during.add(event.address)
                if isinstance(event, NeighborChanged):
                    decisions = neighbors.changed(self, event, now)
                    if self.desired.withheld and event.address in self.desired.withheld:
                        return [*decisions, *solicitations.answered(self, event)]
                    return decisions
                return neighbors.deleted(self, event)
            case Tick():
                return self._tick(now)
            case SolicitationReceived():
                return solicitations.heard(self, event, now)
            case LookupsDue():
                return solicitations.due(self, now)
            case SnapshotStarted():
                self.changed_during, self.acted_during, self.links_during = set(), set(), {}
            case KernelSnapshot():
                return [decision for part in self.reconcile(event, now) for decision in part]
            case LinkChanged() | LinkDeleted():
                return link_changes.decisions(self, event)
            case ActionRefused():
                return self._refused(event)
            case CandidatesFound():
                self.candidates.add(event, self.rules.max_hosts, now)
            case CandidatesDue():
                return self.candidates.asked(self, now)
        return ()

    def reconcile(self, kernel: KernelSnapshot, now: float, part: int = _PART) -> Iterator[list[Decision]]:
        """Yield what follows from a reading, *part* hosts at a time: other events may be told in between.

        They are newer than the reading.  It must be gone through to its end before the next begins.
        """
        heard, self.changed_during = self.changed_during if self.changed_during is not None else set(), None
        judged = reconcile.decisions(self, kernel, heard, self.acted_during, now)
        while decisions := list(islice(judged, part)):
            self.changed_during = heard
            yield list(chain.from_iterable(decisions))
            self.changed_during = None

    def _tick(self, now: float) -> list[Decision]:
        looks = [self._look(host) for host in self._rounds.due(self.hosts, now) if self._silent(host, now)]
        if self._rejoins is None or self.changed_during is not None:
            return looks  # a reading under way might find entries just while they are out: their turn comes after it
        return looks + mld_refresh.decisions(self, list(self._rejoins.due(self.hosts, now)))

    def _refused(self, event: ActionRefused) -> list[Decision]:
        action = event.action
        if isinstance(action, RejoinGroup):
            # Some may be out: the kernel's tables tell which.
            why = Reason.REFUSED
            return [
                Decision(
                    DecisionKind.RETAINED,
                    why,
                    action.addresses[0],
                    action.dev,
                    actions=[RequestResync()],
                    detail=event.text,
                )
            ]
        if not isinstance(action, AddRoute | AddProxy | Probe) or (host := self.hosts.get(action.address)) is None:
            return []
        if isinstance(action, Probe):
            # An ip(8) before 5.16 cannot ask without an lladdr: then there is no second try.
            hopeless = host.failed_probes and action.lladdr is None and action.dev == host.dev in self.desired.usable
            return [self.forget(host, Reason.FAILED)] if hopeless else []
        if event.why is Refusal.EXISTS:
            # Ours from before, or another program's: the kernel's tables tell.
            return [host.decision(DecisionKind.RETAINED, Reason.REFUSED, [RequestResync()], detail=event.text)]
        host.blocked = True
        return [host.decision(DecisionKind.REFUSED, Reason.REFUSED, self.converge(host), detail=event.text)]

    def _silent(self, host: Host, now: float) -> bool:
        if host.static or host.state in (NudState.REACHABLE, NudState.PERMANENT):
            return False
        return now - host.confirmed >= self.rules.expire_interval

    def _look(self, host: Host) -> Decision:
        return host.decision(DecisionKind.PROBED, Reason.EXPIRED, [Probe(host.address, host.dev, host.lladdr)])
