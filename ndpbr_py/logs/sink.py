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
from contextlib import suppress

from ndpbr_py.config import LogConfig

_MAX_WRITE_BYTES = 4096  # PIPE_BUF: a write of that many bytes to a pipe is all or nothing
_MAX_HEADER_BYTES = len("<30>Nov 23 13:00:00 ndpbr[4194304]: ")
_MAX_UNSENT_RECORDS = 1000  # kept while no syslogd takes them
_FACILITY_DAEMON = 3 << 3
_SEVERITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def max_text_bytes(config: LogConfig) -> int:
    """Return how long the text of a record may be, so that no sink or syslogd cuts it."""
    return config.syslog_bytes - _MAX_HEADER_BYTES if config.syslog else _MAX_WRITE_BYTES - 1  # the newline


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
        """Take one record; `flush()` writes it."""

    @abstractmethod
    def flush(self) -> None:
        """Write what is possible without blocking: the records that were taken, and how many were dropped."""

    def _drop(self, count: int = 1) -> None:
        self.unreported += count
        self.dropped += count


class StderrSink(Sink):
    """Writes records to a file descriptor, one per line, as many in one call as a pipe takes whole."""

    def __init__(self, descriptor: int, notice: Callable[[int], str]) -> None:
        super().__init__(notice)
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lines = b""

    def write(self, level: str, text: str) -> None:
        """Take one record."""
        line = encoded(text) + b"\n"
        if len(self._lines) + len(line) > _MAX_WRITE_BYTES:
            self.flush()
        self._lines += line

    def flush(self) -> None:
        """Report how many records were dropped, then write those that were taken; drop them if that is impossible."""
        if self.unreported and not self._unwritten(encoded(self._notice(self.unreported)) + b"\n"):
            self.unreported = 0
        if self._lines:
            self._drop((self._lines if self.unreported else self._unwritten(self._lines)).count(b"\n"))
            self._lines = b""

    def _unwritten(self, lines: bytes) -> bytes:
        """Write *lines*; return what was not written of them."""
        with suppress(OSError):
            if any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                return lines[os.write(self._descriptor, lines) :]
        return lines


class SyslogSink(Sink):
    """Sends records to syslogd's socket as the C library does; keeps some while syslogd takes none."""

    def __init__(self, name: str, notice: Callable[[int], str], path: str = "/dev/log") -> None:
        super().__init__(notice)
        self._path = path
        self._tag = f"{name}[{os.getpid()}]: ".encode()
        self._socket: socket.socket | None = None
        self._unsent: deque[bytes] = deque(maxlen=_MAX_UNSENT_RECORDS)

    def write(self, level: str, text: str) -> None:
        """Take one record; the oldest that could not be sent makes room for it."""
        if len(self._unsent) == _MAX_UNSENT_RECORDS:
            self.flush()
        if len(self._unsent) == _MAX_UNSENT_RECORDS:
            self._drop()
        self._unsent.append(self._line(level, text))

    def flush(self) -> None:
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
        return priority + self._tag + encoded(text)

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


def encoded(text: str) -> bytes:
    """Return the bytes of a record; a byte that is no character, e.g. of a file name, is escaped."""
    return text.encode(errors="backslashreplace")
