"""A clock that is never set -> the date."""

from __future__ import annotations

import time
from calendar import timegm

from ndpbr_py.system import clock


def test_date_is_now() -> None:
    """The date of now() is the system's date."""
    before = time.time()
    date = clock.date(clock.now())

    assert before - 1 < date < time.time() + 1


def test_utc_is_the_logs() -> None:
    """The text is the UTC date of the time that is passed in, to the microsecond."""
    stamp = clock.utc(time.time() - 3600)

    assert stamp[19] == "."
    assert len(stamp) == len("2026-01-01T00:00:00.000000Z")
    assert abs(timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.time() + 3600) < 2
