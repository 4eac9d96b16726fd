"""Address, interface -> whether a host may be learned there, or the reason why not.

Pure. Source: RFC 4291, 2.4 (types of address) and 2.6.1 (subnet-router anycast); RFC 2526 (reserved anycast).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.decision import Reason
from ndpbr_py.core.routes import RoutingTable

_GLOBAL = int(IPv6Address("2000::")) >> 125
_UNIQUE_LOCAL = int(IPv6Address("fc00::")) >> 121
_INTERFACE_ID = (1 << 64) - 1
_RESERVED, _FIRST_RESERVED = 0xFDFF_FFFF_FFFF_FF80 >> 7, 0xFDFF_FFFF_FFFF_FF80  # the last 7 bits may be any


def decoy(address: IPv6Address) -> IPv6Address:
    """Return an address in the same /64 that no host has: a machine that answers for it answers for any address."""
    number = int(address)
    return IPv6Address((number & ~_INTERFACE_ID) | _FIRST_RESERVED | (number & 0x7F))


@dataclass(frozen=True, slots=True)
class Scope:
    """Which addresses are eligible: on-link ones, except those of the router and of next hops.

    Without this rule, any host could claim the address of, say, a public DNS server and receive its packets.

    Attributes:
        on_link: The on-link prefixes; None: every global and unique-local address.
        own: The router's own addresses.
        next_hops: The gateways of default routes and their interfaces. A gateway is eligible only there.
        routes: The routes, which may name the links of an address.
        advertised: The prefixes longer than /64 that only router advertisements made.
    """

    on_link: frozenset[IPv6Network] | None
    own: frozenset[IPv6Address] = frozenset()
    next_hops: Mapping[IPv6Address, str] = field(default_factory=dict)
    routes: RoutingTable = field(default_factory=RoutingTable)
    advertised: frozenset[IPv6Network] = frozenset()
    # As numbers: hashing an IPv6Address is slow, and every address seen is checked.
    _prefixes: tuple[tuple[int, set[int]], ...] = field(init=False, default=(), compare=False)
    _own: frozenset[int] = field(init=False, default=frozenset(), compare=False)
    _anycast: frozenset[int] = field(init=False, default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        on_link = self.on_link or frozenset()
        # By mask: any neighbor can advertise thousands of prefixes.
        prefixes: dict[int, set[int]] = defaultdict(set)
        for prefix in on_link:
            prefixes[int(prefix.netmask)].add(int(prefix.network_address))
        # Any neighbor can advertise a prefix that begins with a host's address: that stays eligible.
        anycast = frozenset(
            int(n.network_address) for n in on_link - self.advertised if IPv6Network(n.network_address) not in on_link
        )
        object.__setattr__(self, "_prefixes", tuple(prefixes.items()))
        object.__setattr__(self, "_anycast", anycast)
        object.__setattr__(self, "_own", frozenset(map(int, self.own)))

    def objection(self, address: IPv6Address, dev: str) -> Reason | None:
        """Return why a host at *address* on *dev* must not be learned; None if it may."""
        number = int(address)
        # IANA: 2000::/3 is global unicast, fc00::/7 unique local. is_global would let ff02::1 through.
        if number >> 125 != _GLOBAL and number >> 121 != _UNIQUE_LOCAL:
            return Reason.KIND
        if self.on_link is not None:
            for mask, bases in self._prefixes:
                if number & mask in bases:
                    break
            else:
                return Reason.OFF_LINK
            if number in self._anycast:
                return Reason.ANYCAST
        if (number & _INTERFACE_ID) >> 7 == _RESERVED:
            return Reason.RESERVED
        if number in self._own:
            return Reason.OWN
        if self.next_hops and self.next_hops.get(address, dev) != dev:
            return Reason.NEXT_HOP
        if self.routes.verdicts and self.routes.refuses(number, dev):
            return Reason.ROUTED_ELSEWHERE
        return None
