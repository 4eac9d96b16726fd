"""Tables: NUD state -> verdict; address -> whether it counts.

Pure.  Sources: RFC 4861, 7.3.2 (states); RFC 4291, 2.4 and 2.6.1 (kinds of address).
"""

from __future__ import annotations

from collections.abc import Mapping
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
    STATIC = "static"
    REMEMBERED = "remembered"
    ECHO = "answered-echo"
    SAME_LLADDR = "same-lladdr-elsewhere"
    ROUTER = "router-of-another-link"
    OWNER_SILENT = "owner-silent"
    OWNER_UNREACHABLE = "owner-unreachable"
    OWNER_ANSWERS = "owner-answers"
    CLAIMED_ELSEWHERE = "claimed-elsewhere"
    LLADDR_CHANGED = "lladdr-changed"
    LLADDR_ELSEWHERE = "lladdr-elsewhere"
    FAILED = "failed"
    ONE_MORE_TRY = "one-more-try"
    EXPIRED = "not-confirmed"
    UNVERIFIED = "still-unverified"
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
    FORGETFUL = "refresh-interval"
    SOLICITED = "solicited"
    DETECTION = "duplicate-address-detection"
    UNUSED = "not-used-elsewhere"
    FLOOD = "too-many-solicitations"
    WITHOUT_ND = "interface-without-nd"

    __hash__ = object.__hash__  # as NudState's


# What a flood of claimed addresses makes decisions for.
CLAIMS = frozenset((Reason.FIRST_SIGHT, Reason.FAILED, Reason.FULL))

_GLOBAL = int(IPv6Address("2000::")) >> 125
_UNIQUE_LOCAL = int(IPv6Address("fc00::")) >> 121


@dataclass(frozen=True, slots=True)
class Scope:
    """Which addresses count: those on-link, and nobody's in particular.

    Without this rule any host could claim, say, a public DNS server's address with one solicitation, and get its
    traffic.  ``on_link`` None means every global and unique-local address.
    """

    on_link: frozenset[IPv6Network] | None
    own: frozenset[IPv6Address] = frozenset()
    next_hops: Mapping[IPv6Address, str] = field(default_factory=dict)
    # As numbers: an IPv6Address takes long to hash, and this is asked for every address heard.
    _prefixes: tuple[tuple[int, int], ...] = field(init=False, default=(), compare=False)
    _own: frozenset[int] = field(init=False, default=frozenset(), compare=False)
    _anycast: frozenset[int] = field(init=False, default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        on_link = self.on_link or frozenset()
        prefixes = tuple((int(n.network_address), int(n.netmask)) for n in on_link)
        anycast = frozenset(int(n.network_address) for n in on_link if IPv6Network(n.network_address) not in on_link)
        object.__setattr__(self, "_prefixes", prefixes)
        object.__setattr__(self, "_anycast", anycast)
        object.__setattr__(self, "_own", frozenset(map(int, self.own)))

    def objection(self, address: IPv6Address, dev: str) -> Reason | None:
        """Return why a host at *address* on *dev* must not be learned; None if it may."""
        number = int(address)
        # IANA: 2000::/3 is global unicast, fc00::/7 unique local.  The stdlib's is_global knows other things.
        if number >> 125 != _GLOBAL and number >> 121 != _UNIQUE_LOCAL:
            return Reason.KIND
        if self.on_link is not None:
            for base, mask in self._prefixes:
                if number & mask == base:
                    break
            else:
                return Reason.OFF_LINK
            if number in self._anycast:
                return Reason.ANYCAST
        if number in self._own:
            return Reason.OWN
        if self.next_hops and self.next_hops.get(address, dev) != dev:
            return Reason.NEXT_HOP
        return None
