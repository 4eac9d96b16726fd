"""NdProxy: events -> decisions. Each kind of event is handled in a module of its own.

Pure: the time is passed in, in seconds of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import assert_never

from ndpbr_py.core import (
    duplicates,
    first_answers,
    link_changes,
    mld_refresh,
    neighbors,
    on_demand,
    reconcile,
    requested,
    solicitations,
    unresolved,
)
from ndpbr_py.core.actions import Action, AddProxy, AddRoute, Advertise, Probe, RejoinGroup
from ndpbr_py.core.candidates import Candidates
from ndpbr_py.core.corrections import Corrections
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import (
    ActionRefused,
    CandidatesFound,
    Event,
    EventsMissed,
    KernelSnapshot,
    LinkChanged,
    LinkDeleted,
    LookupRequested,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    Refusal,
    SnapshotStarted,
    SolicitationReceived,
    Tick,
)
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.schedule import RoundRobin
from ndpbr_py.core.state import Rules, SnapshotInProgress, State
from ndpbr_py.core.unresolved import OwnProbes

_HOSTS_PER_PART = 256  # reconciled in about 2 ms, for which a first packet has to wait


class NdProxy(State):
    """The state of the proxy, and its one entry point for events."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._expiry = RoundRobin(rules.expire_interval_s)
        self.candidates = Candidates()
        self._own_probes = OwnProbes()
        self._corrections = Corrections()
        self._rejoins = RoundRobin(rules.refresh_s) if rules.refresh_s is not None else None

    def handle(self, event: Event, now: float) -> Sequence[Decision]:
        """Return the decisions that follow from *event* at *now*."""
        decisions = self._decisions(event, now)
        if decisions:
            decisions = self._recorded(decisions, now)
            if self.snapshot is not None:
                self.snapshot.record(decisions)
        return decisions

    def _recorded(self, decisions: Sequence[Decision], now: float) -> Sequence[Decision]:
        """Return *decisions* with the advertisements that belong to them; record what is needed later."""
        result = list(decisions)
        for place, decision in enumerate(decisions):
            self._corrections.record(decision, now)
            answers: list[Action] = []
            for action in decision.actions:
                if isinstance(action, AddProxy):
                    answers += self.waiting.answers_after(action, now)
                elif isinstance(action, Probe):
                    self._own_probes.record(action, now)
            if answers:
                result[place] = replace(decision, actions=[*decision.actions, *answers])
        return result

    def _decisions(self, event: Event, now: float) -> Sequence[Decision]:
        match event:
            case NeighborChanged() | NeighborDeleted():
                if event.dev not in self.rules.interfaces:
                    return ()
                if self.snapshot is not None:
                    self.snapshot.changed_during.add(event.address)
                if isinstance(event, NeighborChanged):
                    failed = event.state is NudState.FAILED
                    known = failed and event.address in self.hosts
                    decisions: Sequence[Decision] = duplicates.denied(self, event, now)
                    decisions = decisions or neighbors.changed(self, event, now)
                    if failed:
                        more = unresolved.decisions(self, self._own_probes, event, now, known=known)
                        decisions = [*decisions, *more]
                    if self.desired.withheld and event.address in self.desired.withheld:
                        return [*decisions, *solicitations.answered(self, event)]
                    return decisions
                return neighbors.deleted(self, event, now)
            case SolicitationReceived():
                return solicitations.received(self, event, now)
            case LookupRequested():
                return requested.lookup(self, event.address, now)
            case Tick():
                return self._tick(now)
            case EventsMissed():
                neighbors.events_missed(self, now)
                return ()
            case SnapshotStarted():
                self.snapshot = SnapshotInProgress()
                return ()
            case KernelSnapshot():
                return list(chain.from_iterable(self._reconciled(event, now, _HOSTS_PER_PART)))
            case LinkChanged() | LinkDeleted():
                decisions = link_changes.decisions(self, event, now)
                if event.dev in self.rules.interfaces:
                    self.candidates.retry_blocked(self, now)
                return decisions
            case ActionRefused():
                return self._refused(event, now)
            case CandidatesFound():
                self.candidates.add(event, self.rules.max_hosts, now)
                return ()
            case _:
                assert_never(event)

    def next_deadline(self) -> float | None:
        """Return when the next `Tick` is due; None: never."""
        deadlines = (
            self.lookups.next_deadline(),
            self.candidates.next_deadline(),
            self._expiry.next_deadline(),
            self._corrections.next_deadline(),
            self.on_demand.next_deadline(),
            self.conflicts.next_deadline(),
            self.first_sights.next_deadline(self),
            self._rejoins.next_deadline() if self._rejoins is not None and self.snapshot is None else None,
        )
        return min((at for at in deadlines if at is not None), default=None)

    def may_advertise(self, action: Advertise) -> bool:
        """Whether the address is still proxied where *action* says: its host may have moved since."""
        if (action.address, action.dev) in self.on_demand:
            return True
        host = self.hosts.get(action.address)
        if host is None:
            return action.destination is None and self.is_next_hop_elsewhere(action.address, action.dev)
        return action.dev in host.installed.proxies

    def reconcile(
        self, snapshot: KernelSnapshot, now: float, part: int = _HOSTS_PER_PART
    ) -> Iterator[Sequence[Decision]]:
        """Yield what follows from *snapshot*, *part* hosts at a time.

        Other events may be handled in between; they are newer than the snapshot. The iterator must be exhausted before
        the next snapshot starts.
        """
        return (self._recorded(decisions, now) for decisions in self._reconciled(snapshot, now, part))

    def _reconciled(self, snapshot: KernelSnapshot, now: float, part: int) -> Iterator[list[Decision]]:
        if self.snapshot is None:
            self.snapshot = SnapshotInProgress()
        self._corrections.on_snapshot(snapshot, now)
        decisions = reconcile.decisions(self, snapshot, self.snapshot, now)
        while group := list(islice(decisions, part)):
            yield list(chain.from_iterable(group))
        self.snapshot = None
        self.candidates.retry_blocked(self, now)

    def _tick(self, now: float) -> list[Decision]:
        decisions = solicitations.due(self, now)
        for host in self._expiry.due(self.hosts, now):
            decisions += self._expired(host, now)
        # A snapshot in progress might be taken while the entries are removed: the hosts get their turn after it.
        if self._rejoins is not None and self.snapshot is None:
            decisions += mld_refresh.decisions(self, list(self._rejoins.due(self.hosts, now)))
        decisions += [*first_answers.due(self, now), *self.first_sights.lookups(self, now)]
        decisions += [*self._corrections.due(self, now), *on_demand.due(self, now)]
        return [*decisions, *self.conflicts.due(self.hosts, now), *self.candidates.due(self, now)]

    def _refused(self, event: ActionRefused, now: float) -> list[Decision]:
        action = event.action
        if isinstance(action, RejoinGroup):
            # Some of its entries may be missing: the kernel's tables tell which.
            kind, reason, address = DecisionKind.RETAINED, Reason.REFUSED, action.addresses[0]
            return [Decision(kind, reason, address, action.dev, detail=Detail(error=event.text), resync=True)]
        if isinstance(action, AddProxy):
            self.on_demand.remove(action.address, action.dev)
        if not isinstance(action, AddRoute | AddProxy | Probe) or (host := self.hosts.get(action.address)) is None:
            return []
        if isinstance(action, Probe):
            # An ip(8) before 5.16 cannot probe without a link-layer address: then there is no second try.
            hopeless = (
                host.state is HostState.RECHECKING
                and action.lladdr is None
                and action.dev == host.dev in self.desired.usable
            )
            return [self.forget(host, Reason.NO_ANSWER, now)] if hopeless else []
        installed = host.installed
        if action.dev != installed.route if isinstance(action, AddRoute) else action.dev not in installed.proxies:
            return []  # the refusal came too late: the host has moved
        if event.why is Refusal.EXISTS:
            # An entry of an earlier run, or another program's: the kernel's tables tell.
            return [host.decision(DecisionKind.RETAINED, Reason.REFUSED, detail=Detail(error=event.text), resync=True)]
        host.blocked = True
        actions, resync = self.converge(host), event.why is Refusal.NO_DEVICE
        return [host.decision(DecisionKind.REFUSED, Reason.REFUSED, actions, Detail(error=event.text), resync=resync)]

    def _expired(self, host: Host, now: float) -> list[Decision]:
        """Probe a host that has been silent; without carrier forget it."""
        interval_s = self.rules.expire_interval_s
        if host.pinned or host.nud is NudState.REACHABLE or now - host.confirmed < interval_s:
            return []
        if host.dev in self.desired.usable and now - self.down_since.get(host.dev, now) >= interval_s:
            return [self.forget(host, Reason.NO_CARRIER, now)]
        return [host.decision(DecisionKind.PROBED, Reason.EXPIRED, [Probe(host.address, host.dev, host.lladdr)])]
