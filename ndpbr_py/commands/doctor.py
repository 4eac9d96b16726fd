"""ndpbr doctor: the facts about this machine -> one line per finding, and a summary; status 1 if a check fails."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence

from ndpbr_py import config
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.collect import collect
from ndpbr_py.doctor.finding import Finding, Status
from ndpbr_py.doctor.machine_checks import daemon
from ndpbr_py.system.terminal import first_word_painted, has_color


def main(arguments: argparse.Namespace) -> int:
    """Print the findings."""
    names = config.interfaces(arguments.interfaces)
    facts = collect(names, arguments.protocol, arguments.state_dir)
    results = [daemon(facts), *findings(facts)]
    if arguments.json:
        checks = [{"name": it.name, "status": it.status.value, "detail": it.detail, "fix": it.fix} for it in results]
        print(json.dumps({"interfaces": list(facts.interfaces), "checks": checks}, indent=1))
    else:
        color = has_color(arguments.color, sys.stdout)
        print("\n".join(first_word_painted(line, color=color) for line in lines(results)))
    return int(any(finding.status is Status.FAIL for finding in results))


def lines(results: Sequence[Finding]) -> list[str]:
    """Return one line per finding, which ends with the command that fixes it, and the summary."""
    count = Counter(finding.status for finding in results)
    failed, warned = count[Status.FAIL], count[Status.WARN]
    return [
        *(f"{it.status.value:4} {it.name}: {it.detail}" + (f"; fix: {it.fix}" if it.fix else "") for it in results),
        f"{len(results)} checks: {failed} failed, {warned} warning{'s' if warned != 1 else ''}",
    ]
