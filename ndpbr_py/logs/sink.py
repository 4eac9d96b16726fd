"""Rendered records -> standard error or syslogd.  Never blocks, never raises; dropped records are counted.

A daemon that waits for its log answers no solicitation: the pipe or the disk may be full, syslogd may be stopped.
"""

from __future__ import annotations

import os
import select
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from ndpbr_py.config import LogConfig

_MAX_LINE_BYTES = 4096  # PIPE_BUF: a write of that many bytes to a pipe is all or nothing
_MAX_HEADER_BYTES = len("<30>Nov 23 13:00:00 ndpbr[4194304]: ")
_MAX_UNSENT_RECORDS = 1000  # kept while no syslogd takes them
_FACILITY_DAEMON = 3 << 3
_SEVERITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def max_text_bytes(config: LogConfig) -> int:
    """Return how long the text of a record may be, so that no sink or syslogd cuts it."""
    return config.syslog_bytes - _MAX_HEADER_BYTES if config.syslog else _MAX_LINE_BYTES - 1  # the newline


class Sink(ABC):
    """A destination of rendered records.

    Attributes:
        dropped: How many records were dropped since the start.
        unreported: How many of them no record has reported yet; *notice* renders that record.
    """

    def __init__(self, notice: Callable[[int], str]) -> None:
        self._notice = notice
        self.dropped = 0
        self.unreported = 0

    @abstractmethod
    def write(self, level: str, text: str) -> None:
        """Write one record if that is possible without blocking."""

    @abstractmethod
    def retry(self) -> None:
        """Write what could not be written before: unsent records, then how many were dropped."""

    def _drop(self) -> None:
        self.unreported += 1
        self.dropped += 1


class StderrSink(Sink):
    """Writes records to a file descriptor, one per line."""

    def __init__(self, descriptor: int, notice: Callable[[int], str]) -> None:
        super().__init__(notice)
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, level: str, text: str) -> None:
        """Write one record, after the report of dropped ones."""
        self.retry()
        if self.unreported or not self._write_line(text):
            self._drop()

    def retry(self) -> None:
        """Report how many records were dropped."""
        if self.unreported and self._write_line(self._notice(self.unreported)):
            self.unreported = 0

    def _write_line(self, text: str) -> bool:
        line = text.encode(errors="backslashreplace") + b"\n"
        try:
            if not any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                return False
            return os.write(self._descriptor, line) == len(line)
        except OSError:
            return False


class SyslogSink(Sink):
    """Sends records to syslogd's socket as the C library does; keeps some while syslogd takes none."""

    def __init__(self, name: str, notice: Callable[[int], str], path: str = "/dev/log") -> None:
        super().__init__(notice)
        self._path = path
        self._tag = f"{name}[{os.getpid()}]: ".encode()
        self._socket: socket.socket | None = None
        self._unsent: deque[bytes] = deque(maxlen=_MAX_UNSENT_RECORDS)

    def write(self, level: str, text: str) -> None:
        """Send one record, after those that were not sent yet; the oldest makes room for it."""
        if len(self._unsent) == _MAX_UNSENT_RECORDS:
            self._drop()
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
        priority = f"<{_FACILITY_DAEMON | _SEVERITIES.get(level, 6)}>{time.strftime('%b %e %H:%M:%S')} ".encode()
        return priority + self._tag + text.encode(errors="backslashreplace")

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
