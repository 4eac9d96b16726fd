"""Hosts of the last run, and whoever answers an echo request -> the core asks for them; who is known -> the file.

A router that was rebooted has an empty neighbor cache, and a server that nobody asks says nothing.
"""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv6Address

from ndpbr_py.config import RunConfig
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.events import CandidatesDue, CandidatesFound, KernelSnapshot
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.hosts_file import HostsFile
from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets.all_nodes_ping import AllNodesPing

_PACE = 0.1  # s, between two handfuls of probes
_WEAR = 300.0  # s, between two writings at the least: the file may lie on flash


class Discovery:
    """Does nothing without --discover, and in a dry run."""

    def __init__(self, config: RunConfig, dispatcher: Dispatcher, log: Log) -> None:
        self._on = config.discover and not config.dry_run
        self._dispatcher = dispatcher
        self._log = log
        self._file = HostsFile(config.hosts_file, config.interfaces, config.max_hosts)
        self._loaded = False
        self._written = float("-inf")
        self._roll_call = AllNodesPing(self._suggest)
        self._called: set[tuple[str, IPv6Address]] = set()
        self._kernel = KernelSnapshot()
        self._wake = asyncio.Event()

    def took(self, kernel: KernelSnapshot) -> None:
        """Take note of a reading: an interface, or the router's address, may be there only now."""
        self._kernel = kernel
        self._wake.set()

    async def run(self) -> None:
        """Ask, as soon as it can be done, for ever."""
        if self._on:
            self._load()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._on:
                self._call()
                while self._more():
                    await asyncio.sleep(_PACE)

    def save(self, *, ending: bool = False) -> None:
        """Write down who is known, unless that was done a short while ago."""
        if not self._loaded or (time.monotonic() - self._written < _WEAR and not ending):
            return
        proxy, before = self._dispatcher.proxy, self._file.known
        # One that is being verified once more, or was taken over from an earlier run, was verified before.
        lasting = [host for host in proxy.hosts if not host.static and (host.verified or host.address in before)]
        known = {host.address: (host.dev, host.lladdr) for host in lasting}
        if self._file.save(
            known | {a: before[a] for a in proxy.candidates.remembered() if a in before and a not in known}
        ):
            self._written = time.monotonic()
            if self._file.error is not None:
                self._log.once("warning", "hosts-file-unwritable", error=self._file.error)

    def close(self) -> None:
        """Write down who is known, and listen no longer."""
        self.save(ending=True)
        self._roll_call.close()

    def _load(self) -> None:
        self._file.load()
        self._loaded = True
        if self._file.error is not None:
            self._log.record("warning", "hosts-file-unreadable", error=self._file.error)
        if not self._dispatcher.commands.has_use:
            self._log.record("warning", "discovery-refused", error="iproute2 5.16 or later was wanted to ask for hosts")
            self._on = False
            return
        self._log.record("info", "sweep", remembered=len(self._file.known))
        hosts = tuple((address, dev) for address, (dev, _) in self._file.known.items())
        self._suggest(CandidatesFound(hosts, remembered=True))

    def _suggest(self, event: CandidatesFound) -> None:
        self._dispatcher.deliver([event])
        self._wake.set()

    def _more(self) -> bool:
        """Have the core ask the next few; return whether there were any."""
        sought = self._dispatcher.proxy.candidates
        before = sought.count
        self._dispatcher.deliver([CandidatesDue()])
        return sought.count != before

    def _call(self) -> None:
        """Ask everybody on each LAN that is up, once from each prefix; the provider's side is not ours to ask."""
        kernel = self._kernel
        sources = _sources(kernel)
        self._called = {call for call in self._called if call[0] in kernel.up}
        for dev in sorted(kernel.up - set(kernel.next_hops.values())):
            for source in sources:
                if (dev, source) in self._called:
                    continue
                try:
                    self._roll_call.send(source, dev)
                except NdpbrError as error:
                    self._log.once("warning", "discovery-refused", error=str(error))
                except OSError as error:  # the address is tentative, say: again after the next reading
                    self._log.once("debug", "all-nodes-ping-failed", dev=dev, source=str(source), error=error.strerror)
                    continue
                else:
                    self._log.record("debug", "all-nodes-ping-sent", dev=dev, source=str(source))
                self._called.add((dev, source))


def _sources(kernel: KernelSnapshot) -> list[IPv6Address]:
    """Return one of the router's addresses in each prefix that is on-link on a listed interface."""
    usable = sorted(address for address in kernel.own if Scope(None).objection(address, "") is None)
    found = (next((address for address in usable if address in prefix), None) for prefix in kernel.on_link)
    return sorted({address for address in found if address is not None})
