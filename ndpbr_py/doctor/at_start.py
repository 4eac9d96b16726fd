"""What is not as it must be when the daemon starts -> records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ndpbr_py.config import RunConfig
from ndpbr_py.core.events import KernelRead
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.finding import Status
from ndpbr_py.doctor.gather import Machine
from ndpbr_py.iproute2.program import Program
from ndpbr_py.log import Log


def report(config: RunConfig, ip: Program, tables: KernelRead | None, log: Log) -> None:
    """Log every finding that is not ok.  Nothing is started and no table is read again, so it takes milliseconds."""
    # One that is missing was logged as such.
    there = [dev for dev in config.interfaces if Path("/sys/class/net", dev).exists()]
    facts = Machine().facts(there, tables, config.protocol, config.state_dir)
    for finding in findings(replace(facts, ip=ip.version, prefixes=config.prefixes)):
        mend = finding.mend or ""
        if finding.status is Status.FAIL:
            log.record("warning", "check-failed", check=finding.name, found=finding.found, mend=mend)
        elif finding.status is Status.WARN and finding.asked:
            log.record("warning", "check-warned", check=finding.name, found=finding.found, mend=mend)
