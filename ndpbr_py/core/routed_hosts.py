"""/128 routes of other programs -> hosts that exist for as long as their route.

Pure. WireGuard, OpenVPN and the routed interfaces of LXD and Incus add such a route for a host that neighbor discovery
may never show. The host gets proxy entries on the other links, and no route of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv6Address

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import KernelSnapshot, NudState
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State


def places(state: State, kernel: KernelSnapshot) -> dict[IPv6Address, str]:
    """Return the addresses of the hosts that routes name, and their interfaces."""
    rules, scope = state.rules, state.scope
    return {
        address: dev
        for address, dev in kernel.routed.items()
        if dev in rules.interfaces and address not in rules.statics and scope.objection(address, dev) is None
    }


def learned(
    state: State, installed: Mapping[IPv6Address, Entries], acted: Collection[IPv6Address], now: float
) -> list[Decision]:
    """Return what follows for the hosts that are new; they may have the *installed* entries of an earlier run.

    What is installed for the addresses in *acted* is not known: the daemon has just changed it.
    """
    result: list[Decision] = []
    for address, dev in state.routed.items():
        host = state.hosts.get(address)
        if host is None:
            host = Host(address, dev, None, NudState.NONE, now, HostState.ROUTED, now)
            host.installed = installed.get(address, state.on_demand.pop(address))
            state.hosts.add(host)
            result.append(host.decision(DecisionKind.LEARNED, Reason.ROUTED, state.converge(host)))
        elif host.state is not HostState.ROUTED:
            state.hosts.set_state(host, HostState.ROUTED)
            host.blocked = False
            if address not in acted:
                host.installed = installed.get(address, NOTHING)
            # A route of ours would lead past a gateway.
            result.append(host.decision(DecisionKind.RETAINED, Reason.ROUTED, state.converge(host)))
    return result
