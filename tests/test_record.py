"""What the monitor says -> the file of `ndpbr record`."""

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


def test_what_is_heard_early_comes_after_the_header() -> None:
    """Nothing that the monitor says is lost while the header is being written; any bytes are kept as they are."""
    recorder, file = Recorder(), io.BytesIO()
    recorder.heard(["early", "\udcff"])
    recorder.begin(file, ["# header"])
    recorder.heard(["late"])

    assert file.getvalue() == b"# header\nearly\n\xff\nlate\n"


def test_gaps_are_remarked() -> None:
    """What became of the monitor is among its lines, with the time."""
    recorder, file = Recorder(), io.BytesIO()
    recorder.begin(file, [])
    recorder.on_event(MonitorExited("status 1", 1.0))
    recorder.on_event(MonitorStarted(7))
    recorder.on_event(EventsLost("No buffer space available"))

    wanted = (
        f"# monitor-exited: {STAMP} status 1",
        f"# monitor-started: {STAMP}",
        f"# events-lost: {STAMP} No buffer .*",
    )
    lines = file.getvalue().decode().splitlines()
    assert [re.fullmatch(pattern, line) is not None for pattern, line in zip(wanted, lines, strict=True)] == [True] * 3


def test_full_disk_ends_the_recording() -> None:
    """What cannot be written is an end, and not a recording with holes."""
    recorder = Recorder()
    recorder.begin(Full(), ["# header"])

    assert recorder.stopped.is_set()
    assert recorder.error is not None
