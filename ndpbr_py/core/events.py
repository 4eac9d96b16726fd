"""Everything that can happen, in the past tense.

Addresses are IPv6Address, devices are interface names, times are float seconds of a monotonic clock.
Source of the neighbor states: RFC 4861, 7.3.2, and linux/neighbour.h.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from ndpbr_py.core.value import value

if TYPE_CHECKING:
    from ndpbr_py.core.actions import Action, Advertise


class NudState(Enum):
    """The state of a neighbor cache entry, as ip(8) spells it; NONE: the line has no state."""

    NONE = "NONE"
    INCOMPLETE = "INCOMPLETE"
    REACHABLE = "REACHABLE"
    STALE = "STALE"
    DELAY = "DELAY"
    PROBE = "PROBE"
    FAILED = "FAILED"
    NOARP = "NOARP"
    PERMANENT = "PERMANENT"

    __hash__ = object.__hash__  # Enum's own is written in Python, and states are hashed for every line


class Refusal(Enum):
    """Why the kernel or ip(8) did not carry out an action."""

    EXISTS = "exists"  # exists already: ours, or another program's
    ABSENT = "absent"  # does not exist
    NO_DEVICE = "no-device"  # the interface does not exist, or is down
    DENIED = "denied"  # requires CAP_NET_ADMIN in this network namespace
    OTHER = "other"


@value
class NeighborChanged:
    """RTM_NEWNEIGH: an entry of the neighbor cache is new or has changed.

    Attributes:
        unknown: The words of the line that no known iproute2 prints.
        router: Whether the neighbor says that it is a router.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None
    state: NudState
    unknown: tuple[str, ...] = ()
    router: bool = False


@dataclass(frozen=True, slots=True)
class NeighborDeleted:
    """RTM_DELNEIGH: the kernel removed an entry from the neighbor cache; ``state`` is its last state."""

    address: IPv6Address
    dev: str
    lladdr: str | None
    state: NudState


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """RTM_NEWLINK: an interface is new or has changed.

    Attributes:
        up: Whether the interface is set up.
        carrier: Whether it has a carrier.
        nd: Whether it has neighbor discovery, like every link with link-layer addresses.
    """

    index: int
    dev: str
    up: bool
    carrier: bool
    nd: bool = True


@dataclass(frozen=True, slots=True)
class LinkDeleted:
    """RTM_DELLINK: an interface is gone, with its addresses, routes and proxy entries."""

    index: int
    dev: str


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """An address of the router was added, renewed or deleted; ``interface`` is the address as ip(8) prints it.

    ``settled``: as in `RouterAddress`.
    """

    dev: str
    interface: str
    deleted: bool
    settled: bool = True


@dataclass(frozen=True, slots=True)
class RouterAddress:
    """An address of the router on an interface.

    ``settled``: it has passed duplicate address detection, and is neither deprecated nor temporary.
    ``deprecated``: its preferred lifetime has ended (RFC 4862, 5.5.4).
    """

    address: IPv6Address
    dev: str
    settled: bool
    deprecated: bool = False


@value
class SolicitationReceived:
    """A neighbor solicitation was received on a link.

    Attributes:
        source: The sender; None: duplicate address detection, whose sender uses the target a second later.
        target: The address that is looked up.
        lladdr: The sender of the frame.
    """

    dev: str
    source: IPv6Address | None
    target: IPv6Address
    lladdr: str | None


@dataclass(frozen=True, slots=True)
class LineRejected:
    """A line that ip(8) does not print: truncated, or garbage. ``text`` has at most 120 characters."""

    text: str
    why: str


class RouteType(Enum):
    """What a route does with a packet, as ip(8) spells it."""

    UNICAST = "unicast"
    LOCAL = "local"
    BROADCAST = "broadcast"
    ANYCAST = "anycast"
    MULTICAST = "multicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"
    THROW = "throw"


@dataclass(frozen=True, slots=True)
class HostRoute:
    """A /128 route of the main table.

    Attributes:
        address: The address that the route leads to.
        dev: The interface; None if the route leads to no single one, like a blackhole or a multipath route.
        ours: Whether the route carries our protocol number.
        type: What the route does with a packet.
    """

    address: IPv6Address
    dev: str | None
    ours: bool
    type: RouteType = RouteType.UNICAST

    @property
    def target(self) -> str:
        """Where the route leads: ``dev lan0``, ``multipath`` or the type, e.g. ``blackhole``."""
        if self.dev is not None:
            return f"dev {self.dev}"
        return "multipath" if self.type is RouteType.UNICAST else self.type.value


@dataclass(frozen=True, slots=True)
class ProxyEntry:
    """A proxy entry; ``ours`` if it carries our protocol number."""

    address: IPv6Address
    dev: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the main table that ndpbr did not add, or one next hop of such a route.

    Attributes:
        prefix: Where the route leads to; ``::/0`` for a default route.
        dev: The interface.
        gateway: The next hop; None if the prefix is connected.
        advertised: Whether a router advertisement made it: such a route expires.
        type: What the route does with a packet.
    """

    prefix: IPv6Network
    dev: str
    gateway: IPv6Address | None = None
    advertised: bool = False
    type: RouteType = RouteType.UNICAST

    @property
    def connected(self) -> bool:
        """Whether the prefix is on-link on the interface."""
        return self.gateway is None and self.type is RouteType.UNICAST and 0 < self.prefix.prefixlen < 128

    @property
    def default(self) -> bool:
        """Whether it is a default route."""
        return self.prefix.prefixlen == 0


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """The monitor was started, or has lost events: neighbor entries may have changed without a report."""


@dataclass(frozen=True, slots=True)
class SnapshotStarted:
    """A snapshot of the kernel's tables is about to be taken: events from now on are newer than the snapshot."""


@dataclass(frozen=True, slots=True)
class KernelSnapshot:
    """The kernel's tables.

    Attributes:
        neighbors: The neighbor cache of the listed interfaces.
        proxies: All proxy entries.
        host_routes: All /128 routes of the main table.
        on_link: The prefixes that are connected to listed interfaces.
        router_addresses: The router's addresses.
        up: The listed interfaces that are up.
        without_nd: The listed interfaces without neighbor discovery.
        without_carrier: The listed interfaces without carrier.
        names: The name of every interface, by index.
        routes: The routes of the main table that are not ours, and not to link-local or multicast addresses.
        routed: The addresses that have a /128 route of another program, and its interface: no router advertisement made
            the route, and no other ndpbr.
    """

    neighbors: tuple[NeighborChanged, ...] = ()
    proxies: tuple[ProxyEntry, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    on_link: frozenset[IPv6Network] = frozenset()
    router_addresses: tuple[RouterAddress, ...] = ()
    up: frozenset[str] = frozenset()
    without_nd: frozenset[str] = frozenset()
    without_carrier: frozenset[str] = frozenset()
    names: dict[int, str] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    routed: dict[IPv6Address, str] = field(default_factory=dict)

    @property
    def own(self) -> frozenset[IPv6Address]:
        """The router's addresses, on whatever interface."""
        return frozenset(own.address for own in self.router_addresses)

    @property
    def tagged(self) -> list[HostRoute | ProxyEntry]:
        """ndpbr's own entries."""
        entries: tuple[HostRoute | ProxyEntry, ...] = (*self.host_routes, *self.proxies)
        return [entry for entry in entries if entry.ours]

    @property
    def next_hops(self) -> dict[IPv6Address, str]:
        """The gateways of default routes, and their interfaces."""
        return {route.gateway: route.dev for route in self.routes if route.default and route.gateway is not None}

    @property
    def default_devs(self) -> frozenset[str]:
        """The interfaces of default routes, with or without a gateway (PPP)."""
        return frozenset(route.dev for route in self.routes if route.default)


@dataclass(frozen=True, slots=True)
class ActionRefused:
    """An action was not carried out; ``text`` is the error message of ip(8)."""

    action: Action
    why: Refusal
    text: str


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """The kernel has acknowledged every command of the actions before *action*, and refused none of them."""

    action: Advertise


@dataclass(frozen=True, slots=True)
class CandidatesFound:
    """Addresses that may be in use, each with its interface.

    Attributes:
        remembered: The addresses are from the hosts file; otherwise from answers to the all-nodes ping.
        next_hop: The addresses are those that a next hop probably has.
    """

    hosts: tuple[tuple[IPv6Address, str], ...]
    remembered: bool
    next_hop: bool = False


@dataclass(frozen=True, slots=True)
class LookupRequested:
    """The user wants to know whether a host has the address."""

    address: IPv6Address


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    NeighborChanged
    | NeighborDeleted
    | LinkChanged
    | LinkDeleted
    | SolicitationReceived
    | EventsMissed
    | SnapshotStarted
    | KernelSnapshot
    | ActionRefused
    | CandidatesFound
    | LookupRequested
    | Tick
)
