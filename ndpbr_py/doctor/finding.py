"""A check's answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How it is."""

    OK = "ok"
    WARN = "warn"  # hosts may not be reached, or it could not be asked
    FAIL = "fail"  # hosts are not reached


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and the command that mends it, if one does.

    ``asked`` is false where nothing was found because nothing could be asked.
    """

    name: str
    status: Status
    detail: str
    fix: str | None = None
    asked: bool = True


def ok(name: str, detail: str) -> Finding:
    """Return that all is well."""
    return Finding(name, Status.OK, detail)


def warn(name: str, detail: str, fix: str | None = None) -> Finding:
    """Return that hosts may not be reached."""
    return Finding(name, Status.WARN, detail, fix)


def fail(name: str, detail: str, fix: str | None = None) -> Finding:
    """Return that hosts are not reached."""
    return Finding(name, Status.FAIL, detail, fix)


def skipped(name: str, why: str, fix: str | None = None) -> Finding:
    """Return that it could not be asked."""
    return Finding(name, Status.WARN, f"could not be asked: {why}", fix, asked=False)


def setting(path: str, value: int) -> str:
    """Return the command that sets ``net/ipv6/PATH``.

    With slashes, since an interface's name may have dots.
    """
    return f"sysctl -w net/ipv6/{path}={value}"
