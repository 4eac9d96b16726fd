"""A change of the neighbor cache -> decisions about the host.

Pure. The rule: learn at first sight, verify immediately, and believe the owner of an address until it is silent. What
follows from an answer or from silence is in the table of host_states.py; here the evidence is found, and carried out.
"""

from __future__ import annotations

from typing import assert_never

from ndpbr_py.core.actions import Action, Probe
from ndpbr_py.core.address import link_local
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import NeighborChanged, NeighborDeleted, NudState
from ndpbr_py.core.host_states import TRANSITIONS, Effect, Evidence, HostState
from ndpbr_py.core.hosts import NOT_LOOKED_UP, SETTLE_S, Claimant, Host, Move
from ndpbr_py.core.state import State
from ndpbr_py.core.verdicts import VERDICTS, Verdict

_MIN_ABSENCE_S = 600.0  # a host of a full lladdr that was not seen for so long makes room for another
_MIN_SILENCE_S = 1.0  # until a probe has failed: the kernel solicits three times, RetransTimer (1 s) apart
_MAX_EARLY_FAILURES = 4  # within that time; `ip neigh flush` deletes what it finds in several rounds
_SILENCE_PER_FAILURE_S = _MIN_SILENCE_S / _MAX_EARLY_FAILURES  # a failure that comes sooner counts as so much silence
# The states in which the next silence of a host has it forgotten or moved.
_ON_TRIAL = frozenset(
    state
    for state, steps in TRANSITIONS.items()
    if Evidence.SILENT in steps and steps[Evidence.SILENT].effect is not Effect.PROBE_GROUP
)
_PROBE_INTERVAL_S = 1.0  # of one host because of its lladdr: each sighting would probe all its addresses


def changed(state: State, event: NeighborChanged, now: float) -> list[Decision]:
    """Return what follows from a new or changed entry."""
    host = state.hosts.get(event.address)
    verdict = VERDICTS[event.state]
    if verdict is Verdict.GONE:
        if state.routers.get(event.address) == event.dev:
            del state.routers[event.address]
        return _silent(state, host, event, now) if host is not None else []
    if verdict is Verdict.NOTHING or event.lladdr is None:
        return []
    # A host where it is known to be says nothing about others: one machine may have two ports on these links.
    known = host is not None and (host.dev, host.lladdr) == (event.dev, event.lladdr)
    others = [] if known else lladdr_elsewhere(state, event, event.lladdr, now)
    if link_local(event.address):
        return others
    if event.router and verdict is Verdict.PRESENT and not may_be_anothers(state, host, event, now):
        state.record_router(event.address, event.dev)
    if host is None:
        return others + _learned(state, event, event.lladdr, now)
    if host.dev == event.dev:
        return others + _seen_again(state, host, event, event.lladdr, now)
    return others + _elsewhere(state, host, event, event.lladdr, now)


def may_be_anothers(state: State, host: Host | None, event: NeighborChanged, now: float) -> bool:
    """Whether another host than the owner of the address may have answered: the owner is or was elsewhere."""
    if host is None:
        return bool(state.remembered) and state.remembered.get(event.address, event.dev) != event.dev
    return host.dev != event.dev or host.unsettled_move(now) is not None


def deleted(state: State, event: NeighborDeleted, now: float) -> list[Decision]:
    """Return what follows from an entry that left the cache: the host stays.

    The kernel collects garbage, or another program has deleted the entry. Then the kernel first reported FAILED, which
    was no silence of the host: it has the time for an answer from now on.
    """
    host = state.hosts.get(event.address)
    if host is None:
        return []
    if host.dev != event.dev:
        if (move := host.unsettled_move(now)) is not None and move.previous_dev == event.dev:
            host.last_move = Move(now, event.dev)
        return []
    host.nud = NudState.NONE
    if host.claimant is not None:
        host.probed_at = now
    retained = host.decision(DecisionKind.RETAINED, Reason.EVICTED)
    return [retained, *_follow(state, host, Evidence.ENTRY_DELETED, now)]


def events_missed(state: State, now: float) -> None:
    """Give hosts that are probed on an old or a contested link the time for an answer from now on.

    Another program may have deleted the entry that was probed. Then the failure that is reported next is no silence.
    """
    for host in state.hosts:
        if host.last_move is not None and host.last_move.previous_dev is not None:
            host.last_move = Move(now, host.last_move.previous_dev)
        if host.claimant is not None:
            host.probed_at = now


def lladdr_elsewhere(state: State, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    """Return what follows for hosts whose lladdr was seen on another link: they may have moved there."""
    result = []
    for host in state.hosts.elsewhere(lladdr, event.dev):
        if host.address != event.address and not host.pinned and now - host.probed_at >= _PROBE_INTERVAL_S:
            result += _follow(state, host, Evidence.LLADDR_ELSEWHERE, now, seen_on=event.dev)
    return result


def _follow(
    state: State,
    host: Host,
    evidence: Evidence,
    now: float,
    claimant: Claimant | None = None,
    seen_on: str | None = None,
) -> list[Decision]:
    """Carry out the transition of *host*, if *evidence* leads to one."""
    step = TRANSITIONS[host.state].get(evidence)
    if step is None:
        return []
    before, contested = host.claimant, step.state in (HostState.CONTESTED, HostState.CONTESTED_UNVERIFIED)
    first_answer = not host.state.has_answered
    if step.state is not None:
        state.hosts.set_state(host, step.state, (claimant or before) if contested else None)
    match step.effect:
        case Effect.NONE:
            return []
        case Effect.VERIFY:
            return [host.decision(DecisionKind.VERIFIED, step.reason)]
        case Effect.SETTLE:
            verified = [host.decision(DecisionKind.VERIFIED, Reason.REACHABLE)] if first_answer else []
            host.lladdr_forged |= before is not None and before.lladdr == host.lladdr
            if before is None or state.first_sights.answers_for_others(before.dev, before.lladdr):
                return verified
            if not state.conflicts.claim(host.address, before.lladdr, before.dev, now):
                return verified
            return [host.conflict(step.reason, before.lladdr, before.dev), *verified]
        case Effect.PROBE:
            host.probed_at = now
            probe = Probe(host.address, host.dev, host.lladdr)
            return [host.decision(DecisionKind.PROBED, step.reason, [probe], Detail(seen_on=seen_on))]
        case Effect.PROBE_GROUP:
            host.lladdr_unproven = False
            return [host.decision(DecisionKind.PROBED, step.reason, [Probe(host.address, host.dev, None)])]
        case Effect.MOVE:
            assert before is not None, f"a contested host has a claimant, got {host}"
            return [state.move(host, before.dev, before.lladdr, step.reason, now)]
        case Effect.FORGET:
            return [state.forget(host, step.reason, now)]
        case _:
            assert_never(step.effect)


def _learned(state: State, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    present = VERDICTS[event.state] is Verdict.PRESENT
    objection = state.objection(event.address, event.dev)
    room: list[Decision] = []
    if objection is None:
        objection, room = _room(state, event.dev, lladdr, present, now)
    if objection is not None:
        if state.snapshot is not None:
            state.snapshot.changed_during.discard(event.address)  # the snapshot may bring the prefix of this address
        if objection is Reason.RESERVED and event.state is NudState.REACHABLE:
            return state.first_sights.decoy_answered(event)
        return _ignored(state, event, objection, now)
    host = Host(event.address, event.dev, lladdr, event.state, now, learned=now)
    host.installed = state.on_demand.pop(event.address)
    known = bool(state.remembered) and host.address in state.remembered  # hashing an address is slow
    recalled = state.recall(host, now) if known else []
    if present:
        host.state = HostState.VERIFIED
    if not known and state.rules.can_resolve and event.state is not NudState.PERMANENT:
        host.looked_up_at = NOT_LOOKED_UP  # the next tick looks it up: its entries come first
    host.lladdr_unproven = known and not present
    state.hosts.add(host)
    actions: list[Action] = [*state.converge(host), *recalled]
    reason = Reason.FIRST_SIGHT
    if present:
        reason = Reason.PERMANENT if event.state is NudState.PERMANENT else Reason.REACHABLE
    else:
        actions.append(Probe(host.address, host.dev, lladdr))
    if (departure := state.departed.pop(host.address, now)) is None:
        return [*room, host.decision(DecisionKind.LEARNED, reason, actions)]
    away_s, before = round(now - departure.last_seen), departure.dev if departure.dev != host.dev else None
    learned = host.decision(
        DecisionKind.LEARNED,
        reason,
        actions,
        Detail(from_dev=before, returned=True, away_s=away_s, solicited=departure.solicited),
    )
    return [*room, learned]


def _ignored(state: State, event: NeighborChanged, objection: Reason, now: float) -> list[Decision]:
    """Ignore a claim. A router that has the address is probed where it was seen: its silence removes the record.

    Where one host of a full lladdr may make room, the claimant is probed: only one that answers gets its place.
    """
    address, dev, lladdr = event.address, event.dev, event.lladdr
    ignored = Decision(DecisionKind.IGNORED, objection, address, dev, lladdr, event.state)
    if state.lookups.recently_probed(address, now):
        return [ignored]
    if objection is Reason.LLADDR_FULL and lladdr is not None and _absent(state, lladdr, dev, now) is not None:
        if not state.lookups.allows(dev, lladdr, address, 1, now):
            return [ignored]
        verify = [Probe(address, dev, lladdr)]
        return [ignored, Decision(DecisionKind.PROBED, objection, address, dev, lladdr, actions=verify)]
    if objection is not Reason.ROUTER or not state.rules.can_resolve:
        return [ignored]
    host, link = state.hosts.get(address), state.routers[address]
    if (host is not None and host.pinned) or not state.lookups.allows(dev, lladdr, address, 1, now):
        return [ignored]
    probe, why = [Probe(address, link, None)], Reason.CLAIMED_ELSEWHERE
    return [ignored, Decision(DecisionKind.PROBED, why, address, link, actions=probe, detail=Detail(seen_on=dev))]


def _room(state: State, dev: str, lladdr: str, present: bool, now: float) -> tuple[Reason | None, list[Decision]]:
    """Return an objection if there is no room, or the decision that made room."""
    rules, hosts = state.rules, state.hosts
    if hosts.count_with_lladdr(lladdr, dev) >= rules.max_hosts_per_lladdr:
        evicted = _absent(state, lladdr, dev, now)
        if evicted is None or not present:
            return Reason.LLADDR_FULL, []
        return None, [state.forget(evicted, Reason.LLADDR_FULL, now)]
    share = max(1, rules.max_hosts // max(1, len(state.desired.usable)))
    # A flood of claims gets no more than its link's share of the places.
    if not present and hosts.count_unanswered(dev) >= share:
        return Reason.FULL, []
    if len(hosts) < rules.max_hosts:
        return None, []
    if hosts.count_on(dev) < share and (evicted := hosts.largest(share)) is not None:
        return None, [state.forget(evicted, Reason.FULL, now)]
    evicted = hosts.eviction_candidate()
    if evicted is not None and evicted.dev != dev and hosts.count_on(evicted.dev) <= share:
        return Reason.FULL, []
    if evicted is None or (not present and evicted.dev == dev):
        return Reason.FULL, []
    return None, [state.forget(evicted, Reason.FULL, now)]


def _absent(state: State, lladdr: str, dev: str, now: float) -> Host | None:
    """Return the host of a full lladdr that makes room for a verified one. A host that answers never does."""
    host = state.hosts.least_recently_seen(lladdr, dev, now)
    return host if host is not None and now - host.last_seen(now) >= _MIN_ABSENCE_S else None


def _seen_again(state: State, host: Host, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    """The host is seen on its link."""
    before, host.nud = host.nud, event.state
    old = host.lladdr
    if lladdr != old:
        state.hosts.set_lladdr(host, lladdr)
        host.lladdr_unproven = True
    changes = _lladdr_changed(state, host, old, now) if old is not None and old != lladdr else []
    if VERDICTS[event.state] is Verdict.PRESENT:
        host.confirmed, host.lladdr_unproven = now, False
        return changes + _follow(state, host, Evidence.ANSWERED, now)
    if before is NudState.REACHABLE:
        host.confirmed = now  # it was present until its reachable time ran out
    return changes


def _lladdr_changed(state: State, host: Host, old: str, now: float) -> list[Decision]:
    """The kernel accepted another lladdr on the link: the host has a new one, or two hosts use its address."""
    previous, host.previous_lladdr = host.previous_lladdr, old
    if previous == host.lladdr:
        known = host.address in state.conflicts
        state.conflicts.claim(host.address, old, host.dev, now)
        if not known:
            return [host.conflict(Reason.LLADDR_CHANGED, old, host.dev)]
    return [host.decision(DecisionKind.RETAINED, Reason.LLADDR_CHANGED, detail=Detail(old_lladdr=old))]


def _elsewhere(state: State, host: Host, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    """The address of the host is seen on another link: the host has moved, or another host claims its address."""
    moved = host.unsettled_move(now)
    is_old_link = moved is not None and moved.previous_dev == event.dev
    if not is_old_link and (answered := state.first_sights.answered(state, host, event, now)) is not None:
        return answered
    if (objection := state.objection(event.address, event.dev)) is not None:
        return _ignored(state, event, objection, now)
    if host.nud is NudState.PERMANENT:
        return []
    if is_old_link and event.state is NudState.PROBE:
        return []  # our own probe of the old link
    if is_old_link and VERDICTS[event.state] is Verdict.PRESENT:
        # It never moved: another host used its lladdr, or claimed the address while ndpbr did not run.
        return owner_answered(state, host, event, lladdr, now)
    return claimed(state, host, event, lladdr, now)


def owner_answered(state: State, host: Host, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    """Give the address back to its owner, which has answered on another link than that of *host*."""
    host.lladdr_forged, other, forger = True, host.dev, host.lladdr
    move = state.move(host, event.dev, lladdr, Reason.OWNER_ANSWERS, now)
    host.nud = event.state
    state.conflicts.claim(host.address, forger or "", other, now)
    return [host.conflict(Reason.OWNER_ANSWERS, forger, other), move]


def claimed(state: State, host: Host, event: NeighborChanged, lladdr: str, now: float) -> list[Decision]:
    """Return what follows when a host on another link uses the address, whether with the same lladdr or another one."""
    moved = host.unsettled_move(now)
    # An lladdr that is new on the host's link may be forged there, too.
    trusted = not host.lladdr_forged and not (host.lladdr_unproven and host.state.has_answered)
    if moved is None and lladdr == host.lladdr and trusted:
        return [state.move(host, event.dev, lladdr, Reason.SAME_LLADDR, now)]
    if host.dev not in state.desired.usable:
        return [state.move(host, event.dev, lladdr, Reason.OWNER_UNREACHABLE, now)]
    if host.claimant is not None and now - host.probed_at < SETTLE_S:
        return []
    return _follow(state, host, Evidence.CLAIMED_ELSEWHERE, now, Claimant(event.dev, lladdr), event.dev)


def _silent(state: State, host: Host, event: NeighborChanged, now: float) -> list[Decision]:
    """The kernel got no answer from the address on a link."""
    if host.dev == event.dev:
        host.nud = event.state
        claimed = host.claimant is not None or host.address in state.desired.withheld
        if host.dev in state.down_since and not claimed:
            return []  # without carrier no host can answer
        if host.state in _ON_TRIAL and not _conclusive(host, now):
            host.probed_at = now if host.lladdr_unproven else host.probed_at - _SILENCE_PER_FAILURE_S
            host.lladdr_unproven = False
            probe = [Probe(host.address, host.dev, None)]
            return [host.decision(DecisionKind.PROBED, Reason.ONE_MORE_TRY, probe)]
        return _follow(state, host, Evidence.SILENT, now)
    move = host.last_move
    if move is not None and move.previous_dev == event.dev and event.dev not in state.down_since:
        if now - move.at < _MIN_SILENCE_S:
            host.last_move = Move(move.at - _SILENCE_PER_FAILURE_S, event.dev)
            return [host.decision(DecisionKind.PROBED, Reason.ONE_MORE_TRY, [Probe(host.address, event.dev, None)])]
        # No host is there: an answer that comes later is a claim, however soon after the move.
        host.last_move = Move(move.at, None)
    # Silence on another link says nothing else about the host, only about its claimant.
    if host.claimant is not None and host.claimant.dev == event.dev:
        return _follow(state, host, Evidence.CLAIMANT_SILENT, now)
    return []


def _conclusive(host: Host, now: float) -> bool:
    """Whether the failed entry of a host that is probed says that it is silent.

    The probe may not have reached it. That of a contested host may not have ended yet: an entry was deleted.
    """
    return not host.lladdr_unproven and (host.claimant is None or now - host.probed_at >= _MIN_SILENCE_S)
