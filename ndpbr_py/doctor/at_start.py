"""The findings of doctor when the daemon starts -> log records."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ndpbr_py.config import RunConfig
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Finding, Status
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.doctor.route_checks import accepts_ra
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log

_RA_TIMEOUT_S = 30.0
_ADVERTISED = ("default-route", "prefix")  # the checks of what a router advertisement brings


class StartReport:
    """Logs every warning and failure once.

    `need net` of a service manager is satisfied before the first router advertisement has come.  So the checks of the
    default route and of the prefix wait for it, where a listed interface accepts router advertisements.
    """

    def __init__(self, config: RunConfig, ip: Program, log: Log, timeout_s: float = _RA_TIMEOUT_S) -> None:
        self._config = config
        self._ip = ip
        self._log = log
        self._timeout_s = timeout_s
        self._tables = KernelSnapshot()
        self._advertised = asyncio.Event()

    def on_snapshot(self, tables: KernelSnapshot) -> None:
        """Use *tables* from now on."""
        self._tables = tables
        if any(route.advertised for route in tables.routes):
            self._advertised.set()

    async def run(self) -> None:
        """Log the findings; no process is started."""
        facts = self._facts()
        if self._advertised.is_set() or not any(map(accepts_ra, facts.listed())):
            self._write(findings(facts))
            return
        self._write([finding for finding in findings(facts) if finding.name not in _ADVERTISED])
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._advertised.wait()
        self._write([finding for finding in findings(self._facts()) if finding.name in _ADVERTISED])

    def _facts(self) -> Facts:
        config = self._config
        # The daemon has already logged which interfaces do not exist.
        existing = [dev for dev in config.interfaces if Path("/sys/class/net", dev).exists()]
        facts = ProcFs().facts(existing, self._tables, config.protocol, config.state_dir)
        return replace(facts, ip=self._ip.version, prefixes=config.prefixes, statics=config.statics)

    def _write(self, found: list[Finding]) -> None:
        for finding in found:
            if finding.status is Status.FAIL:
                self._log.record("warning", "check-failed", check=finding.name, detail=finding.detail, fix=finding.fix)
            elif finding.status is Status.WARN:
                self._log.record("warning", "check-warned", check=finding.name, detail=finding.detail, fix=finding.fix)
