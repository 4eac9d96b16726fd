"""The findings of one run of the checks after the other -> the checks that have begun to fail, or pass again.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ndpbr_py.doctor.finding import Finding, Status

_PROBLEM_STATUSES = (Status.FAIL, Status.WARN)
_MAX_FINDINGS_PER_CHECK = 10  # findings of one check at a time: other hosts can advertise thousands of prefixes


@dataclass(slots=True)
class _Trouble:
    """A check that does not pass.

    Attributes:
        since_s: When it first did not pass, in seconds.
        known: Its findings that were reported, by status and fix. The text may contain a number that always changes.
    """

    since_s: float
    known: set[tuple[Status, str | None]] = field(default_factory=set)


class CheckStates:
    """Which checks pass.

    Attributes:
        failed: Every check that had a finding, and whether it fails now. A warning is no failure.
    """

    def __init__(self) -> None:
        self.failed: dict[str, bool] = {}
        self._troubles: dict[str, _Trouble] = {}

    def update(self, findings: Iterable[Finding], now: float) -> tuple[list[Finding], list[tuple[str, float]]]:
        """Return the failures and warnings that are new, and the checks that pass again, each with its duration."""
        findings = list(findings)
        self.failed = dict.fromkeys(self.failed, False)
        new: list[Finding] = []
        numbers: Counter[str] = Counter()
        for finding in findings:
            self.failed[finding.name] = self.failed.get(finding.name, False) or finding.status is Status.FAIL
            if finding.status in _PROBLEM_STATUSES and (finding.status, finding.fix) not in self._known(finding.name):
                numbers[finding.name] += 1
                if numbers[finding.name] <= _MAX_FINDINGS_PER_CHECK:
                    new.append(finding)
        for finding in new:
            self._troubles.setdefault(finding.name, _Trouble(now)).known.add((finding.status, finding.fix))
        failing = {finding.name for finding in findings if finding.status in _PROBLEM_STATUSES}
        passed = [name for name in self._troubles if name not in failing]
        return new, [(name, now - self._troubles.pop(name).since_s) for name in passed]

    def _known(self, name: str) -> set[tuple[Status, str | None]]:
        trouble = self._troubles.get(name)
        return trouble.known if trouble is not None else set()
