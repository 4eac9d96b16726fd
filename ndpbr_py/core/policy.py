"""Tables: NUD state -> verdict; address -> whether it counts.

Pure.  Sources: RFC 4861, 7.3.2 (states); RFC 4291, 2.4 and 2.6.1 (kinds of address).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.events import NudState


class Verdict(Enum):
    """What a neighbor's state says about the host behind it."""

    PRESENT = "present"  # it has answered
    CLAIMED = "claimed"  # it has spoken, and nobody has verified it yet
    GONE = "gone"  # it did not answer
    NOTHING = "nothing"


VERDICTS: Mapping[NudState, Verdict] = {
    NudState.NONE: Verdict.NOTHING,
    NudState.INCOMPLETE: Verdict.NOTHING,
    NudState.REACHABLE: Verdict.PRESENT,
    NudState.STALE: Verdict.CLAIMED,
    NudState.DELAY: Verdict.CLAIMED,
    NudState.PROBE: Verdict.CLAIMED,
    NudState.FAILED: Verdict.GONE,
    # No neighbor discovery has taken place: nothing was heard from anybody.
    NudState.NOARP: Verdict.NOTHING,
    # Put there by the router's administrator, who knows.
    NudState.PERMANENT: Verdict.PRESENT,
}


class Reason(Enum):
    """Why a decision was taken: the word in the log."""

    FIRST_SIGHT = "first-sight"
    REACHABLE = "reachable"
    PERMANENT = "permanent"
    ADOPTED = "adopted"
    SAME_LLADDR = "same-lladdr-elsewhere"
    OWNER_SILENT = "owner-silent"
    OWNER_ANSWERS = "owner-answers"
    CLAIMED_ELSEWHERE = "claimed-elsewhere"
    LLADDR_CHANGED = "lladdr-changed"
    LLADDR_ELSEWHERE = "lladdr-elsewhere"
    FAILED = "failed"
    ONE_MORE_TRY = "one-more-try"
    EXPIRED = "not-confirmed"
    EVICTED = "cache-entry-gone"
    REFUSED = "refused"
    DRIFTED = "kernel-differs"
    NOT_OURS = "leftover"
    LINK_DOWN = "link-down"
    LINK_UP = "link-up"
    FOREIGN_ROUTE = "foreign-route"
    FOREIGN_PROXY = "foreign-proxy"
    KIND = "not-global-unicast"
    ANYCAST = "subnet-router-anycast"
    OFF_LINK = "not-on-link"
    OWN = "own-address"
    NEXT_HOP = "next-hop-of-default-route"
    FULL = "max-hosts"
    LLADDR_FULL = "max-hosts-per-lladdr"
    STOPPING = "stopping"


_GLOBAL_UNICAST = (IPv6Network("2000::/3"), IPv6Network("fc00::/7"))
_LINK_LOCAL = int(IPv6Address("fe80::")) >> 118


def link_local(address: IPv6Address) -> bool:
    """Whether *address* is in fe80::/10 (the stdlib's is_link_local takes four times as long)."""
    return int(address) >> 118 == _LINK_LOCAL


def _ranges(networks: Iterable[IPv6Network]) -> tuple[tuple[int, int], ...]:
    return tuple((int(n.network_address), int(n.netmask)) for n in networks)


_UNICAST_RANGES = _ranges(_GLOBAL_UNICAST)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which addresses count: those on-link, and nobody's in particular.

    Without this rule any host could claim, say, a public DNS server's address with one solicitation, and get its
    traffic.  ``on_link`` None means every global and unique-local address.
    """

    on_link: frozenset[IPv6Network] | None
    own: frozenset[IPv6Address] = frozenset()
    next_hops: Mapping[IPv6Address, str] = field(default_factory=dict)
    _prefixes: tuple[tuple[int, int], ...] = field(init=False, default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_prefixes", _ranges(self.on_link or ()))

    def objection(self, address: IPv6Address, dev: str) -> Reason | None:
        """Return why a host at *address* on *dev* must not be learned; None if it may."""
        number = int(address)
        if not any(number & mask == base for base, mask in _UNICAST_RANGES):
            return Reason.KIND
        if self.on_link is not None:
            homes = [base for base, mask in self._prefixes if number & mask == base]
            if not homes:
                return Reason.OFF_LINK
            if number in homes and IPv6Network(address) not in self.on_link:
                return Reason.ANYCAST
        if address in self.own:
            return Reason.OWN
        if self.next_hops.get(address, dev) != dev:
            return Reason.NEXT_HOP
        return None
