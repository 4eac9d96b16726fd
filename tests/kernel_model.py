"""A model of the kernel's routes and proxy entries: sets, and the refusals of a real kernel.

Measured on Linux 6.18: an interface that is set down loses its entries without an event.  Adding a proxy entry always
succeeds, and changes its owner.  A second route to an address with the same metric is refused on every interface.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Entry, RejoinGroup
from ndpbr_py.core.events import KernelSnapshot, NeighborChanged, NudState, Refusal
from ndpbr_py.core.hosts import Host
from tests.builders import entry, kernel, route

Key = tuple[IPv6Address, str]


class Kernel:
    """Routes and proxy entries, each with whether it is ours; neighbors; interfaces that are up."""

    def __init__(self, interfaces: Iterable[str]) -> None:
        self.up = set(interfaces)
        self.routes: dict[IPv6Address, tuple[str, bool]] = {}
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
                self.routes[action.address] = (action.dev, True)
            case DelRoute():
                if self.routes.get(action.address) != (action.dev, True):
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
        self.routes = {address: it for address, it in self.routes.items() if it[0] != dev}
        self.proxies = {key: ours for key, ours in self.proxies.items() if key[1] != dev}
        self.neighbors = {key: it for key, it in self.neighbors.items() if key[1] != dev}

    def ours(self) -> set[tuple[str, IPv6Address, str]]:
        """Return all entries with our tag."""
        return {("route", address, dev) for address, (dev, ours) in self.routes.items() if ours} | {
            ("proxy", *key) for key, ours in self.proxies.items() if ours
        }

    def read(self) -> KernelSnapshot:
        """Return a snapshot of the tables."""
        return kernel(
            *(route(str(address), dev, ours=ours) for address, (dev, ours) in self.routes.items()),
            *(entry(str(address), dev, ours=ours) for (address, dev), ours in self.proxies.items()),
            *(it for it in self.neighbors.values() if it.state is not NudState.NONE),
            up=self.up,
            own=["2001:db8::2"],
            next_hops={"2001:db8::1": "wan0"},
        )


def believed(hosts: Iterable[Host]) -> set[tuple[str, IPv6Address, str]]:
    """Return all entries that the core takes for installed."""
    return {("route", host.address, host.installed.route) for host in hosts if host.installed.route is not None} | {
        ("proxy", host.address, dev) for host in hosts for dev in host.installed.proxies
    }
