"""The daemon's state -> its answers on the control socket, and its counters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ndpbr_py import __version__
from ndpbr_py.control import rules
from ndpbr_py.control.history import Past
from ndpbr_py.core.address import parsed, text
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host
from ndpbr_py.daemon.advertiser import Advertiser
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.health import Health
from ndpbr_py.daemon.lookup import RequestedLookups
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.logs.fields import fields
from ndpbr_py.logs.logger import Log
from ndpbr_py.metrics import LOGGED_COUNTERS, WRITE_INTERVAL_S, Counters, MetricsFile
from ndpbr_py.system import clock
from ndpbr_py.system.memory import resident_bytes

_MAX_ADDRESSES = 500  # in one request: the answer must not hold up the loop


class Status:
    """Answers requests about the daemon.

    Attributes:
        monitor_starts: How often the monitor was started.
    """

    def __init__(
        self,
        interfaces: Collection[str],
        file_options: Sequence[str],
        dispatcher: Dispatcher,
        resync: Resync,
        advertiser: Advertiser,
        lookups: RequestedLookups,
        health: Health,
        log: Log,
    ) -> None:
        self._interfaces = interfaces
        self._file_options = file_options
        self._dispatcher = dispatcher
        self._resync = resync
        self._advertiser = advertiser
        self._lookups = lookups
        self._health = health
        self._log = log
        self._started = clock.now()
        self._up: dict[str, tuple[bool, float]] = {}
        self.monitor_starts = 0

    def update_links(self) -> None:
        """Note which interfaces have gone up or down."""
        usable = self._dispatcher.proxy.desired.usable
        for dev in self._interfaces:
            if dev not in self._up or self._up[dev][0] != (dev in usable):
                self._up[dev] = dev in usable, clock.now()

    def counters(self) -> Counters:
        """Return all counters."""
        proxy, lookups = self._dispatcher.proxy, self._dispatcher.proxy.lookups
        return replace(
            self._dispatcher.counters,
            resyncs=self._resync.count,
            monitor_restarts=max(self.monitor_starts - 1, 0),
            solicitations_received=lookups.received,
            lookups=lookups.sent,
            lookups_rate_limited=lookups.rate_limited,
            advertisements_sent=self._advertiser.sent,
            log_records_dropped=self._log.sink.dropped,
            hosts=len(proxy.hosts),
            interface_hosts={dev: proxy.hosts.count_on(dev) for dev in self._interfaces},
            interface_up={dev: int(dev in proxy.desired.usable) for dev in self._interfaces},
            last_resync_timestamp_seconds=round(clock.date(self._resync.done_at)) if self._resync.count else 0,
            resident_memory_bytes=resident_bytes(),
            start_time_seconds=round(clock.date(self._started)),
            check_failed={name: int(failed) for name, failed in self._health.checks.failed.items()},
        )

    def counted(self) -> dict[str, int]:
        """Return the counters that are not zero, for the log."""
        counters = self.counters()
        return {name: value for name in LOGGED_COUNTERS if (value := getattr(counters, name))}

    async def publish(self, path: Path) -> None:
        """Keep the counters in the file *path*, forever."""
        file = MetricsFile(path, self._log)
        try:
            while True:
                file.write(self.counters())
                await asyncio.sleep(WRITE_INTERVAL_S)
        finally:
            file.remove()

    async def answer(self, request: Mapping[str, Any]) -> dict[str, object]:
        """Return the answer to the request of a client."""
        match request:
            case {"request": "state"}:
                return self._state()
            case {"request": "log"}:
                return self._state() | {"file_options": self._file_options, "records": list(self._log.recent)}
            case {"request": "hosts", "addresses": [*words]} if len(words) <= _MAX_ADDRESSES:
                hosts = filter(None, map(self._dispatcher.proxy.hosts.get, filter(None, map(_address, words))))
                return {"hosts": {text(host.address): self._host(host) for host in hosts}}
            case {"request": "address", "address": word} if (address := _address(word)) is not None:
                host = self._dispatcher.proxy.hosts.get(address)
                events = [_event(past) for past in self._dispatcher.history.about(address)]
                return self._state() | {"host": host and self._host(host), "events": events}
            case {"request": "lookup", "address": word} if (address := _address(word)) is not None:
                return {"lookup": await self._lookups.answer(address)}
        return {"error": "expected request=state, log, hosts (with addresses), address or lookup (with address)"}

    def _state(self) -> dict[str, object]:
        self.update_links()
        addresses, lladdr, dev = self._dispatcher.proxy.hosts.most_addresses()
        return {
            "version": __version__,
            "pid": os.getpid(),
            "interfaces": list(self._interfaces),
            "up": sorted(self._dispatcher.proxy.desired.usable),
            "links": {dev: {"changed_ago_s": round(clock.now() - at, 1)} for dev, (_, at) in self._up.items()},
            "uptime_s": round(self._uptime(), 1),
            "problem": self._problem(),
            "rules": rules.rules_fields(self._dispatcher.proxy.rules, self._dispatcher.commands.protocol),
            "most_addresses": {"addresses": addresses, "lladdr": lladdr, "dev": dev},
            "counters": asdict(self.counters()),
        }

    def _host(self, host: Host) -> dict[str, object]:
        now = self._dispatcher.now()
        claimant = host.claimant and {
            "dev": host.claimant.dev,
            "lladdr": host.claimant.lladdr,
            "probed_ago_s": round(now - host.probed_at, 1),
        }
        return {
            "dev": host.dev,
            "lladdr": host.lladdr,
            "state": host.nud.value,
            "verified": host.state.has_answered,
            "routed": host.state is HostState.ROUTED,
            "name": self._log.name_of(host.address, host.lladdr),
            "known_for_s": round(now - host.learned, 1),
            "last_seen_s": round(now - host.confirmed, 1),
            "rechecking": host.state is HostState.RECHECKING,
            "claimant": claimant,
            "route": host.installed.route,
            "proxies": list(host.installed.proxies),
            "blocked": host.blocked,
            "foreign": host.foreign,
        }

    def _problem(self) -> dict[str, object] | None:
        """Return the last record that is a warning or an error."""
        problem = self._log.problem
        if problem is None:
            return None
        detail = " ".join(f"{name}={value}" for name, value in problem.fields.items() if value is not None)
        return {"event": problem.event, "detail": detail, "ago_s": round(clock.now() - problem.at, 1)}

    def _uptime(self) -> float:
        return clock.now() - self._started


def _event(past: Past) -> dict[str, object]:
    """Return the fields of the record that the log has of it, at whatever level."""
    about = fields(past.decision)
    del about["address"]  # which was asked for
    when = {"ts": clock.utc(clock.date(past.at)), "ago_s": round(clock.now() - past.at, 1)}
    return {**when, "event": past.decision.kind.value, **about}


def _address(word: object) -> IPv6Address | None:
    try:
        return parsed(word) if isinstance(word, str) else None
    except (OSError, ValueError):
        return None
