"""A recording's lines -> its header, and its time."""

from __future__ import annotations

import pytest

from ndpbr_py.recording.format import Clock, Recording
from ndpbr_py.system import clock


def at(minute: int, second: float = 0.0, hour: int = 12) -> str:
    return f"[2026-11-23T{hour:02d}:{minute:02d}:{second:09.6f}] "


def test_plain_output_of_ip_has_no_header() -> None:
    """What ip printed is all there; a last line without its end counts, for somebody may have typed it."""
    recording = Recording(iter(["# how recorded\n", "one\n", "two"]))

    assert (recording.has_header, recording.values) == (False, {})
    assert list(recording.heard()) == ["# how recorded", "one", "two"]
    assert recording.number == 3


def test_header_ends_before_the_monitors_lines() -> None:
    """Keys and values are told from tables, and the lines of the neighbor cache from the monitor's."""
    lines = [
        "# ndpbr-recording: 1",
        "# kernel: Linux: 6.1",
        "# link: 1: lo: <UP>",
        "a neighbor",
        "# monitor: ip",
        "a line",
    ]
    recording = Recording(f"{line}\n" for line in lines)

    assert recording.has_header
    assert recording.values == {"kernel": "Linux: 6.1"}
    assert list(recording.heard()) == ["a line"]


def test_time_goes_by_in_ticks() -> None:
    """Until the next line the daemon would have looked at the time so often; the last part is shorter."""
    waited: list[float] = []
    recorded = Clock(wait=waited.append)
    ticks = [len(list(recorded.ticks(line))) for line in (at(0), "no stamp", at(1, 45.5), at(1, 46))]

    assert ticks == [0, 0, 3, 0]
    assert waited == [30.0, 30.0, 30.0, 15.5, 0.5]
    assert recorded.now == 106.0


def test_time_never_goes_back() -> None:
    """Where somebody has set the clock back time stands still until it is later than before."""
    recorded = Clock()
    times = []
    for line in (at(10), at(11), at(5), at(10, 30), at(12)):
        list(recorded.ticks(line))
        times.append(recorded.now)

    assert times == [0.0, 60.0, 60.0, 60.0, 120.0]


def test_long_gap_costs_little() -> None:
    """However long nothing was heard, a thousand looks at the time are enough."""
    recorded = Clock()
    list(recorded.ticks(at(0)))

    assert 990 <= len(list(recorded.ticks("[9999-11-23T12:00:00.000000] "))) <= 1000


@pytest.mark.parametrize(("zone", "hour"), [("+0100", 11), ("-0330", 15.5), ("+0000", 12), ("", 12), ("CET", 12)])
def test_date_is_utc(zone: str, hour: float) -> None:
    """The date is that of the line, less what the zone was ahead."""
    recorded = Clock(zone)
    list(recorded.ticks(at(0)))

    assert recorded.date() % 86400 == hour * 3600


def test_date_without_stamps_is_todays() -> None:
    """A recording without stamps happens now."""
    before = clock.date(clock.now())

    assert before - 1 < Clock().date() < before + 60
