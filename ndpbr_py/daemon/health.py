"""Snapshots -> log records when a check of doctor fails or passes, or when a prefix or the default route comes or goes.

Only changes are logged. Every resync is an occasion, and a change of a route or of forwarding requests one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ndpbr_py.config import RunConfig
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.network_changes import NetworkState
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.doctor.changes import CheckStates
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Status
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.doctor.route_checks import accepts_ra
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log
from ndpbr_py.system import clock

_RA_TIMEOUT_S = 30.0
_ADVERTISED = ("default-route", "prefix")  # the checks of what a router advertisement brings


class Health:
    """Checks what the daemon depends on, from the start on.

    `need net` of a service manager is satisfied before the first router advertisement has come.  So the checks of the
    default route and of the prefix wait for it, where a listed interface accepts router advertisements.

    Attributes:
        checks: Which checks pass.
    """

    def __init__(
        self,
        config: RunConfig,
        listed: Collection[str],
        ip: Program,
        proxy: NdProxy,
        log: Log,
        timeout_s: float = _RA_TIMEOUT_S,
    ) -> None:
        self._config = config
        self._listed = listed
        self._ip = ip
        self._proxy = proxy
        self._log = log
        self._timeout_s = timeout_s
        self._procfs = ProcFs()
        self._network = NetworkState()
        self._tables: KernelSnapshot | None = KernelSnapshot()  # the last ones, until all checks are made
        self._advertised = asyncio.Event()
        self.checks = CheckStates()

    def on_snapshot(self, tables: KernelSnapshot) -> None:
        """Log what has changed."""
        self._log_network(tables)
        if any(route.advertised for route in tables.routes):
            self._advertised.set()
        if self._tables is None:
            self._check(tables)
        else:
            self._tables = tables

    async def run(self) -> None:
        """Make the checks with the last snapshot, and from now on with each new one."""
        if not self._advertised.is_set() and any(map(accepts_ra, self._facts(KernelSnapshot()).listed())):
            self._check(self._tables, without=_ADVERTISED)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await self._advertised.wait()
        self._check(self._tables)
        self._tables = None

    def _facts(self, tables: KernelSnapshot | None) -> Facts:
        """Return the facts.  This takes milliseconds, because no process is started."""
        config, hosts = self._config, self._proxy.hosts
        # The daemon has already logged which interfaces do not exist.
        existing = [dev for dev in self._listed if Path("/sys/class/net", dev).exists()]
        return replace(
            self._procfs.facts(existing, tables, config.protocol, config.state_dir),
            ip=self._ip.version,
            lost_route=self._network.last_default,
            rules=self._proxy.rules,
            hosts=len(hosts),
            most_addresses=hosts.most_addresses(),
        )

    def _check(self, tables: KernelSnapshot | None, without: tuple[str, ...] = ()) -> None:
        found = [it for it in findings(self._facts(tables)) if it.name not in without]
        new, passed = self.checks.update(found, clock.now())
        for it in new:
            if it.status is Status.FAIL:
                self._log.record("warning", "check-failed", check=it.name, detail=it.detail, fix=it.fix)
            else:
                self._log.record("warning", "check-warned", check=it.name, detail=it.detail, fix=it.fix)
        for name, failed_for_s in passed:
            self._log.record("info", "check-passed", check=name, failed_for_s=round(failed_for_s))

    def _log_network(self, snapshot: KernelSnapshot) -> None:
        changes = self._network.changes(snapshot, self._listed, clock.now())
        for prefix, dev in changes.added:
            self._log.limited("info", "prefix-added", prefix=str(prefix), dev=dev)
        for prefix, dev in changes.deprecated:
            self._log.limited("warning", "prefix-deprecated", prefix=str(prefix), dev=dev)
        for prefix, dev in changes.removed:
            self._log.limited("warning", "prefix-removed", prefix=str(prefix), dev=dev)
        if (lost := changes.lost) is not None:
            self._log.record("warning", "default-route-lost", dev=lost.dev, via=lost.gateway and str(lost.gateway))
        if (back := changes.restored) is not None:
            via, lost_for_s = back.gateway and str(back.gateway), round(changes.lost_for_s)
            self._log.record("info", "default-route-restored", dev=back.dev, via=via, lost_for_s=lost_for_s)
