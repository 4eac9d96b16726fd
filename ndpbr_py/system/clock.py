"""A clock that is never set and runs while the machine sleeps -> the date.

A router without a battery learns the date late.  A time noted before that still gets the right date.
"""

from __future__ import annotations

import time


def now() -> float:
    """Return the seconds since the machine was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def date(at: float) -> float:
    """Return *at*, a time of now(), in seconds since 1970."""
    return time.time() - now() + at


def local() -> str:
    """Return the local time as `ip -ts` prints it."""
    second, fraction = divmod(date(now()), 1)
    return time.strftime(f"[%Y-%m-%dT%H:%M:%S.{int(fraction * 1e6):06d}]", time.localtime(second))


def zone() -> str:
    """Return how far the local time is ahead of UTC, e.g. ``"+0100"``."""
    return time.strftime("%z")


def stamp(at: float) -> str:
    """Return *at*, a time of now(), in UTC as the log writes it."""
    second, fraction = divmod(date(at), 1)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(fraction * 1e6):06d}Z", time.gmtime(second))
