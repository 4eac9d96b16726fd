"""Hosts whose turn it is -> their proxy entries removed and added again, so that the kernel reports their groups.

Pure. A switch that snoops MLD without a querier forgets a group that is not reported again (RFC 4541). Solicitations
for the hosts in that group then get lost. The kernel reports a group when it joins it. So all entries that share a
group, which is the last 24 bits of an address (RFC 4291, 2.7.1), are removed together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from ipaddress import IPv6Address

from ndpbr_py.core.actions import RejoinGroup
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State

_GROUP_MASK = (1 << 24) - 1


def decisions(state: State, due: Sequence[Host]) -> list[Decision]:
    """Return the decisions that rejoin the groups of *due*.

    A group shared by several hosts is rejoined once per round, when its first host is due.
    """
    sharing: dict[int, list[Host]] = defaultdict(list)
    groups = {_group(host.address) for host in due}
    if groups:
        for host in state.hosts:
            if (group := _group(host.address)) in groups:
                sharing[group].append(host)
    result = []
    for host in due:
        sharers = sharing[_group(host.address)]
        if sharers[0] is host and (actions := _rejoins(state, sharers)):
            result.append(host.decision(DecisionKind.GROUP_REJOINED, Reason.REFRESH_INTERVAL, actions))
    return result


def _group(address: IPv6Address) -> int:
    return int(address) & _GROUP_MASK


def _rejoins(state: State, sharers: Sequence[Host]) -> list[RejoinGroup]:
    on = {dev: tuple(h.address for h in sharers if dev in h.installed.proxies) for dev in state.desired.interfaces}
    return [RejoinGroup(addresses, dev) for dev, addresses in on.items() if addresses]
