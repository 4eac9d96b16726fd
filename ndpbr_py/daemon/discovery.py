"""Host discovery at startup: remembered hosts, next hops, and hosts that answer the all-nodes ping -> candidates.

A router that was rebooted has an empty neighbor cache, and no host solicits a silent server. Known hosts are written to
a file for the next start. The addresses that a next hop probably has are looked up before another host claims them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv6Address

from ndpbr_py.config import RunConfig
from ndpbr_py.core.address import eui64_address
from ndpbr_py.core.candidates import to_remember
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.events import CandidatesFound, KernelSnapshot
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.daemon.hosts_file import HostsFile
from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets.all_nodes_ping import AllNodesPing

_MAX_PREFIXES = 16  # in which the next hops' addresses are looked up; any host can advertise prefixes
_ETHERNET_LENGTH = len("00:00:5e:00:53:00")
_MIN_SAVE_INTERVAL_S = 300.0  # the file may be on flash memory


class Discovery:
    """Finds candidates; does nothing with --no-discover, in a dry run, or before start()."""

    def __init__(self, config: RunConfig, proxy: NdProxy, emit: Callable[[CandidatesFound], None], log: Log) -> None:
        self._enabled = config.discover and not config.dry_run
        self._proxy = proxy
        self._emit = emit
        self._log = log
        self._file = HostsFile(config.hosts_file, config.interfaces, config.max_hosts, log)
        self._started = False
        self._saved_at = float("-inf")
        self._ping = AllNodesPing(emit)
        self._pinged: set[tuple[str, IPv6Address]] = set()
        self._next_hops: frozenset[tuple[IPv6Address, str]] = frozenset()
        self._snapshot = KernelSnapshot()

    def load(self) -> None:
        """Read the hosts file, before the first snapshot: the neighbor cache may hold other hosts' claims."""
        if self._enabled:
            self._file.load()
            self._proxy.remembered = {address: dev for address, (dev, _) in self._file.known.items()}

    def start(self) -> None:
        """Look the remembered hosts up, and ping all nodes."""
        if not self._enabled:
            return
        self._started = True
        if not self._proxy.rules.can_resolve:
            self._log.record("warning", "discovery-refused", error="host discovery requires iproute2 5.16 or later")
            self._enabled = False
            return
        self._log.record("info", "discovery-started", remembered=len(self._file.known))
        hosts = tuple((address, dev) for address, (dev, _) in self._file.known.items())
        self._emit(CandidatesFound(hosts, remembered=True))
        self._look_up_next_hops()
        self._ping_all()

    def on_snapshot(self, snapshot: KernelSnapshot) -> None:
        """Ping all nodes where an interface, or an address of the router, is new; look new next hops up."""
        self._snapshot = _without_hosts(snapshot)
        if self._enabled and self._started:
            self._look_up_next_hops()
            self._ping_all()

    def save(self, *, now: bool = False) -> None:
        """Write the known hosts to the file, unless that was done a short while ago."""
        if not self._started or (time.monotonic() - self._saved_at < _MIN_SAVE_INTERVAL_S and not now):
            return
        known = to_remember(self._proxy, self._proxy.candidates, self._file.known, time.monotonic())
        if self._file.save(known):
            self._saved_at = time.monotonic()

    def close(self) -> None:
        """Write the known hosts to the file, and close the socket."""
        self.save(now=True)
        self._ping.close()

    def _look_up_next_hops(self) -> None:
        """Look up PREFIX::1 and the EUI-64 address of each next hop on its link; a modem often has one of them."""
        before, self._next_hops = self._next_hops, frozenset(_next_hops(self._snapshot))
        if new := tuple(sorted(self._next_hops - before)):
            self._emit(CandidatesFound(new, remembered=False, next_hop=True))

    def _ping_all(self) -> None:
        """Ping all nodes once from each prefix on each LAN that is up; the provider's link is not ours to ping."""
        snapshot = self._snapshot
        sources = _sources(snapshot)
        self._pinged = {ping for ping in self._pinged if ping[0] in snapshot.up}
        for dev in sorted(snapshot.up - snapshot.default_devs):
            for source in sources:
                if (dev, source) in self._pinged:
                    continue
                if self._ping_link(dev, source):
                    self._pinged.add((dev, source))

    def _ping_link(self, dev: str, source: IPv6Address) -> bool:
        """Ping all nodes on *dev*; return False where that is worth another try."""
        error_text = None
        try:
            self._ping.send(source, dev)
        except NdpbrError as error:
            self._log.condition("warning", "discovery-refused", active=True, error=str(error))
            return True
        except OSError as error:  # e.g. the address is tentative: again after the next snapshot
            error_text = error.strerror
        fields = {"dev": dev, "source": str(source)}
        failed = error_text is not None
        self._log.condition("debug", "all-nodes-ping-failed", active=failed, key=dev, error=error_text, **fields)
        if not failed:
            self._log.record("debug", "all-nodes-ping-sent", dev=dev, source=str(source))
        return not failed


def _without_hosts(snapshot: KernelSnapshot) -> KernelSnapshot:
    """Return *snapshot* without what may be there a thousand times; of the neighbors only the next hops are left."""
    next_hops = snapshot.next_hops
    devs = set(next_hops.values())
    neighbors = (it for it in snapshot.neighbors if it.dev in devs and next_hops.get(it.address) == it.dev)
    return replace(snapshot, neighbors=tuple(neighbors), proxies=(), host_routes=(), routed={})


def _next_hops(snapshot: KernelSnapshot) -> Iterator[tuple[IPv6Address, str]]:
    """Yield the addresses that the next hops probably have besides the gateway's, each with its interface."""
    prefixes = sorted(prefix for prefix in snapshot.on_link if prefix.prefixlen == 64)[:_MAX_PREFIXES]
    lladdrs = {neighbor.address: neighbor.lladdr or "" for neighbor in snapshot.neighbors}
    for gateway, dev in snapshot.next_hops.items():
        lladdr = lladdrs.get(gateway, "")
        for prefix in prefixes:
            if prefix[1] != gateway:
                yield prefix[1], dev
            if len(lladdr) == _ETHERNET_LENGTH:
                yield eui64_address(prefix, lladdr), dev


def _sources(snapshot: KernelSnapshot) -> list[IPv6Address]:
    """Return one of the router's addresses in each prefix that is on-link on a listed interface."""
    usable = sorted(address for address in snapshot.own if Scope(None).objection(address, "") is None)
    found = (next((address for address in usable if address in prefix), None) for prefix in snapshot.on_link)
    return sorted({address for address in found if address is not None})
