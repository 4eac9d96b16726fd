"""Lines of the monitor -> events.

An address of the router that appears or disappears may change which prefixes are on-link, so a resync is requested. So
it is when another program changes a route, turns proxy_ndp off, or turns forwarding off or on. A route line is never
applied on its own: `ip route replace` prints the new route only, and a nexthop object may change without a line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address

from ndpbr_py.core.address import parsed
from ndpbr_py.core.events import AddressChanged, LinkChanged, LinkDeleted, NeighborChanged
from ndpbr_py.daemon.inbox import Event, LinkRenamed, MarkerSeen, ResyncRequested
from ndpbr_py.iproute2 import parser
from ndpbr_py.logs.logger import Log


class MonitorHandler:
    """Parses the lines; knows the names of the interfaces and the router's addresses.

    Args:
        interfaces: The listed interfaces.
        marker: The address of the marker neighbor on `lo`.
        log: Receives unknown keywords.
        protocol: The number of our routes.
        has_route: Whether the kernel should have our route to an address, on an interface.
    """

    def __init__(
        self,
        interfaces: Collection[str],
        marker: str,
        log: Log,
        protocol: int,
        has_route: Callable[[IPv6Address, str], bool],
    ) -> None:
        self.use(interfaces)
        self._marker = IPv6Address(marker)
        self._log = log
        self._ours = f" proto {protocol} "
        self._has_route = has_route
        self._names: dict[int, str] = {}
        self._newer: set[int] = set()  # the interfaces whose name is newer than that of a snapshot in progress
        self._addresses: dict[tuple[str, str], bool] = {}

    def use(self, interfaces: Iterable[str]) -> None:
        """Take the interfaces that are listed from now on."""
        self._interfaces = frozenset(interfaces)
        self._devs = self._interfaces | {"lo"}

    def on_lines(self, lines: Iterable[str]) -> Iterator[Event]:
        """Yield the events of *lines*."""
        for line in lines:
            if line[:7] == "[ROUTE]":
                if self._is_route_news(line[7:]):
                    yield ResyncRequested()
                continue
            if line[:9] == "[NETCONF]":
                if self._is_setting_news(line[9:].split()):
                    yield ResyncRequested()
                continue
            match parser.event(line, self._devs):
                case None:
                    pass
                case NeighborChanged(dev="lo") as event:
                    if event.address == self._marker:
                        yield MarkerSeen(event.lladdr)
                case NeighborChanged() as event:
                    for word in event.unknown:
                        self._log.condition("info", "unknown-keyword", active=True, key=word, word=word)
                    yield event
                case AddressChanged() as event:
                    if self._is_news(event):
                        yield ResyncRequested()
                case LinkChanged() | LinkDeleted() as event:
                    before = self._names.pop(event.index, None)
                    self._newer.add(event.index)
                    if isinstance(event, LinkChanged):
                        self._names[event.index] = event.dev
                        yield from self._renamed(before, event.dev)
                    yield event
                case event:
                    yield event

    def on_started(self, names: Mapping[int, str]) -> None:
        """Take the name of every interface by its index from before the start of a monitor, which may print it."""
        self._names = dict(names)
        self._newer = set(names)

    def on_snapshot_started(self) -> None:
        """Note that a snapshot is begun: later lines may be newer."""
        self._newer.clear()

    def on_snapshot(self, names: Mapping[int, str]) -> list[LinkRenamed]:
        """Take names from a snapshot; return which interfaces were renamed, and the monitor has not said so yet."""
        before = self._names
        newer = {index: name for index, name in before.items() if index in self._newer}
        self._names = {index: name for index, name in names.items() if index not in self._newer} | newer
        return [event for index, dev in self._names.items() for event in self._renamed(before.get(index), dev)]

    def _is_route_news(self, line: str) -> bool:
        """Whether another program has changed the main table, or deleted one of our routes."""
        deleted = line.startswith("Deleted ")
        if self._ours in line:
            # First: each route that we delete comes back as a line, and where no filter is allowed each that we add.
            return deleted and self._is_route_lost(line.split())
        route = line.removeprefix("Deleted ")
        return " table " not in route and not route.startswith(("fe80:", "multicast "))

    def _is_route_lost(self, words: Sequence[str]) -> bool:
        """Whether ``Deleted ADDR dev DEV ...`` is about a route that we have not deleted ourselves."""
        with suppress(ValueError, OSError, IndexError):
            return words[2] == "dev" and self._has_route(parsed(words[1]), words[3])
        return False

    def _is_setting_news(self, words: Sequence[str]) -> bool:
        """Whether a line such as ``inet6 wan0 proxy_neigh off`` says that a setting must be set again, or checked."""
        if words[:1] != ["inet6"] or len(words) < 4 or words[1] not in {*self._interfaces, "all"}:
            return False
        settings = dict(zip(words[2::2], words[3::2], strict=False))
        return "forwarding" in settings or settings.get("proxy_neigh") == "off"

    def _renamed(self, before: str | None, dev: str) -> Iterator[LinkRenamed]:
        if before not in (None, dev) and self._interfaces & {before, dev}:
            yield LinkRenamed(dev, str(before))

    def _is_news(self, event: AddressChanged) -> bool:
        """Whether an address appeared, settled or disappeared; a router advertisement only renews its lifetime."""
        key = (event.dev, event.interface)
        known = self._addresses.pop(key, None)
        if not event.deleted:
            self._addresses[key] = event.settled
        return event.deleted or known is not event.settled
