"""The addresses of --static -> hosts that are always known. (Its prefixes are served on demand: on_demand.py.)

Pure. No neighbor entry creates or removes a static host. It has its route and proxy entries from the first snapshot on.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import NudState
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.routes import RoutingTable
from ndpbr_py.core.state import Rules, State


def routed(rules: Rules, routes: RoutingTable) -> frozenset[IPv6Address]:
    """Return the static hosts that need no route of ours: the table sends them to their interface already."""
    return frozenset(address for address, dev in _addresses(rules) if routes.lead_to(dev, address))


def learned(state: State, now: float) -> list[Decision]:
    """Return the decisions that learn the static hosts that are not known yet."""
    result: list[Decision] = []
    for address, dev in _addresses(state.rules):
        host = state.hosts.get(address)
        if host is None:
            host = Host(address, dev, None, NudState.NONE, now, HostState.STATIC, now)
            state.hosts.add(host)
            result.append(host.decision(DecisionKind.LEARNED, Reason.STATIC, state.converge(host)))
        elif host.state is not HostState.STATIC:
            # Learned before the first snapshot, or adopted: the snapshot compares its entries.
            state.hosts.set_state(host, HostState.STATIC)
    return result


def _addresses(rules: Rules) -> Iterator[tuple[IPv6Address, str]]:
    return ((address, dev) for address, dev in rules.statics.items() if isinstance(address, IPv6Address))
