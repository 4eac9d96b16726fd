"""Records to standard error or to syslogd: never blocking, never raising; dropped records are counted."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ndpbr_py.logs.sink import StderrSink, SyslogSink


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return both ends of a pipe; the one to be read does not block."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test has closed it


def dropped(count: int) -> str:
    """Return the record about dropped records."""
    return f"event=log-records-dropped count={count}"


def syslogd(path: Path) -> socket.socket:
    """Return a socket as syslogd has it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path))
    listener.settimeout(1.0)
    return listener


def texts(listener: socket.socket) -> list[str]:
    """Return what has arrived, without priority, time and tag."""
    listener.setblocking(False)
    found = []
    while True:
        try:
            found.append(listener.recv(4096).decode().partition("]: ")[2])
        except BlockingIOError:
            return found


def test_record_is_a_line(pipe: tuple[int, int]) -> None:
    """One record, one line."""
    read, write = pipe
    stream = StderrSink(write, dropped)

    stream.write("info", "event=one")
    stream.write("info", "event=\udcff")
    stream.flush()

    assert os.read(read, 100) == b"event=one\nevent=\\udcff\n"


def test_one_call_writes_as_many_records_as_a_pipe_takes_whole(pipe: tuple[int, int]) -> None:
    """PIPE_BUF bytes: such a write never blocks and is never cut; what does not fit is the next one."""
    read, write = pipe
    stream = StderrSink(write, dropped)
    for _ in range(5):
        stream.write("info", "x" * 999)

    assert os.read(read, 1 << 20) == (b"x" * 999 + b"\n") * 4
    stream.flush()
    assert os.read(read, 1 << 20) == b"x" * 999 + b"\n"


def test_full_pipe_drops_and_counts(pipe: tuple[int, int]) -> None:
    """With no reader records are dropped without waiting; with one again, their number is the first record."""
    read, write = pipe
    stream = StderrSink(write, dropped)
    while stream.unreported == 0:
        stream.write("info", "x" * 1000)
        stream.flush()
    stream.write("info", "dropped, too")
    stream.flush()
    assert stream.unreported == 2

    os.read(read, 1 << 20)
    stream.write("info", "event=after")
    stream.flush()

    assert os.read(read, 1 << 20) == b"event=log-records-dropped count=2\nevent=after\n"
    assert stream.unreported == 0


def test_dropped_records_are_reported_without_another_record(pipe: tuple[int, int]) -> None:
    """Even if nothing more is logged, the number of dropped records is."""
    read, write = pipe
    stream = StderrSink(write, dropped)
    while stream.unreported == 0:
        stream.write("info", "x" * 1000)
        stream.flush()
    os.read(read, 1 << 20)

    stream.flush()

    assert os.read(read, 1 << 20) == b"event=log-records-dropped count=1\n"


@pytest.mark.parametrize("end", [0, 1])
def test_closed_standard_error_is_survived(end: int, pipe: tuple[int, int]) -> None:
    """With the reader or the descriptor itself gone, records are counted and nothing is raised."""
    stream = StderrSink(pipe[1], dropped)
    os.close(pipe[end])

    stream.write("info", "event=one")
    stream.flush()

    assert stream.unreported == 1


def test_full_disk_is_survived() -> None:
    """A log that cannot grow is no reason to stop."""
    with open("/dev/full", "wb", buffering=0) as full:
        stream = StderrSink(full.fileno(), dropped)
        stream.write("info", "event=one")
        stream.flush()

        assert stream.unreported == 1


@pytest.mark.parametrize(("level", "priority"), [("debug", 31), ("info", 30), ("warning", 28), ("error", 27)])
def test_syslog_record_is_as_the_c_library_writes_it(level: str, priority: int, tmp_path: Path) -> None:
    """Facility daemon, the level's severity, time, name and pid."""
    with closing(syslogd(tmp_path / "log")) as listener:
        syslog = SyslogSink("ndpbr", dropped, str(tmp_path / "log"))
        syslog.write(level, "event=one")
        syslog.flush()
        record = listener.recv(4096).decode()

    head, _, text = record.partition(f" ndpbr[{os.getpid()}]: ")
    assert text == "event=one"
    assert head.startswith(f"<{priority}>")
    assert len(head.removeprefix(f"<{priority}>")) == len("Nov 23 13:00:00")


def test_missing_syslogd_is_waited_for(tmp_path: Path) -> None:
    """Records from before syslogd was started come when it is, in order."""
    syslog = SyslogSink("ndpbr", dropped, str(tmp_path / "log"))
    syslog.write("info", "event=one")
    syslog.write("info", "event=two")

    with closing(syslogd(tmp_path / "log")) as listener:
        syslog.flush()

        assert texts(listener) == ["event=one", "event=two"]


def test_restarted_syslogd_gets_what_it_missed(tmp_path: Path) -> None:
    """After a restart the socket is another; nothing that was logged in between is lost."""
    syslog = SyslogSink("ndpbr", dropped, str(tmp_path / "log"))
    with closing(syslogd(tmp_path / "log")):
        syslog.write("info", "event=before")
        syslog.flush()
    syslog.write("info", "event=between")
    syslog.flush()
    (tmp_path / "log").unlink()

    with closing(syslogd(tmp_path / "log")) as listener:
        syslog.write("info", "event=after")
        syslog.flush()

        assert texts(listener) == ["event=between", "event=after"]


def test_stopped_syslogd_does_not_block(tmp_path: Path) -> None:
    """A syslogd that does not read gets what its socket holds; the next records wait, and dropped ones are counted."""
    with closing(syslogd(tmp_path / "log")) as listener:
        syslog = SyslogSink("ndpbr", dropped, str(tmp_path / "log"))
        for number in range(2000):
            syslog.write("info", f"event={number}")
        assert syslog.unreported > 0

        got: list[str] = []
        while (more := texts(listener)) or not got:
            got += more
            syslog.flush()

    notices = [text for text in got if text.startswith("event=log-records-dropped")]
    assert sum(int(text.rpartition("=")[2]) for text in notices) == 2000 - (len(got) - len(notices))
    assert got[-1] == notices[-1]
    assert syslog.unreported == 0
