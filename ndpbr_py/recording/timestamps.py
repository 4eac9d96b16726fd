"""Time stamps of `ip -t` and `ip -ts` -> seconds.

Pure.  Grammar: print_timestamp() of iproute2: local time without its zone, names of months as in C.
"""

from __future__ import annotations

import re
from calendar import timegm

_SHORT = re.compile(r"\[(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{1,6})\]")
_LONG = re.compile(r"Timestamp: [A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4}) (\d{1,6}) usec")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seconds(line: str) -> float | None:
    """Return the time stamp at the start of *line*, in seconds since 1970 as if it were UTC; None if there is none."""
    if (short := _SHORT.match(line)) is not None:
        year, month, day, hour, minute, second, micro = map(int, short.groups())
    elif (long := _LONG.match(line)) is not None and long.group(1) in _MONTHS:
        month = _MONTHS.index(long.group(1)) + 1
        day, hour, minute, second, year, micro = map(int, long.groups()[1:])
    else:
        return None
    try:
        return timegm((year, month, day, hour, minute, second)) + micro / 1e6
    except ValueError:
        return None
