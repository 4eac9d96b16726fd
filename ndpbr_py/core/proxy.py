"""NdProxy: events -> decisions.  What is known is in its State; each kind of event has its judgement in a file beside.

Pure: the time is told, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from ndpbr_py.core import links, neighbors, reconcile, rejoin, solicitations
from ndpbr_py.core.actions import AddProxy, AddRoute, Probe, Refresh, Rejoin
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.events import (
    ActionRefused,
    Event,
    HostsSuggested,
    KernelRead,
    LinkChanged,
    LinkDeleted,
    LooksDue,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    ReadStarted,
    Refusal,
    SolicitationHeard,
    SweepDue,
    Tick,
)
from ndpbr_py.core.expiry import Rounds
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.policy import Reason
from ndpbr_py.core.sought import Sought
from ndpbr_py.core.state import Rules, State

_PART = 256  # hosts; what takes some 2 ms


class NdProxy(State):
    """What is known, and what follows from each event."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._rounds = Rounds(rules.expire_interval)
        self.sought = Sought()
        self._rejoins = Rounds(rules.refresh_interval) if rules.refresh_interval is not None else None

    def handle(self, event: Event, now: float) -> Sequence[Decision]:
        """Return what follows from *event* at *now* (seconds, monotonic)."""
        match event:
            case NeighborChanged() | NeighborDeleted():
                if event.dev not in self.rules.interfaces:
                    return ()
                if self.heard is not None:
                    self.heard.add(event.address)
                if isinstance(event, NeighborChanged):
                    decisions = neighbors.changed(self, event, now)
                    if self.placement.open and event.address in self.placement.open:
                        return [*decisions, *solicitations.answered(self, event)]
                    return decisions
                return neighbors.deleted(self, event)
            case Tick():
                return self._tick(now)
            case SolicitationHeard():
                return solicitations.heard(self, event, now)
            case LooksDue():
                return solicitations.due(self, now)
            case ReadStarted():
                self.heard, self.acted, self.heard_links = set(), set(), {}
            case KernelRead():
                return [decision for part in self.judge(event, now) for decision in part]
            case LinkChanged() | LinkDeleted():
                return links.decisions(self, event)
            case ActionRefused():
                return self._refused(event)
            case HostsSuggested():
                self.sought.add(event, self.rules.max_hosts, now)
            case SweepDue():
                return self.sought.asked(self, now)
        return ()

    def judge(self, kernel: KernelRead, now: float, part: int = _PART) -> Iterator[list[Decision]]:
        """Yield what follows from a reading, *part* hosts at a time: other events may be told in between.

        They are newer than the reading.  It must be gone through to its end before the next begins.
        """
        heard, self.heard = self.heard if self.heard is not None else set(), None
        judged = reconcile.decisions(self, kernel, heard, self.acted, now)
        while decisions := list(islice(judged, part)):
            self.heard = heard
            yield list(chain.from_iterable(decisions))
            self.heard = None

    def _tick(self, now: float) -> list[Decision]:
        looks = [self._look(host) for host in self._rounds.due(self.hosts, now) if self._silent(host, now)]
        if self._rejoins is None or self.heard is not None:
            return looks  # a reading under way might find entries just while they are out: their turn comes after it
        return looks + rejoin.decisions(self, list(self._rejoins.due(self.hosts, now)))

    def _refused(self, event: ActionRefused) -> list[Decision]:
        action = event.action
        if isinstance(action, Rejoin):
            # Some may be out: the kernel's tables tell which.
            why = Reason.REFUSED
            return [Decision(What.KEPT, why, action.addresses[0], action.dev, actions=[Refresh()], note=event.text)]
        if not isinstance(action, AddRoute | AddProxy | Probe) or (host := self.hosts.get(action.address)) is None:
            return []
        if isinstance(action, Probe):
            # An ip(8) before 5.16 cannot ask without an lladdr: then there is no second try.
            hopeless = host.doubts and action.lladdr is None and action.dev == host.dev in self.placement.usable
            return [self.forget(host, Reason.FAILED)] if hopeless else []
        if event.why is Refusal.EXISTS:
            # Ours from before, or another program's: the kernel's tables tell.
            return [host.decision(What.KEPT, Reason.REFUSED, [Refresh()], note=event.text)]
        host.blocked = True
        return [host.decision(What.REFUSED, Reason.REFUSED, self.converge(host), note=event.text)]

    def _silent(self, host: Host, now: float) -> bool:
        if host.static or host.state in (NudState.REACHABLE, NudState.PERMANENT):
            return False
        return now - host.confirmed >= self.rules.expire_interval

    def _look(self, host: Host) -> Decision:
        return host.decision(What.DOUBTED, Reason.EXPIRED, [Probe(host.address, host.dev, host.lladdr)])
