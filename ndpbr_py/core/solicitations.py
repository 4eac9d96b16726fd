"""A solicitation heard on a link -> where the kernel is to look for its target.

Pure.  Hearing teaches nothing by itself: whoever answers the kernel is learned from its neighbor table, like any host.
Source: RFC 4861, 7.2 (resolution); RFC 4862, 5.4 (duplicate address detection); RFC 4429 (use before its end).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import assert_never

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import NeighborChanged, NudState, SolicitationReceived
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.lookups import Due, Step
from ndpbr_py.core.state import State

_DETECTED = 1.1  # s: RetransTimer, when detection has ended, and what a coarse clock adds
_PATIENCE = 0.5  # s for an owner to answer: a phone asleep needs two or three beacons
_OPEN = 10.0  # s; the owner is given up after 6


def received(state: State, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    """Return what follows from a solicitation: nothing, nearly always."""
    state.lookups.received += 1
    if event.dev not in state.desired.usable:
        return ()
    if event.source is None:
        return _detection(state, event, now)
    if event.target in state.hosts or state.lookups.recently_probed(event.target, now):
        return ()  # the kernel answers, or looks
    if not state.rules.can_resolve:
        return ()
    devs = [dev for dev in state.rules.interfaces if dev != event.dev and state.admits(event.target, dev)]
    if not devs:
        return ()
    if not state.lookups.allows(event.dev, event.lladdr, event.target, len(devs), now):
        return _left_out(state, event, now)
    probes = [Probe(event.target, dev, None) for dev in devs]
    return [
        Decision(
            DecisionKind.LOOKUP_STARTED,
            Reason.SOLICITED,
            event.target,
            event.dev,
            event.lladdr,
            actions=probes,
            detail=Detail(lookup_on=tuple(devs)),
        )
    ]


def due(state: State, now: float) -> list[Decision]:
    """Return what follows from the time that has come."""
    result = []
    for it in state.lookups.due(now):
        host = state.hosts.get(it.address)
        match it.step:
            case Step.LOOK_UP:
                result += _look(state, host, it, now)
            case Step.RESTORE_PROXY:
                if state.desired.withheld.get(it.address) == it.dev:
                    result += _restored(state, it.address, Reason.UNUSED)
            case Step.CHECK_OWNER:
                if host is not None and host.dev != it.dev and host.nud is not NudState.REACHABLE:
                    result.append(_opened(state, host, it.dev, now))
            case _:
                assert_never(it.step)
    return result


def answered(state: State, event: NeighborChanged) -> list[Decision]:
    """Return what follows when an address that was left open is heard of: its owner has it back when it answers."""
    host = state.hosts.get(event.address)
    if host is not None and (host.dev != event.dev or event.state is not NudState.REACHABLE):
        return []
    return _restored(state, event.address, Reason.OWNER_ANSWERS)


def _detection(state: State, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    """Somebody is about to use the target on this link, or, if he is careless, does so already."""
    target, dev, lladdr = event.target, event.dev, event.lladdr
    host = state.hosts.get(target)
    # A machine that comes to another link probes for its link-local address first: then there is time.
    suspects = state.hosts.elsewhere(lladdr, dev) if lladdr is not None else []
    if host is not None and host.dev != dev and host not in suspects:
        suspects.append(host)
    result = [decision for suspect in suspects for decision in _probed(state, suspect, event, now)]
    if not state.admits(target, dev) or (host is not None and host.dev == dev and not host.state.probe_pending):
        return result
    if (
        host is None
        and not state.lookups.recently_probed(target, now)
        and (lladdr is not None or state.rules.can_resolve)
    ):
        if not state.lookups.allows(dev, lladdr, target, 1, now):
            return [*result, *_left_out(state, event, now)]
        probe = Probe(target, dev, lladdr, new=True)
        result.append(
            Decision(
                DecisionKind.LOOKUP_STARTED,
                Reason.DETECTION,
                target,
                dev,
                lladdr,
                actions=[probe],
                detail=Detail(lookup_on=(dev,)),
            )
        )
    state.lookups.plan(Step.LOOK_UP, target, dev, now + _DETECTED)
    return result


def _probed(state: State, host: Host, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    """The host's owner is asked; until it answers, or not, the kernel defends the address."""
    if host.pinned or state.desired.withheld.get(host.address) == event.dev:
        return ()
    if state.lookups.recently_probed(host.address, now):
        return ()
    if not state.lookups.allows(event.dev, event.lladdr, host.address, 1, now):
        return _left_out(state, event, now)
    state.lookups.plan(Step.CHECK_OWNER, host.address, event.dev, now + _PATIENCE)
    probe = Probe(host.address, host.dev, host.lladdr)
    return [host.decision(DecisionKind.PROBED, Reason.DETECTION, [probe], Detail(seen_on=event.dev))]


def _opened(state: State, host: Host, dev: str, now: float) -> Decision:
    """The owner was silent: *dev* is left without a proxy entry, so that whoever is there passes detection."""
    state.desired.withheld[host.address] = dev
    state.lookups.plan(Step.LOOK_UP, host.address, dev, now + _DETECTED)
    state.lookups.plan(Step.RESTORE_PROXY, host.address, dev, now + _OPEN)
    return host.decision(
        DecisionKind.PROXY_WITHHELD, Reason.OWNER_SILENT, state.converge(host), Detail(withheld_on=dev)
    )


def _restored(state: State, address: IPv6Address, reason: Reason) -> list[Decision]:
    state.desired.withheld.pop(address, None)
    host = state.hosts.get(address)
    actions = state.converge(host) if host is not None else []
    return [host.decision(DecisionKind.RETAINED, reason, actions)] if host is not None and actions else []


def _look(state: State, host: Host | None, it: Due, now: float) -> list[Decision]:
    """Look for who has had time to take the address, unless somebody has it."""
    if host is not None:
        if host.dev != it.dev and state.desired.withheld.get(host.address) != it.dev:
            return []
        if host.dev == it.dev and not host.state.probe_pending:
            return []
        if host.dev == it.dev and host.nud is NudState.PROBE:
            state.lookups.plan(Step.LOOK_UP, it.address, it.dev, now + _DETECTED)  # the kernel is at it
            return []
    if not state.rules.can_resolve or not state.admits(it.address, it.dev):
        return []
    state.lookups.sent += 1
    probe = Probe(it.address, it.dev, None)
    return [
        Decision(
            DecisionKind.LOOKUP_STARTED,
            Reason.DETECTION,
            it.address,
            it.dev,
            actions=[probe],
            detail=Detail(lookup_on=(it.dev,)),
        )
    ]


def _left_out(state: State, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    count = state.lookups.report(now)
    if count is None:
        return ()
    return [
        Decision(
            DecisionKind.LOOKUPS_RATE_LIMITED,
            Reason.FLOOD,
            dev=event.dev,
            lladdr=event.lladdr,
            detail=Detail(suppressed=count),
        )
    ]
