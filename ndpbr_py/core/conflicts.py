"""Claims of an address that another host has and defends -> when the conflict begins, and when it is over.

Pure. A conflict is over when no claim was seen for a minute. The host that claimed the address may still have it, but
then it does not use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.hosts import Hosts
from ndpbr_py.core.schedule import Deadlines

_QUIET_S = 60.0
_MAX_CONFLICTS = 256  # any host on a link can begin one


@dataclass(frozen=True, slots=True)
class Conflict:
    """Claims of one address: when the first and the last came, in seconds, their number, and the sender of the last."""

    first: float
    last: float
    claims: int
    claimed_by: str
    claimed_on: str


class Conflicts:
    """The conflicts that are not over."""

    def __init__(self) -> None:
        self._conflicts: dict[IPv6Address, Conflict] = {}
        self._deadlines: Deadlines[IPv6Address] = Deadlines()

    def __contains__(self, address: IPv6Address) -> bool:
        return address in self._conflicts

    def claim(self, address: IPv6Address, claimed_by: str, claimed_on: str, now: float) -> bool:
        """Count a claim; return whether to report it: it begins a conflict, or another host made it."""
        conflict = self._conflicts.get(address)
        if conflict is None:
            if len(self._conflicts) < _MAX_CONFLICTS:
                self._conflicts[address] = Conflict(now, now, 1, claimed_by, claimed_on)
                self._deadlines.set(address, now + _QUIET_S)
            return True
        self._conflicts[address] = Conflict(conflict.first, now, conflict.claims + 1, claimed_by, claimed_on)
        self._deadlines.set(address, now + _QUIET_S)
        return conflict.claimed_by != claimed_by

    def next_deadline(self) -> float | None:
        """Return when the next conflict may be over."""
        return self._deadlines.next()

    def due(self, hosts: Hosts, now: float) -> list[Decision]:
        """Return the conflicts that are over, with the host that has the address, if there is one."""
        result = []
        while (address := self._deadlines.pop(now)) is not None:
            it = self._conflicts.pop(address)
            host = hosts.get(address)
            dev, lladdr, state = (host.dev, host.lladdr, host.nud) if host is not None else (None, None, None)
            result.append(
                Decision(
                    DecisionKind.CONFLICT_ENDED,
                    Reason.NO_CLAIM,
                    address,
                    dev,
                    lladdr,
                    state,
                    detail=Detail(
                        claimed_by=it.claimed_by,
                        claimed_on=it.claimed_on,
                        duration_s=round(it.last - it.first),
                        claims=it.claims,
                        last_claim_s=round(now - it.last),
                    ),
                )
            )
        return result
