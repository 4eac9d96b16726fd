"""What the daemon knows and has done -> its answers on the control socket, and its counters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ndpbr_py import __version__, clock
from ndpbr_py.core.address import parsed, text
from ndpbr_py.core.hosts import Host
from ndpbr_py.daemon.hearing import Hearing
from ndpbr_py.daemon.relay import Relay
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.fields import fields
from ndpbr_py.log import Log
from ndpbr_py.telling import rules
from ndpbr_py.telling.counters import Counters
from ndpbr_py.telling.history import Past
from ndpbr_py.telling.metrics import INTERVAL, MetricsFile

_MOST = 500  # addresses in one question: the loop must not be held up


class View:
    """The daemon, seen from outside."""

    def __init__(self, interfaces: Sequence[str], relay: Relay, hearing: Hearing, resync: Resync, log: Log) -> None:
        self._interfaces = interfaces
        self._relay = relay
        self._hearing = hearing
        self._resync = resync
        self._log = log
        self._began = clock.now()

    def counters(self) -> Counters:
        """Return all that is counted, as it is now."""
        looks = self._relay.proxy.looks
        return replace(
            self._relay.counters,
            resyncs=self._resync.count,
            restarts=max(self._hearing.restarts, 0),
            events_lost=self._hearing.losses,
            solicitations_heard=looks.heard,
            looks=looks.made,
            looks_left_out=looks.left_out,
            records_dropped=self._log.sink.lost,
            hosts=len(self._relay.proxy.hosts),
            started_at=round(clock.date(self._began)),
        )

    def counted(self) -> dict[str, int]:
        """Return the counters that are not zero, for the log."""
        return {name: value for name, value in asdict(self.counters()).items() if value and name != "started_at"}

    async def publish(self, path: Path) -> None:
        """Keep the counters in the file *path*, for ever."""
        file = MetricsFile(path)
        try:
            while True:
                try:
                    file.write(self.counters())
                except OSError as error:
                    self._log.once("warning", "metrics-unwritten", error=f"{path}: {error.strerror}")
                await asyncio.sleep(INTERVAL)
        finally:
            file.remove()

    def answer(self, question: Mapping[str, Any]) -> dict[str, object]:
        """Return the answer to what a client asks."""
        match question:
            case {"what": "state"}:
                return self._state()
            case {"what": "hosts", "addresses": [*words]} if len(words) <= _MOST:
                hosts = filter(None, map(self._relay.proxy.hosts.get, filter(None, map(_address, words))))
                return self._state() | {"hosts": {text(host.address): self._host(host) for host in hosts}}
            case {"what": "address", "address": word} if (address := _address(word)) is not None:
                host = self._relay.proxy.hosts.get(address)
                events = [_event(past) for past in self._relay.history.about(address)]
                return self._state() | {"host": host and self._host(host), "events": events}
        return {"error": "what=state, what=hosts with addresses, or what=address with address was wanted"}

    def _state(self) -> dict[str, object]:
        return {
            "version": __version__,
            "interfaces": list(self._interfaces),
            "up": sorted(self._relay.proxy.placement.usable),
            "uptime": round(self._uptime(), 1),
            "rules": rules.told(self._relay.proxy.rules, self._relay.commands.protocol),
            "counters": asdict(self.counters()),
        }

    def _host(self, host: Host) -> dict[str, object]:
        now = self._relay.now()
        claim = host.claim and {"dev": host.claim[0], "lladdr": host.claim[1], "asked_ago": round(now - host.asked, 1)}
        return {
            "dev": host.dev,
            "lladdr": host.lladdr,
            "state": host.state.value,
            "verified": host.verified,
            "confirmed_ago": round(now - host.confirmed, 1),
            "doubts": host.doubts,
            "claim": claim,
            "route": host.have.route,
            "proxies": list(host.have.proxies),
            "blocked": host.blocked,
            "shadowed": host.shadowed,
        }

    def _uptime(self) -> float:
        return clock.now() - self._began


def _event(past: Past) -> dict[str, object]:
    """Return the fields of the record that the log has of it, at whatever level."""
    about = fields(past.decision)
    del about["address"]  # which was asked for
    when = {"ts": clock.stamp(past.at), "ago": round(clock.now() - past.at, 1)}
    return {**when, "event": past.decision.what.value, **about}


def _address(word: object) -> IPv6Address | None:
    try:
        return parsed(word) if isinstance(word, str) else None
    except (OSError, ValueError):
        return None
