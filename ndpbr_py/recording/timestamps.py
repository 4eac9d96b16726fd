"""Time stamps of `ip -t` and `ip -ts` -> seconds.

Pure.  Grammar: print_timestamp() of iproute2: local time without its zone, names of months as in C.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SHORT = re.compile(r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6})\]")
_LONG = re.compile(r"Timestamp: ([A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \d{4}) (\d{1,6}) usec")


def seconds(line: str) -> float | None:
    """Return the time stamp at the start of *line*, in seconds since 1970 as if it were UTC; None if there is none."""
    try:
        if (short := _SHORT.match(line)) is not None:
            at = datetime.fromisoformat(short[1])
        elif (long := _LONG.match(line)) is not None:
            at = datetime.strptime(long[1], "%a %b %d %H:%M:%S %Y") + timedelta(microseconds=int(long[2]))
        else:
            return None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC).timestamp()
