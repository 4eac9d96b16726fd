"""The monitor's lines -> the file of `ndpbr record`."""

from __future__ import annotations

import io
import re

from ndpbr_py.commands.record import Recorder
from ndpbr_py.iproute2.monitor import EventsLost, MonitorExited, MonitorStarted

STAMP = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\]"


class Full(io.BytesIO):
    """A file on a full disk."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_early_lines_come_after_the_header() -> None:
    """No line is lost while the header is being written, and any byte is kept as it is."""
    recorder, file = Recorder(), io.BytesIO()
    recorder.write(["early", "\udcff"])
    recorder.begin(file, ["# header"])
    recorder.write(["late"])

    assert file.getvalue() == b"# header\nearly\n\xff\nlate\n"


def test_gaps_are_recorded() -> None:
    """The monitor's start and end, and lost events, are among its lines, with the time."""
    recorder, file = Recorder(), io.BytesIO()
    recorder.begin(file, [])
    recorder.on_event(MonitorExited("status 1", 1.0))
    recorder.on_event(MonitorStarted(7))
    recorder.on_event(EventsLost("No buffer space available"))

    patterns = (
        f"# monitor-exited: {STAMP} status 1",
        f"# monitor-started: {STAMP}",
        f"# events-lost: {STAMP} No buffer .*",
    )
    lines = file.getvalue().decode().splitlines()
    assert [re.fullmatch(pattern, line) is not None for pattern, line in zip(patterns, lines, strict=True)] == [
        True
    ] * 3


def test_full_disk_ends_the_recording() -> None:
    """A line that cannot be written ends the recording, so there are no gaps."""
    recorder = Recorder()
    recorder.begin(Full(), ["# header"])

    assert recorder.stopped.is_set()
    assert recorder.error is not None
