"""Lines of the monitor -> events.

An address of the router that appears or disappears may change which prefixes are on-link, so a resync is requested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Address

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
    """

    def __init__(self, interfaces: Sequence[str], marker: str, log: Log) -> None:
        self._interfaces = frozenset(interfaces)
        self._devs = self._interfaces | {"lo"}
        self._marker = IPv6Address(marker)
        self._log = log
        self._names: dict[int, str] = {}
        self._addresses: set[tuple[str, str]] = set()

    def on_lines(self, lines: Iterable[str]) -> Iterator[Event]:
        """Yield the events of *lines*."""
        for line in lines:
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
                    yield from self._renamed(event)
                    yield event
                case event:
                    yield event

    def on_snapshot(self, names: Mapping[int, str]) -> None:
        """Take the name of every interface by its index from a snapshot."""
        self._names = dict(names)

    def _renamed(self, event: LinkChanged | LinkDeleted) -> Iterator[LinkRenamed]:
        before = self._names.pop(event.index, None)
        if isinstance(event, LinkChanged):
            self._names[event.index] = event.dev
            if before not in (None, event.dev) and self._interfaces & {before, event.dev}:
                yield LinkRenamed(event.dev, str(before))

    def _is_news(self, event: AddressChanged) -> bool:
        """Whether an address appeared or disappeared; a router advertisement only renews its lifetime."""
        key = (event.dev, event.interface)
        known = key in self._addresses
        if event.deleted:
            self._addresses.discard(key)
        else:
            self._addresses.add(key)
        return event.deleted or not known
