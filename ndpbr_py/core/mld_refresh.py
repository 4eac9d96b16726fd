"""Hosts whose turn it is -> their proxy entries out and back in, so that the kernel reports their groups once more.

Pure.  A switch that snoops MLD without a querier forgets a group that is not reported again (RFC 4541), and with it
every host whose solicitations go there.  The kernel reports a group when it joins it, so all entries that share the
group, which is the last 24 bits of an address (RFC 4291, 2.7.1), go out together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from ipaddress import IPv6Address

from ndpbr_py.core.actions import RejoinGroup
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State

_GROUP = (1 << 24) - 1


def decisions(state: State, due: Sequence[Host]) -> list[Decision]:
    """Return what has the kernel report the groups of *due*; one that hosts share has the turn of the first of them."""
    sharing: dict[int, list[Host]] = defaultdict(list)
    turns = {_group(host.address) for host in due}
    if turns:
        for host in state.hosts:
            if (group := _group(host.address)) in turns:
                sharing[group].append(host)
    result = []
    for host in due:
        sharers = sharing[_group(host.address)]
        if sharers[0] is host and (actions := _rejoins(state, sharers)):
            result.append(host.decision(DecisionKind.GROUP_REJOINED, Reason.REFRESH_INTERVAL, actions))
    return result


def _group(address: IPv6Address) -> int:
    return int(address) & _GROUP


def _rejoins(state: State, sharers: Sequence[Host]) -> list[RejoinGroup]:
    on = {dev: tuple(h.address for h in sharers if dev in h.installed.proxies) for dev in state.desired.interfaces}
    return [RejoinGroup(addresses, dev) for dev, addresses in on.items() if addresses]
