"""Rendered records -> stderr or syslogd.  Never blocks, never raises; what could not be written is counted.

A daemon that waits for its log is a daemon that answers nobody: a full pipe, a full disk, a syslogd that is stopped.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

_ATOMIC = 4096  # bytes; PIPE_BUF: a write of that many to a pipe is all or nothing
_SYSLOG_LINE = 230  # bytes; busybox syslogd reads 256 and drops the rest
_SYSLOG_KEPT = 1000  # records kept while there is no syslogd
_FACILITY_DAEMON = 3 << 3
_SEVERITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class Sink(Protocol):
    """Takes rendered records; ``lost`` counts those that will never be read."""

    lost: int

    def write(self, level: str, text: str) -> None:
        """Write one record, if that can be done now."""

    def retry(self) -> None:
        """Try again what could not be written, and say what was lost."""


Notice = Callable[[int], str]


class Stream:
    """A file descriptor; *notice* renders the record of how many were dropped."""

    def __init__(self, descriptor: int, notice: Notice) -> None:
        self._descriptor = descriptor
        self._notice = notice
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.dropped = 0  # and not yet told
        self.lost = 0

    def write(self, level: str, text: str) -> None:
        """Write one record, cut to what a pipe takes in one piece."""
        if self.dropped:
            self.retry()
        if self.dropped or not self._put(text):
            self.dropped += 1
            self.lost += 1

    def retry(self) -> None:
        """Say how many records were dropped."""
        if self.dropped and self._put(self._notice(self.dropped)):
            self.dropped = 0

    def _put(self, text: str) -> bool:
        line = text.encode(errors="backslashreplace")[: _ATOMIC - 1] + b"\n"
        try:
            if not any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                return False
            return os.write(self._descriptor, line) == len(line)
        except OSError:
            return False


class Syslog:
    """syslogd's socket, as the C library speaks to it.  Records are kept for a while when nobody listens.

    *notice* renders the record of how many were dropped.
    """

    def __init__(self, name: str, notice: Notice, path: str = "/dev/log") -> None:
        self._notice = notice
        self._path = path
        self._tag = f"{name}[{os.getpid()}]: ".encode()
        self._socket: socket.socket | None = None
        self._kept: deque[bytes] = deque(maxlen=_SYSLOG_KEPT)
        self.dropped = 0  # and not yet told
        self.lost = 0

    def write(self, level: str, text: str) -> None:
        """Send one record, cut to what the smallest syslogd reads."""
        if len(self._kept) == _SYSLOG_KEPT:
            self.dropped += 1
            self.lost += 1
        self._kept.append(self._line(level, text))
        self.retry()

    def retry(self) -> None:
        """Send what was kept."""
        try:
            while self._kept:
                self._connected().send(self._kept[0])
                self._kept.popleft()
            if self.dropped:
                self._connected().send(self._line("warning", self._notice(self.dropped)))
                self.dropped = 0
        except BlockingIOError:
            return  # it is busy, or stopped
        except OSError:
            # No syslogd, or a new one: the old socket leads nowhere.
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _line(self, level: str, text: str) -> bytes:
        priority = f"<{_FACILITY_DAEMON | _SEVERITIES.get(level, 6)}>{time.strftime('%b %e %H:%M:%S')} ".encode()
        return (priority + self._tag + text.encode(errors="backslashreplace"))[:_SYSLOG_LINE]

    def _connected(self) -> socket.socket:
        if self._socket is None:
            new = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            try:
                new.connect(self._path)
            except OSError:
                new.close()
                raise
            self._socket = new
        return self._socket
