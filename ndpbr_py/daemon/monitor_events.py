"""Lines of the monitor -> events for the core; and what they mean for the daemon itself.

A monitor prints an interface's old name for ever, so after a rename it is started anew.  An address of ours that comes
or goes may change which prefixes are on-link, so the tables are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address

from ndpbr_py.core.events import (
    AddressChanged,
    Event,
    LineRejected,
    LinkChanged,
    LinkDeleted,
    NeighborChanged,
)
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.monitor import EventsLost, MonitorEvent, MonitorExited, MonitorLines, MonitorStarted
from ndpbr_py.logs.logger import Log


class MonitorHandler:
    """What the supervisor tells.

    Args:
        interfaces: The listed ones.
        relay: Gets the events that are for the core.
        resync: Gets the markers, and is asked for a reading where something may have been missed.
        log: Gets what an operator should know.
        linked: Called with a listed interface that is up, before the core hears of it.
        renamed: Called when the monitor must be started anew.
    """

    def __init__(
        self,
        interfaces: Sequence[str],
        dispatcher: Dispatcher,
        resync: Resync,
        log: Log,
        linked: Callable[[str], None],
        renamed: Callable[[], None],
    ) -> None:
        self._interfaces = frozenset(interfaces)
        self._devs = self._interfaces | {"lo"}
        self._dispatcher = dispatcher
        self._marker = IPv6Address(dispatcher.commands.marker)
        self._resync = resync
        self._log = log
        self._linked = linked
        self._renamed = renamed
        self._names: dict[int, str] = {}
        self._addresses: set[tuple[str, str]] = set()
        self.restarts = -1
        self.losses = 0

    def on_event(self, event: MonitorEvent) -> None:
        """Take an event of the supervisor."""
        match event:
            case MonitorLines(lines):
                self.heard(lines)
            case MonitorStarted(pid):
                self.started(pid)
            case MonitorExited(status, retry_in_s):
                self.ended(status, retry_in_s)
            case EventsLost(error):
                self.lost(error)

    def heard(self, lines: list[str]) -> None:
        """Take lines."""
        events: list[Event] = []
        for line in lines:
            event = parser.event(line, self._devs)
            if event is None:
                continue
            if isinstance(event, NeighborChanged):
                if event.dev == "lo":
                    if event.address == self._marker:
                        self._resync.marked(event.lladdr)
                    continue
                for word in event.unknown:
                    self._log.once("info", "unknown-keyword", word=word)
            elif isinstance(event, LineRejected):
                self._log.record("warning", "line-rejected", line=event.text, wanted=event.why)
                continue
            elif isinstance(event, AddressChanged):
                self._address(event)
                continue
            elif isinstance(event, LinkChanged | LinkDeleted):
                self._link(event)
            events.append(event)
        self._dispatcher.deliver(events)

    def lost(self, complaint: str) -> None:
        """The monitor could not keep up."""
        self.losses += 1
        self._log.record("warning", "events-lost", error=complaint)
        self._resync.request()

    def started(self, pid: int) -> None:
        """A monitor was started."""
        self.restarts += 1
        self._log.record("debug", "monitor-started", pid=pid)
        self._resync.request()

    def ended(self, status: str, retry_in_s: float) -> None:
        """The monitor is gone."""
        self._log.record("warning", "monitor-exited", status=status, retry_in_s=retry_in_s)

    def named(self, names: Mapping[int, str]) -> None:
        """Take note of every interface's index and name, as read."""
        self._names = dict(names)

    def _link(self, event: LinkChanged | LinkDeleted) -> None:
        before = self._names.pop(event.index, None)
        if isinstance(event, LinkChanged):
            self._names[event.index] = event.dev
            if event.up and event.dev in self._interfaces:
                self._linked(event.dev)
            if before not in (None, event.dev) and self._interfaces & {before, event.dev}:
                self._log.record("info", "link-renamed", dev=event.dev, old_name=before)
                self._renamed()
        elif event.dev in self._interfaces:
            self._log.record("warning", "interface-missing", dev=event.dev)

    def _address(self, event: AddressChanged) -> None:
        key = (event.dev, event.interface)
        known = key in self._addresses
        if event.deleted:
            self._addresses.discard(key)
        else:
            self._addresses.add(key)
        # A router advertisement renews lifetimes every few seconds: that is no news.
        if event.deleted or not known:
            self._resync.request()
