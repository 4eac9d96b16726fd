"""Keeps `ip -6 monitor neigh` alive -> the lines it prints, and what became of it.

Link and address lines are asked for, too: they tell of interfaces that come, go or are renamed, and of prefixes that
change.  A monitor prints an interface's old name for ever, so after a rename it must be started anew.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Protocol

from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import Child, start

# The largest buffer that the kernel gives (it caps it at net.core.rmem_max): one event takes 832 bytes of it.
ARGUMENTS = ("-6", "-color=never", "-rcvbuf", "8388608", "-o", "monitor", "label", "link", "address", "neigh")
_LOST = b"No buffer space available"
_BACK_OFF = (1.0, 60.0)  # s: the first, and the longest
_CALM = 60.0  # s of life after which a monitor's end starts the back-off anew
_CHUNK = 1 << 13  # bytes, some 100 lines: ip works on what follows from them while the next are read
_LONGEST = 4096  # bytes; a line is a fifth of it at the most


class SolicitationSocket(Protocol):
    """Who is told what the monitor says."""

    def heard(self, lines: list[str]) -> None:
        """Take lines, without their newlines."""

    def lost(self, complaint: str) -> None:
        """Take note that events were lost."""

    def started(self, pid: int) -> None:
        """Take note that a monitor was started: it is not listening yet."""

    def ended(self, status: str, retry_in_s: float) -> None:
        """Take note that the monitor has ended, or could not be started."""


class Supervisor:
    """Starts the monitor, reads it, starts it again; *options* of ip(8) come before the usual ones."""

    def __init__(self, path: str, listener: SolicitationSocket, *options: str) -> None:
        self._path = path
        self._arguments = (*options, *ARGUMENTS)
        self._listener = listener
        self._child: Child | None = None
        self._torn = b""
        self._delay = _BACK_OFF[0]
        self._born = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def running(self) -> bool:
        """Whether there is a monitor now, and not a pause before the next."""
        return self._child is not None

    def start(self) -> None:
        """Start the monitor."""
        self._timer = None
        try:
            child = start(self._path, *self._arguments, stdout=True)
        except NdpbrError as error:
            self._retry(str(error))
            return
        self._child = child
        self._torn = b""
        self._born = self._loop.time()
        self._loop.add_reader(child.fd("stdout"), self._read)
        self._loop.add_reader(child.fd("stderr"), self._complaint)
        self._listener.started(child.pid)

    def restart(self) -> None:
        """End the monitor and start another at once."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End the monitor, for good."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._child is not None:
            # A stopped process takes no SIGTERM, and there is nothing for it to clean up.
            self._child.signal(signal.SIGKILL)
            self._reap()

    def _read(self) -> None:
        assert self._child is not None
        try:
            chunk = os.read(self._child.fd("stdout"), _CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            self._retry(f"status {self._reap()}")
            return
        whole, newline, self._torn = (self._torn + chunk).rpartition(b"\n")
        if len(self._torn) > _LONGEST:
            whole, newline, self._torn = self._torn, b"\n", b""
        if newline:
            self._listener.heard(whole.decode(errors="surrogateescape").split("\n"))

    def _complaint(self) -> None:
        assert self._child is not None
        try:
            said = os.read(self._child.fd("stderr"), _CHUNK)
        except BlockingIOError:
            return
        if not said:
            self._loop.remove_reader(self._child.fd("stderr"))
        elif _LOST in said:
            self._listener.lost(said.decode(errors="replace").strip().splitlines()[0])

    def _reap(self) -> int:
        assert self._child is not None
        child, self._child = self._child, None
        self._loop.remove_reader(child.fd("stdout"))
        self._loop.remove_reader(child.fd("stderr"))
        child.signal(signal.SIGKILL)
        status = child.wait()
        child.close()
        return status

    def _retry(self, status: str) -> None:
        if self._loop.time() - self._born > _CALM:
            self._delay = _BACK_OFF[0]
        delay, self._delay = self._delay, min(self._delay * 2, _BACK_OFF[1])
        self._timer = self._loop.call_later(delay, self.start)
        self._listener.ended(status, delay)
