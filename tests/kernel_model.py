"""A model of the kernel's routes and proxy entries: sets, and the refusals of a real kernel.

Measured on Linux 6.18: an interface that is set down loses its entries without an event.  Adding a proxy entry always
succeeds, and changes its owner.  A second route of ours to an address is refused on every interface; another program's,
whose metric is smaller, can be added beside ours and comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Entry, RejoinGroup
from ndpbr_py.core.events import KernelSnapshot, NeighborChanged, NudState, Refusal, Route
from ndpbr_py.core.proxy import NdProxy
from tests.builders import entry, kernel, prefix_route, route

Key = tuple[IPv6Address, str]
UPLINK = "wan0"


class Kernel:
    """The tables.

    Attributes:
        up: The interfaces that are up.
        without_nd: Those that have no neighbor discovery.
        routes: Our host routes.
        others: The host routes of other programs.
        nested: A part of the on-link prefix that another program has routed.
        proxies: The proxy entries, and whether they are ours.
        neighbors: The neighbor cache.
    """

    def __init__(self, interfaces: Iterable[str], without_nd: Iterable[str] = ()) -> None:
        self.up = set(interfaces)
        self.without_nd = frozenset(without_nd)
        self.routes: dict[IPv6Address, str] = {}
        self.others: dict[IPv6Address, str] = {}
        self.nested: Route | None = None
        self.proxies: dict[Key, bool] = {}
        self.neighbors: dict[Key, NeighborChanged] = {}

    def run(self, action: Entry) -> Refusal | None:
        """Carry out *action*; return the refusal, if any."""
        key = (action.address, action.dev)
        match action:
            case AddRoute():
                if action.dev not in self.up:
                    return Refusal.NO_DEVICE
                if action.address in self.routes:
                    return Refusal.EXISTS
                self.routes[action.address] = action.dev
            case DelRoute():
                if self.routes.get(action.address) != action.dev:
                    return Refusal.ABSENT
                del self.routes[action.address]
            case AddProxy():
                self.proxies[key] = True
            case DelProxy():
                self.proxies.pop(key, None)
        return None

    def rejoin(self, action: RejoinGroup, why: Refusal | None) -> Refusal | None:
        """Remove the action's entries and add them again, unless *why* refuses that."""
        for address in action.addresses:
            self.proxies.pop((address, action.dev), None)
            if why is None:
                self.proxies[address, action.dev] = True
        return why

    def set_link(self, dev: str, *, up: bool) -> None:
        """Set an interface up, or down, which removes its entries."""
        if up:
            self.up.add(dev)
            return
        self.up.discard(dev)
        self.routes = {address: at for address, at in self.routes.items() if at != dev}
        self.others = {address: at for address, at in self.others.items() if at != dev}
        if self.nested is not None and self.nested.dev == dev:
            self.nested = None
        self.proxies = {key: ours for key, ours in self.proxies.items() if key[1] != dev}
        self.neighbors = {key: it for key, it in self.neighbors.items() if key[1] != dev}

    def path(self, address: IPv6Address) -> str | None:
        """Return the interface to which the longest route leads, except for that of the whole prefix."""
        nested = self.nested.dev if self.nested is not None and address in self.nested.prefix else None
        return self.others.get(address, self.routes.get(address, nested))

    def ours(self) -> set[tuple[str, IPv6Address, str]]:
        """Return all entries with our tag."""
        return {("route", *key) for key in self.routes.items()} | {
            ("proxy", *key) for key, ours in self.proxies.items() if ours
        }

    def read(self) -> KernelSnapshot:
        """Return a snapshot of the tables."""
        return kernel(
            *(route(str(address), dev) for address, dev in self.routes.items()),
            *(route(str(address), dev, ours=False) for address, dev in self.others.items()),
            *(prefix_route(f"{address}/128", dev) for address, dev in self.others.items()),
            *([prefix_route(dev=UPLINK)] if UPLINK in self.up else []),
            *([self.nested] if self.nested is not None else []),
            *(entry(str(address), dev, ours=ours) for (address, dev), ours in self.proxies.items()),
            *(it for it in self.neighbors.values() if it.state is not NudState.NONE),
            up=self.up,
            own=["2001:db8::2"],
            next_hops={"2001:db8::1": UPLINK},
            without_nd=self.without_nd,
            routed={str(address): dev for address, dev in self.others.items()},
        )


def believed(proxy: NdProxy) -> set[tuple[str, IPv6Address, str]]:
    """Return all entries that the core takes for installed."""
    hosts = list(proxy.hosts)
    return (
        {("route", host.address, host.installed.route) for host in hosts if host.installed.route is not None}
        | {("proxy", host.address, dev) for host in hosts for dev in host.installed.proxies}
        | {("proxy", *place) for place in proxy.on_demand}
    )
