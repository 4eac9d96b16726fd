"""What is not as it must be when the daemon starts -> records."""

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
    """Log every finding that is not ok.  Nothing is started and no table is read again, so it takes milliseconds."""
    # One that is missing was logged as such.
    there = [dev for dev in config.interfaces if Path("/sys/class/net", dev).exists()]
    facts = ProcFs().facts(there, tables, config.protocol, config.state_dir)
    for finding in findings(replace(facts, ip=ip.version, prefixes=config.prefixes)):
        fix = finding.fix or ""
        if finding.status is Status.FAIL:
            log.record("warning", "check-failed", check=finding.name, detail=finding.detail, fix=fix)
        elif finding.status is Status.WARN and finding.asked:
            log.record("warning", "check-warned", check=finding.name, detail=finding.detail, fix=fix)
