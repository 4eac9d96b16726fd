"""What happened, in the past tense: everything that the core can be told.

Addresses are IPv6Address, times are seconds as float (a monotonic clock's), devices are interface names.
Source of the neighbor's words: RFC 4861, 7.3.2, and linux/neighbour.h.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from ndpbr_py.core.value import value

if TYPE_CHECKING:
    from ndpbr_py.core.actions import Action


class NudState(Enum):
    """A neighbor's state, as ip(8) spells it; NONE is a line without a state."""

    NONE = "NONE"
    INCOMPLETE = "INCOMPLETE"
    REACHABLE = "REACHABLE"
    STALE = "STALE"
    DELAY = "DELAY"
    PROBE = "PROBE"
    FAILED = "FAILED"
    NOARP = "NOARP"
    PERMANENT = "PERMANENT"

    __hash__ = object.__hash__  # Enum's own is written in Python, and this is asked for every line


class Refusal(Enum):
    """Why the kernel, or ip(8), did not do as it was told."""

    EXISTS = "exists"  # there already: ours, or another program's
    ABSENT = "absent"  # gone already
    NO_DEVICE = "no-device"  # the interface is gone, or down
    DENIED = "denied"  # no CAP_NET_ADMIN over this network namespace
    OTHER = "other"


@value
class NeighborChanged:
    """RTM_NEWNEIGH: an entry of the neighbor cache is new or has changed.

    ``unknown`` holds the words of its line that no known iproute2 prints; ``router``: it says that it is one.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None
    state: NudState
    unknown: tuple[str, ...] = ()
    router: bool = False


@dataclass(frozen=True, slots=True)
class NeighborDeleted:
    """RTM_DELNEIGH: an entry left the neighbor cache; ``state`` is the one it had."""

    address: IPv6Address
    dev: str
    lladdr: str | None
    state: NudState


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """RTM_NEWLINK: ``up`` is the administrative state, ``carrier`` whether the other end is there.

    ``nd``: neighbor discovery takes place there, as on a link with link-layer addresses.
    """

    index: int
    dev: str
    up: bool
    carrier: bool
    nd: bool = True


@dataclass(frozen=True, slots=True)
class LinkDeleted:
    """RTM_DELLINK: an interface is gone, and every address, route and proxy entry on it."""

    index: int
    dev: str


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """An address of this router came (or its lifetime changed), or went; ``interface`` is as ip prints it."""

    dev: str
    interface: str
    deleted: bool


@value
class SolicitationReceived:
    """A neighbor solicitation passed a link; ``lladdr`` is its frame's sender.

    Without a source it is a probe for duplicates: its sender will use the target in a second, if nobody objects.
    """

    dev: str
    source: IPv6Address | None
    target: IPv6Address
    lladdr: str | None


@dataclass(frozen=True, slots=True)
class LineRejected:
    """A line that is no line of ip(8): torn, or garbage.  ``text`` is cut to 120 characters."""

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
class PrefixOrDefaultRoute:
    """A default route, or a connected prefix; ``advertised``: a router advertisement said so."""

    prefix: IPv6Network
    dev: str
    gateway: IPv6Address | None = None
    advertised: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotStarted:
    """The kernel's tables are about to be read: what is heard from now on is newer than what they will say."""


@dataclass(frozen=True, slots=True)
class KernelSnapshot:
    """The kernel's tables, read in whole: what they hold is what is.

    ``on_link`` are the prefixes of device routes on listed interfaces; ``own`` the router's addresses;
    ``next_hops`` the gateways of default routes with their interface; ``up`` the listed interfaces that are up, and
    ``without_nd`` those without neighbor discovery; ``names`` the name of every interface by its index; ``routes``
    default routes and connected prefixes, of all interfaces.
    """

    neighbors: tuple[NeighborChanged, ...] = ()
    proxies: tuple[ProxyEntry, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    on_link: frozenset[IPv6Network] = frozenset()
    own: frozenset[IPv6Address] = frozenset()
    next_hops: dict[IPv6Address, str] = field(default_factory=dict)
    up: frozenset[str] = frozenset()
    without_nd: frozenset[str] = frozenset()
    names: dict[int, str] = field(default_factory=dict)
    routes: tuple[PrefixOrDefaultRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionRefused:
    """An action was not carried out.  ``text`` is what ip(8) said."""

    action: Action
    why: Refusal
    text: str


@dataclass(frozen=True, slots=True)
class CandidatesFound:
    """These (address, interface) may be there: ``remembered`` of an earlier run, or answering an echo request."""

    hosts: tuple[tuple[IPv6Address, str], ...]
    remembered: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    NeighborChanged
    | NeighborDeleted
    | LinkChanged
    | LinkDeleted
    | SolicitationReceived
    | SnapshotStarted
    | KernelSnapshot
    | ActionRefused
    | CandidatesFound
    | Tick
)
