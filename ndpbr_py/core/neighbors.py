"""A line of the neighbor cache -> what it means for the host behind it.

Pure.  The rule: learn at first sight, verify at once, believe the owner of an address until it is silent.
"""

from __future__ import annotations

from ndpbr_py.core.actions import Action, Probe
from ndpbr_py.core.address import link_local
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import NeighborChanged, NeighborDeleted, NudState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State
from ndpbr_py.core.verdicts import VERDICTS, Verdict

_SETTLING = 10.0  # s: a host that moved that lately is asked where it is before it is moved again
_ANSWERED = 1.0  # s: a host that has answered since it was asked that lately is where it was


def changed(state: State, event: NeighborChanged, now: float) -> list[Decision]:
    """Return what follows from an entry that is new or has changed."""
    host = state.hosts.get(event.address)
    verdict = VERDICTS[event.state]
    if verdict is Verdict.GONE:
        if state.routers.get(event.address) == event.dev:
            del state.routers[event.address]
        return _gone(state, host, event, now) if host is not None else []
    if verdict is Verdict.NOTHING or event.lladdr is None:
        return []
    # The same lladdr where its host is known to be is no news of others: a machine may have two of its ports here.
    known = host is not None and (host.dev, host.lladdr) == (event.dev, event.lladdr)
    others = [] if known else roamers(state, event, event.lladdr, now)
    if link_local(event.address):
        return others
    if event.router and verdict is Verdict.PRESENT and (host is None or host.dev == event.dev):
        state.record_router(event.address, event.dev)
    if host is None:
        return others + _learned(state, event, event.lladdr, now)
    if host.dev == event.dev:
        return others + _heard_again(state, host, event, event.lladdr, now)
    return others + _elsewhere(state, host, event, event.lladdr, now)


def deleted(state: State, event: NeighborDeleted) -> list[Decision]:
    """Return what follows from an entry that left the cache: nothing, the kernel only collects garbage."""
    host = state.hosts.get(event.address)
    if host is None or host.dev != event.dev:
        return []
    host.state = NudState.NONE
    return [host.decision(DecisionKind.RETAINED, Reason.EVICTED)]


def _learned(state: State, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    present = VERDICTS[event.state] is Verdict.PRESENT
    objection = state.objection(event.address, event.dev)
    room: list[Decision] = []
    if objection is None:
        objection, room = _room(state, event.dev, lladdr, present)
    if objection is not None:
        if state.snapshot is not None:
            state.snapshot.changed.discard(event.address)  # the snapshot may bring the prefix of this address
        return [Decision(DecisionKind.IGNORED, objection, event.address, event.dev, lladdr, event.state)]
    host = Host(event.address, event.dev, lladdr, event.state, now, verified=present)
    state.hosts.add(host)
    actions: list[Action] = list(state.converge(host))
    if present:
        reason = Reason.PERMANENT if event.state is NudState.PERMANENT else Reason.REACHABLE
        return [*room, host.decision(DecisionKind.LEARNED, reason, actions)]
    actions.append(Probe(host.address, host.dev, lladdr))
    return [*room, host.decision(DecisionKind.LEARNED, Reason.FIRST_SIGHT, actions)]


def _room(state: State, dev: str, lladdr: str, present: bool) -> tuple[Reason | None, list[Decision]]:
    """Return an objection if there is no room, or the decision that made room."""
    rules, hosts = state.rules, state.hosts
    if hosts.count_with_lladdr(lladdr) >= rules.max_hosts_per_lladdr:
        return Reason.LLADDR_FULL, []
    # Whoever claims addresses by the thousand takes no more than his link's share of the places.
    if not present and hosts.unverified(dev) >= max(1, rules.max_hosts // len(rules.interfaces)):
        return Reason.FULL, []
    if len(hosts) < rules.max_hosts:
        return None, []
    unlikely = hosts.eviction_candidate()
    if unlikely is None or (not present and unlikely.dev == dev):
        return Reason.FULL, []
    return None, [state.forget(unlikely, Reason.FULL)]


def _heard_again(state: State, host: Host, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    before, host.state = host.state, event.state
    old = host.lladdr
    if lladdr != old:
        state.hosts.set_lladdr(host, lladdr)
    changes = _another_lladdr(host, old) if old is not None and old != lladdr else []
    if VERDICTS[event.state] is Verdict.PRESENT:
        return changes + _answered(state, host, now)
    if before is NudState.REACHABLE:
        host.confirmed = now  # it was there until its reachable time ran out
    return changes


def _another_lladdr(host: Host, old: str) -> list[Decision]:
    """The kernel, which knows RFC 4861, has another lladdr for a host on the same link: it moved, or two have it."""
    former, host.previous_lladdr = host.previous_lladdr, old
    if former == host.lladdr and host.conflict_reported_for not in (old, host.lladdr):
        host.conflict_reported_for = old
        return [host.decision(DecisionKind.CONFLICT, Reason.LLADDR_CHANGED, detail=Detail(old_lladdr=old))]
    return [host.decision(DecisionKind.RETAINED, Reason.LLADDR_CHANGED, detail=Detail(old_lladdr=old))]


def _answered(state: State, host: Host, now: float) -> list[Decision]:
    host.confirmed, host.failed_probes = now, 0
    decisions = []
    if host.claimant is not None:
        (_, lladdr), host.claimant = host.claimant, None
        if host.conflict_reported_for != lladdr:
            host.conflict_reported_for = lladdr
            decisions.append(
                host.decision(DecisionKind.CONFLICT, Reason.OWNER_ANSWERS, detail=Detail(claimed_by=lladdr))
            )
    if not host.verified:
        state.hosts.record_verification(host, True)
        decisions.append(host.decision(DecisionKind.VERIFIED, Reason.REACHABLE))
    return decisions


def _elsewhere(state: State, host: Host, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    if (objection := state.objection(event.address, event.dev)) is not None:
        return [Decision(DecisionKind.IGNORED, objection, event.address, event.dev, lladdr, event.state)]
    if host.state is NudState.PERMANENT:
        return []
    if host.previous_dev == event.dev and VERDICTS[event.state] is Verdict.PRESENT and now - host.moved < _SETTLING:
        # It never went away: somebody else spoke for it, with its own lladdr.
        host.conflict_reported_for = lladdr
        conflict = host.decision(
            DecisionKind.CONFLICT, Reason.OWNER_ANSWERS, detail=Detail(claimed_by=lladdr, seen_on=host.dev)
        )
        return [conflict, state.move(host, event.dev, lladdr, Reason.OWNER_ANSWERS, now)]
    if lladdr == host.lladdr and host.conflict_reported_for != lladdr and now - host.moved >= _SETTLING:
        return [state.move(host, event.dev, lladdr, Reason.SAME_LLADDR, now)]
    if host.dev not in state.desired.usable:
        return [state.move(host, event.dev, lladdr, Reason.OWNER_UNREACHABLE, now)]
    if host.claimant is not None and now - host.probed_at < _SETTLING:
        return []
    host.claimant, host.probed_at = (event.dev, lladdr), now
    probe = Probe(host.address, host.dev, host.lladdr)
    return [host.decision(DecisionKind.PROBED, Reason.CLAIMED_ELSEWHERE, [probe], Detail(seen_on=event.dev))]


def roamers(state: State, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    """A known lladdr shows up on another link: its hosts have moved there, or somebody says that they have."""
    result = []
    for host in state.hosts.elsewhere(lladdr, event.dev):
        if host.address == event.address or not host.verified or now - host.probed_at < _ANSWERED:
            continue
        if host.static or host.state is NudState.PERMANENT:
            continue  # a probe would make a common entry of it
        # One probe a sighting: until the answer comes the host is an unverified one.
        state.hosts.record_verification(host, False)
        host.probed_at = now
        probe = Probe(host.address, host.dev, lladdr)
        result.append(host.decision(DecisionKind.PROBED, Reason.LLADDR_ELSEWHERE, [probe], Detail(seen_on=event.dev)))
    return result


def _gone(state: State, host: Host, event: NeighborChanged, now: float) -> list[Decision]:
    if host.dev != event.dev:
        # A FAILED on one link says nothing about another; but whoever claimed the address there is gone.
        if host.claimant is not None and host.claimant[0] == event.dev:
            host.claimant = None
        return []
    host.state = event.state
    if host.static:
        return []
    if host.claimant is not None:
        (dev, lladdr), host.claimant = host.claimant, None
        return [state.move(host, dev, lladdr, Reason.OWNER_SILENT, now)]
    if host.verified and host.failed_probes == 0:
        host.failed_probes = 1
        # To the multicast group: the host may have another lladdr now.
        return [host.decision(DecisionKind.PROBED, Reason.ONE_MORE_TRY, [Probe(host.address, host.dev, None)])]
    return [state.forget(host, Reason.FAILED)]
