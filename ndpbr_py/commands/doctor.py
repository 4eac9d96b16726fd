"""ndpbr doctor: everything that must be right -> a line a check, or one JSON object; status 1 if something is not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ndpbr_py import config
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.collect import collect
from ndpbr_py.doctor.finding import Finding, Status


def main(arguments: argparse.Namespace) -> int:
    """Print what the checks find."""
    names = config.interfaces(arguments.interfaces)
    facts = collect(names, arguments.protocol, arguments.state_dir)
    found = findings(facts)
    if arguments.json:
        print(json.dumps({"interfaces": list(facts.interfaces), "checks": [_fields(it) for it in found]}, indent=1))
    else:
        print("\n".join(lines(found)))
    return int(any(finding.status is Status.FAIL for finding in found))


def lines(found: Sequence[Finding]) -> list[str]:
    """Return a line a finding, with the command that mends it at its end."""
    return [
        f"{finding.status.value:4} {finding.name}: {finding.detail}" + (f"; fix: {finding.fix}" if finding.fix else "")
        for finding in found
    ]


def _fields(finding: Finding) -> dict[str, str | None]:
    return {"name": finding.name, "status": finding.status.value, "found": finding.detail, "mend": finding.fix}
