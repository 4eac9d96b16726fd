"""Rendered records -> standard error or syslogd.  Never blocks, never raises; dropped records are counted.

A daemon that waits for its log answers no solicitation: the pipe or the disk may be full, syslogd may be stopped.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

_MAX_LINE_BYTES = 4096  # PIPE_BUF: a write of that many bytes to a pipe is all or nothing
_MAX_SYSLOG_LINE_BYTES = 1000  # Debian's syslogd reads 1,024, busybox's 2,048 since Alpine 3.15
_MAX_UNSENT_RECORDS = 1000  # kept while no syslogd takes them
_FACILITY_DAEMON = 3 << 3
_SEVERITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class Sink(Protocol):
    """A destination of rendered records; ``dropped`` counts those that were never written."""

    dropped: int

    def write(self, level: str, text: str) -> None:
        """Write one record if that is possible without blocking."""

    def retry(self) -> None:
        """Write what could not be written before: unsent records, or how many were dropped."""


Notice = Callable[[int], str]


class StderrSink:
    """Writes records to a file descriptor, one per line.

    Attributes:
        dropped: How many records were dropped since the start.
        unreported: How many of them no record has reported yet; *notice* renders that record.
    """

    def __init__(self, descriptor: int, notice: Notice) -> None:
        self._descriptor = descriptor
        self._notice = notice
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.dropped = 0
        self.unreported = 0

    def write(self, level: str, text: str) -> None:
        """Write one record, cut to the length that a pipe takes in one piece."""
        if self.unreported:
            self.retry()
        if self.unreported or not self._write_line(text):
            self.unreported += 1
            self.dropped += 1

    def retry(self) -> None:
        """Report how many records were dropped."""
        if self.unreported and self._write_line(self._notice(self.unreported)):
            self.unreported = 0

    def _write_line(self, text: str) -> bool:
        line = text.encode(errors="backslashreplace")[: _MAX_LINE_BYTES - 1] + b"\n"
        try:
            if not any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                return False
            return os.write(self._descriptor, line) == len(line)
        except OSError:
            return False


class SyslogSink:
    """Sends records to syslogd's socket as the C library does; keeps some while syslogd takes none.

    Attributes:
        dropped: How many records were dropped since the start.
        unreported: How many of them no record has reported yet; *notice* renders that record.
    """

    def __init__(self, name: str, notice: Notice, path: str = "/dev/log") -> None:
        self._notice = notice
        self._path = path
        self._tag = f"{name}[{os.getpid()}]: ".encode()
        self._socket: socket.socket | None = None
        self._unsent: deque[bytes] = deque(maxlen=_MAX_UNSENT_RECORDS)
        self.dropped = 0
        self.unreported = 0

    def write(self, level: str, text: str) -> None:
        """Send one record, after those that were not sent yet; the oldest makes room for it."""
        if len(self._unsent) == _MAX_UNSENT_RECORDS:
            self.unreported += 1
            self.dropped += 1
        self._unsent.append(self._line(level, text))
        self.retry()

    def retry(self) -> None:
        """Send the unsent records, then report how many were dropped."""
        try:
            while self._unsent:
                self._send_to_syslog(self._unsent[0])
                self._unsent.popleft()
            if self.unreported:
                self._send_to_syslog(self._line("warning", self._notice(self.unreported)))
                self.unreported = 0
        except BlockingIOError:
            return  # syslogd is busy, or stopped
        except OSError:
            # No syslogd, or a new one: the old socket is connected to none.
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _line(self, level: str, text: str) -> bytes:
        """Return the line about a record, cut to the length that the smallest syslogd reads."""
        priority = f"<{_FACILITY_DAEMON | _SEVERITIES.get(level, 6)}>{time.strftime('%b %e %H:%M:%S')} ".encode()
        return (priority + self._tag + text.encode(errors="backslashreplace"))[:_MAX_SYSLOG_LINE_BYTES]

    def _send_to_syslog(self, line: bytes) -> None:
        if self._socket is None:
            new = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            try:
                new.connect(self._path)
            except OSError:
                new.close()
                raise
            self._socket = new
        self._socket.send(line)
