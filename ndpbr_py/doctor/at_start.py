"""The findings of doctor when the daemon starts -> log records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ndpbr_py.config import RunConfig
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.finding import Status
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log


def report(config: RunConfig, ip: Program, tables: KernelSnapshot | None, log: Log) -> None:
    """Log every warning and failure.

    This takes milliseconds: no process is started, and the tables of the first snapshot are used.
    """
    # The daemon has already logged which interfaces do not exist.
    existing = [dev for dev in config.interfaces if Path("/sys/class/net", dev).exists()]
    facts = ProcFs().facts(existing, tables, config.protocol, config.state_dir)
    for finding in findings(replace(facts, ip=ip.version, prefixes=config.prefixes, statics=config.statics)):
        if finding.status is Status.FAIL:
            log.record("warning", "check-failed", check=finding.name, detail=finding.detail, fix=finding.fix)
        elif finding.status is Status.WARN:
            log.record("warning", "check-warned", check=finding.name, detail=finding.detail, fix=finding.fix)
