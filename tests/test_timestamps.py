"""Time stamps of ip -> seconds."""

from __future__ import annotations

from calendar import timegm

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.recording.timestamps import seconds
from tests.builders import FIXTURES

AT = timegm((2026, 11, 23, 11, 33, 45)) + 0.182729


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("[2026-11-23T11:33:45.182729] [NEIGH]2001:db8::1 dev lan0  FAILED", AT),
        ("[2026-11-23T11:33:45.182729] [2026-11-23T11:33:45.182730] 2001:db8::1 dev lan0  FAILED", AT),
        ("Timestamp: Mon Nov 23 11:33:45 2026 182729 usec", AT),
        ("Timestamp: Sun Nov  1 00:00:00 2026 5 usec", timegm((2026, 11, 1, 0, 0, 0)) + 5e-6),
        ("2001:db8::1 dev lan0  FAILED", None),
        ("[NEIGH]2001:db8::1 dev lan0  FAILED", None),
        ("[2026-13-23T11:33:45.182729] ", None),
        ("[0000-01-01T00:00:00.000000] ", None),
        ("Timestamp: Mon Foo 23 11:33:45 2026 182729 usec", None),
        ("", None),
    ],
)
def test_stamp_is_read(line: str, at: float | None) -> None:
    """A line is, or begins with, a stamp; what only looks like one is none."""
    assert seconds(line) == at


@pytest.mark.parametrize("version", ["4.20.0", "5.10.0", "6.1.0", "7.1.0"])
def test_every_ip_stamps_alike(version: str) -> None:
    """Each record of ip -t has a time stamp, in any version, and none is earlier than the one before."""
    lines = (FIXTURES / "captures" / f"fmt-t-{version}.txt").read_text().splitlines()
    times = [at for line in lines if (at := seconds(line)) is not None]

    assert len(times) == sum(line.startswith("Timestamp: ") for line in lines) > 5
    assert times == sorted(times)


@given(st.text())
def test_any_text_may_have_a_time_stamp(line: str) -> None:
    """No text from outside raises an exception."""
    assert seconds(line) is None or line[0] in "[T"
