"""The seconds since the machine was started, suspended or not -> the date.

A router without a battery learns the date late.  A time recorded before that is still converted to the right date.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> float:
    """Return the seconds since the machine was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def suspended_s() -> float:
    """Return how long the machine has been suspended since it was started, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def date(at: float) -> float:
    """Return *at*, a time of now(), in seconds since 1970."""
    return time.time() - now() + at


def local() -> str:
    """Return the local time as `ip -ts` prints it."""
    return datetime.now().strftime("[%Y-%m-%dT%H:%M:%S.%f]")


def zone() -> str:
    """Return the difference of local time from UTC, e.g. ``+0200``."""
    return time.strftime("%z")


def utc(seconds: float) -> str:
    """Return *seconds* since 1970 in UTC as the log writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def span(seconds: float) -> str:
    """Return a duration in its two largest units, e.g. ``"3 h 12 min"``."""
    whole = max(int(seconds), 0)
    for unit, size, lesser, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {lesser}"
    return f"{whole} s"
