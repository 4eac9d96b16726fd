"""The addresses that the user says are there -> hosts that are always known.

Pure.  No neighbor entry makes one, and none takes it away: it has its entries from the first reading of the tables on.
"""

from __future__ import annotations

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import NudState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State


def learned(state: State, now: float) -> list[Decision]:
    """Return the decisions by which static hosts are learned: nothing where all are."""
    result: list[Decision] = []
    for address, dev in state.rules.statics.items():
        host = state.hosts.get(address)
        if host is None:
            host = Host(address, dev, None, NudState.NONE, now, verified=True, static=True)
            state.hosts.add(host)
            result.append(host.decision(DecisionKind.LEARNED, Reason.STATIC, state.converge(host)))
        elif not host.static:
            # Heard before the first reading, or adopted: what it has the reading compares.
            host.static = True
            state.hosts.record_verification(host, True)
    return result
