"""A solicitation received on a link -> lookups of its target.

Pure. A solicitation does not add a host. It makes the kernel look the target up, and a host that answers is learned
from the neighbor table.

Duplicate address detection: if the sender is on another link than the owner, the owner is probed (CHECK_OWNER). If it
is silent, the proxy entry on the sender's link is withheld, so that detection passes. The sender is looked up when it
may use the address (LOOK_UP), and the proxy entry is restored if it does not (RESTORE_PROXY). If no owner is known,
one is looked up on the other links (duplicates.py).

Source: RFC 4861, 7.2 (resolution); RFC 4862, 5.4 (duplicate address detection); RFC 4429 (use before its end).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import assert_never

from ndpbr_py.core import on_demand
from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.detections import DETECTION_S
from ndpbr_py.core.duplicates import of_next_hop, owners_links
from ndpbr_py.core.events import NeighborChanged, NudState, SolicitationReceived
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.lookups import Due, Step, started
from ndpbr_py.core.state import State

_OWNER_TIMEOUT_S = 0.5  # for the owner to answer: a sleeping phone needs two or three beacons
_WITHHOLD_S = 10.0  # the kernel gives the owner up after 6


def received(state: State, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    """Return what follows from a solicitation; mostly nothing."""
    state.lookups.received += 1
    if event.dev not in state.desired.usable:
        return ()
    if event.source is None:
        if event.dev in state.rules.upstreams:
            return ()  # no host moves there: the kernel defends the addresses
        return _detection(state, event, now)
    if (host := state.hosts.get(event.target)) is not None:
        host.solicited = now
        proxied = event.dev in host.installed.proxies
        return _answered(state, host.dev, event, event.source, now) if proxied else ()
    if (event.target, event.dev) in state.on_demand:
        state.on_demand.solicited(event.target, event.dev, now)
        return _answered(state, None, event, event.source, now)
    if (link := on_demand.link_of(state, event.target, event.dev)) is not None:
        state.waiting.add(event.target, event.dev, event.source, now)
        if not state.lookups.within_limits(event.dev, event.lladdr, 1, now):
            return state.lookups.report(event.dev, event.lladdr, now)
        return on_demand.proxied(state, event.target, event.dev, link, now)
    state.departed.on_solicitation(event.target)
    devs = state.other_links(event.target, event.dev)
    if not devs:
        return ()
    state.waiting.add(event.target, event.dev, event.source, now)
    if state.lookups.recently_probed(event.target, now) or not state.rules.can_resolve:
        return ()
    if not state.lookups.allows(event.dev, event.lladdr, event.target, len(devs), now):
        return state.lookups.report(event.dev, event.lladdr, now)
    probes = [Probe(event.target, dev, None) for dev in devs]
    return started(Reason.SOLICITED, event.target, event.dev, event.lladdr, probes)


def due(state: State, now: float) -> list[Decision]:
    """Return what follows from the steps that are due."""
    result = []
    for step in state.lookups.due(now):
        host = state.hosts.get(step.address)
        match step.step:
            case Step.LOOK_UP:
                result += _lookup(state, host, step, now)
            case Step.RESTORE_PROXY:
                if state.desired.withheld.get(step.address) == step.dev:
                    result += _restored(state, step.address, Reason.UNUSED)
            case Step.CHECK_OWNER:
                if host is not None and host.dev != step.dev and _is_silent(host):
                    result.append(_withheld(state, host, step, now))
            case _:
                assert_never(step.step)
    return result


def answered(state: State, event: NeighborChanged) -> list[Decision]:
    """Return what follows when an address with a withheld proxy entry is seen: an answer of its owner restores it."""
    host = state.hosts.get(event.address)
    if host is not None and (host.dev != event.dev or event.state is not NudState.REACHABLE):
        return []
    return _restored(state, event.address, Reason.OWNER_ANSWERS)


def _answered(
    state: State, link: str | None, event: SolicitationReceived, sender: IPv6Address, now: float
) -> Sequence[Decision]:
    """Return the answers for a proxied address, whose host is on *link*, that the kernel does not send."""
    target, dev = event.target, event.dev
    late = state.waiting.in_progress(target, now)
    answers = state.waiting.answers(target, dev, sender, now, late=late)
    if not answers:
        return ()
    kind, detail = DecisionKind.ADVERTISED, Detail(seen_on=dev)
    return [Decision(kind, Reason.SOLICITED, target, link, actions=answers, detail=detail)]


def _detection(state: State, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    """A host on this link is about to use the target, or uses it already (optimistic detection)."""
    target, dev, lladdr = event.target, event.dev, event.lladdr
    host = state.hosts.get(target)
    # A machine that comes to this link detects duplicates of its link-local address first: its hosts are probed early.
    suspects = state.hosts.elsewhere(lladdr, dev) if lladdr is not None else []
    if host is not None and host.dev != dev and host not in suspects:
        suspects.append(host)
    result = [decision for suspect in suspects for decision in _probed(state, suspect, event, now)]
    if host is None:
        result += of_next_hop(state, event, now)
    if not state.admits(target, dev) or (host is not None and host.dev == dev and not host.state.probe_pending):
        return result
    if (
        host is None
        and not state.lookups.recently_probed(target, now)
        and (lladdr is not None or state.rules.can_resolve)
    ):
        others = owners_links(state, event)
        if not state.lookups.allows(dev, lladdr, target, 1 + len(others), now):
            return [*result, *state.lookups.report(event.dev, event.lladdr, now)]
        state.detections.add(event, now)
        probes = [Probe(target, dev, lladdr, new=True), *[Probe(target, other, None) for other in others]]
        result += started(Reason.DETECTION, target, dev, lladdr, probes)
    state.lookups.plan(Step.LOOK_UP, target, dev, now + DETECTION_S, lladdr)
    return result


def _probed(state: State, host: Host, event: SolicitationReceived, now: float) -> Sequence[Decision]:
    """Probe the owner. Until the outcome is known, the kernel defends the address."""
    if host.pinned or state.desired.withheld.get(host.address) == event.dev:
        return ()
    if state.lookups.recently_probed(host.address, now):
        return ()
    if not state.lookups.allows(event.dev, event.lladdr, host.address, 1, now):
        return state.lookups.report(event.dev, event.lladdr, now)
    state.lookups.plan(Step.CHECK_OWNER, host.address, event.dev, now + _OWNER_TIMEOUT_S, event.lladdr)
    probe = Probe(host.address, host.dev, host.lladdr)
    return [host.decision(DecisionKind.PROBED, Reason.DETECTION, [probe], Detail(seen_on=event.dev))]


def _is_silent(host: Host) -> bool:
    """Whether a host that was probed has not answered. One that a route names since then need not answer.

    A probe of a forged lladdr has not reached the owner.
    """
    return host.nud is not NudState.REACHABLE and not host.lladdr_unproven and not host.pinned


def _withheld(state: State, host: Host, step: Due, now: float) -> Decision:
    """Withhold the proxy entry of a silent owner on *dev*, so that the host there passes detection."""
    dev = step.dev
    state.desired.withheld[host.address] = dev
    state.lookups.plan(Step.LOOK_UP, host.address, dev, now + DETECTION_S, step.lladdr)
    state.lookups.plan(Step.RESTORE_PROXY, host.address, dev, now + _WITHHOLD_S)
    return host.decision(
        DecisionKind.PROXY_WITHHELD, Reason.OWNER_SILENT, state.converge(host), Detail(withheld_on=dev)
    )


def _restored(state: State, address: IPv6Address, reason: Reason) -> list[Decision]:
    state.desired.withheld.pop(address, None)
    host = state.hosts.get(address)
    actions = state.converge(host) if host is not None else []
    return [host.decision(DecisionKind.RETAINED, reason, actions)] if host is not None and actions else []


def _lookup(state: State, host: Host | None, step: Due, now: float) -> list[Decision]:
    """Look up the host that may use the address by now, unless it is known."""
    if host is not None:
        if host.dev != step.dev and state.desired.withheld.get(host.address) != step.dev:
            return []
        if host.dev == step.dev and not host.state.probe_pending:
            return []
        if host.dev == step.dev and host.nud is NudState.PROBE:
            state.lookups.plan(step.step, step.address, step.dev, now + DETECTION_S, step.lladdr)  # it is probed now
            return []
    if not state.rules.can_resolve or not state.admits(step.address, step.dev):
        return []
    if not state.lookups.allows(step.dev, step.lladdr, step.address, 1, now):
        return state.lookups.report(step.dev, step.lladdr, now)
    return started(Reason.DETECTION, step.address, step.dev, None, [Probe(step.address, step.dev, None)])
