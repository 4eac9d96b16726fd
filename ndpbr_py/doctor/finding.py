"""The answer of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How serious a finding is."""

    OK = "ok"
    INFO = "info"  # cannot tell
    WARN = "warn"  # hosts may be unreachable
    FAIL = "fail"  # hosts are unreachable


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, in words, and the command that fixes it, if there is one."""

    name: str
    status: Status
    detail: str
    fix: str | None = None


def ok(name: str, detail: str) -> Finding:
    """Return that the check has passed."""
    return Finding(name, Status.OK, detail)


def info(name: str, detail: str) -> Finding:
    """Return that the check cannot tell."""
    return Finding(name, Status.INFO, detail)


def warn(name: str, detail: str, fix: str | None = None) -> Finding:
    """Return that hosts may be unreachable."""
    return Finding(name, Status.WARN, detail, fix)


def fail(name: str, detail: str, fix: str | None = None) -> Finding:
    """Return that hosts are unreachable."""
    return Finding(name, Status.FAIL, detail, fix)


def setting(path: str, value: int, *, lasting: bool = True) -> str:
    """Return the command that sets ``net/ipv6/PATH``, with a comment that names the file for the next boot.

    With dots; with slashes where the name of an interface contains a dot.
    """
    name = f"net/ipv6/{path}"
    command = f"sysctl -w {name if '.' in path else name.replace('/', '.')}={value}"
    return f"{command}  # also in /etc/sysctl.d/ndpbr.conf" if lasting else command
