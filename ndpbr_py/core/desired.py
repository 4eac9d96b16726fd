"""Host, interfaces, entries of other programs -> the route and proxy entries that the host should have.

Pure. Another program's proxy entry or /128 route is never changed. If it does the same as ours would, ours is not
needed. If the route leads elsewhere, the host gets no entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv6Address

from ndpbr_py.core.decision import ForeignEntry
from ndpbr_py.core.entry_diff import NOTHING, Entries, shared
from ndpbr_py.core.events import HostRoute, KernelSnapshot, ProxyEntry
from ndpbr_py.core.hosts import Host


class DesiredEntries:
    """The listed interfaces and other programs' entries, from which the desired entries of each host follow.

    Attributes:
        interfaces: The listed interfaces.
        listed: The listed interfaces at the last call of `use()`.
        usable: The listed interfaces that are up.
        answering: The usable interfaces that have neighbor discovery.
        without_nd: Interfaces without neighbor discovery: they get routes, but no proxy entries.
        withheld: Addresses whose proxy entry on one interface is withheld, because a host there may use the address.
        routed: The addresses that the routing table sends to their interface already: they get no route of ours, which
            might lead past a gateway.
        foreign: The addresses for which another program has a route or proxy entry.
    """

    def __init__(self, interfaces: Collection[str]) -> None:
        self.interfaces = interfaces
        self._foreign_routes: dict[IPv6Address, HostRoute] = {}
        self._foreign_proxies: frozenset[tuple[IPv6Address, str]] = frozenset()
        self.foreign: frozenset[IPv6Address] = frozenset()
        self.routed: frozenset[IPv6Address] = frozenset()
        self._at: dict[str, Entries] = {}
        self.withheld: dict[IPv6Address, str] = {}
        self.without_nd: frozenset[str] = frozenset()
        self.listed: tuple[str, ...] = ()
        self.usable: frozenset[str] = frozenset()
        self.answering: tuple[str, ...] = ()
        self.use(self.interfaces)

    def use(self, up: Iterable[str], without_nd: Iterable[str] = ()) -> None:
        """Record which interfaces are up, and which have no neighbor discovery."""
        self.listed = tuple(self.interfaces)
        self.without_nd = frozenset(without_nd)
        self.usable = frozenset(up) & frozenset(self.interfaces)
        self.answering = tuple(dev for dev in self.interfaces if dev in self.usable - self.without_nd)
        self._at = {dev: shared(dev, tuple(o for o in self.answering if o != dev)) for dev in self.usable}

    def read(self, kernel: KernelSnapshot) -> None:
        """Record the entries of other programs."""
        # A route without an interface was not added by ndpbr, whatever its protocol number.
        self._foreign_routes = {r.address: r for r in kernel.host_routes if not r.ours or r.dev is None}
        self._foreign_proxies = frozenset((p.address, p.dev) for p in kernel.proxies if not p.ours)
        self.foreign = frozenset(self._foreign_routes) | {address for address, _ in self._foreign_proxies}

    def is_foreign(self, address: IPv6Address, dev: str) -> bool:
        """Whether another program has a proxy entry for *address* on *dev*."""
        return (address, dev) in self._foreign_proxies

    def of(self, host: Host) -> Entries:
        """Return the entries that *host* should have in the kernel."""
        if host.blocked:
            return NOTHING
        here = self._at.get(host.dev, NOTHING)
        if self.withheld and (withheld := self.withheld.get(host.address)) is not None and here is not NOTHING:
            here = Entries(here.route, tuple(dev for dev in here.proxies if dev != withheld))
        routed = bool(self.routed) and host.address in self.routed
        if routed and here is not NOTHING:
            here = Entries(None, here.proxies)
        if not self.foreign or host.address not in self.foreign or here is NOTHING:
            return here
        route = self._foreign_routes.get(host.address)
        if route is not None and route.dev != host.dev and not routed:
            return NOTHING
        proxies = tuple(dev for dev in here.proxies if (host.address, dev) not in self._foreign_proxies)
        return Entries(here.route if route is None else None, proxies)

    def obstacle(self, host: Host) -> ForeignEntry | None:
        """Return the entry of another program that concerns *host*; None if there is none, or the routes agree."""
        if not self.foreign or host.address not in self.foreign or host.address in self.routed:
            return None
        route = self._foreign_routes.get(host.address)
        if route is not None:
            return route
        devs = sorted(dev for address, dev in self._foreign_proxies if address == host.address)
        return tuple(ProxyEntry(host.address, dev, ours=False) for dev in devs)
