"""Keeps `ip -6 monitor` running -> the lines that it prints, and events about the process.

Other lines than those about neighbors report interfaces that appear, disappear or are renamed, prefixes and routes that
change, and settings that another program changes.  A monitor prints an interface's old name forever, so it must be
restarted after a rename.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ndpbr_py.core.value import value
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import own_routes
from ndpbr_py.iproute2.process import Child, start

# The largest buffer that the kernel gives (it caps it at net.core.rmem_max): one event takes 832 bytes of it.
OBJECTS = ("neigh", "link", "address", "route", "netconf")
ARGUMENTS: tuple[str, ...] = ("-6", "-color=never", "-rcvbuf", "8388608", "-o", "monitor", "label", *OBJECTS)
_OVERFLOW = b"No buffer space available"
_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 60.0  # the delay doubles from the first to the last
_STABLE_S = 60.0  # a monitor that ran for longer is restarted after the first delay again
_CHUNK_BYTES = 1 << 13  # about 100 lines: ip(8) works on their consequences while the next are read
_MAX_LINE_BYTES = 4096  # real lines are a fifth of it at most


@value
class MonitorLines:
    """The monitor printed *lines*, here without newlines."""

    lines: list[str]


@dataclass(frozen=True, slots=True)
class MonitorStarted:
    """A monitor was started.  It does not listen yet: it misses events of its first milliseconds.

    Attributes:
        names: Index -> name of each interface before the start.
    """

    pid: int
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonitorExited:
    """The monitor ended, or could not be started.

    Attributes:
        status: How it ended, for the log.
        retry_in_s: When the next one is started.
    """

    status: str
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class EventsLost:
    """The kernel had more events than fit into the buffer; *error* is what ip(8) printed."""

    error: str


@dataclass(frozen=True, slots=True)
class MonitorUnfiltered:
    """The monitor prints a line for each route that we add, too, because the kernel refuses to filter them."""

    error: str


MonitorEvent = MonitorLines | MonitorStarted | MonitorUnfiltered | MonitorExited | EventsLost


class Supervisor:
    """Starts the monitor, reads its output and restarts it when it ends.

    Args:
        path: The ip(8) to run.
        emit: Gets every event, always from a callback of the loop.
        options: Options of ip(8) that come before the usual ones.
        hidden_protocol: Routes with this protocol number are not to be printed when they are added; None: print all.
    """

    def __init__(
        self, path: str, emit: Callable[[MonitorEvent], None], *options: str, hidden_protocol: int | None = None
    ) -> None:
        self._path = path
        self._arguments = (*options, *ARGUMENTS)
        self._emit = emit
        self._hidden_protocol = hidden_protocol
        self._has_printed = False  # so it listens
        self._child: Child | None = None
        self._partial_line = b""
        self._retry_delay_s = _FIRST_RETRY_S
        self._started_at = 0.0
        self._next_start: asyncio.Handle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def running(self) -> bool:
        """Whether there is a monitor now, and not a pause before the next."""
        return self._child is not None

    def start(self) -> None:
        """Start the monitor, in the next round of the loop."""
        self._next_start = self._loop.call_soon(self._start)

    def restart_now(self) -> None:
        """Kill the monitor and start another, without the delay that follows an unexpected end."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill the monitor; no other is started, and nothing more is emitted."""
        if self._next_start is not None:
            self._next_start.cancel()
            self._next_start = None
        if self._child is not None:
            self._reap()

    def _start(self) -> None:
        self._next_start = None
        self._partial_line = b""
        self._started_at = self._loop.time()
        try:
            names = dict(socket.if_nameindex())  # not later: what the monitor prints is at least as new
            child = start(self._path, *self._arguments, stdout=True)
        except (NdpbrError, OSError) as error:
            self._on_exit(str(error))
            return
        self._child = child
        self._has_printed = False
        self._loop.add_reader(child.fd("stdout"), self._read_stdout, child)
        self._loop.add_reader(child.fd("stderr"), self._read_stderr, child)
        self._emit(MonitorStarted(child.pid, names))

    def _read_stdout(self, child: Child) -> None:
        chunk = os.read(child.fd("stdout"), _CHUNK_BYTES)
        if not chunk:
            self._on_exit(f"status {self._reap()}")
            return
        whole, newline, self._partial_line = (self._partial_line + chunk).rpartition(b"\n")
        if len(self._partial_line) > _MAX_LINE_BYTES:
            whole, newline, self._partial_line = self._partial_line, b"\n", b""
        if newline:
            self._emit(MonitorLines(whole.decode(errors="surrogateescape").split("\n")))
        if not self._has_printed and self._child is child:
            self._has_printed = True
            if self._hidden_protocol is not None:
                self._hide(child.pid, self._hidden_protocol)

    def _hide(self, pid: int, protocol: int) -> None:
        try:
            own_routes.hide(pid, protocol)
        except OSError as error:
            self._emit(MonitorUnfiltered(error.strerror or str(error)))

    def _read_stderr(self, child: Child) -> None:
        text = os.read(child.fd("stderr"), _CHUNK_BYTES)
        if not text:
            self._loop.remove_reader(child.fd("stderr"))
        elif lost := [line for line in text.splitlines() if _OVERFLOW in line]:
            self._emit(EventsLost(lost[0].decode(errors="replace").strip()))

    def _reap(self) -> int:
        assert self._child is not None
        child, self._child = self._child, None
        self._loop.remove_reader(child.fd("stdout"))
        self._loop.remove_reader(child.fd("stderr"))
        # Not SIGTERM, which a stopped process does not take: there is nothing to clean up.
        child.signal(signal.SIGKILL)
        status = child.wait()
        child.close()
        return status

    def _on_exit(self, status: str) -> None:
        if self._loop.time() - self._started_at > _STABLE_S:
            self._retry_delay_s = _FIRST_RETRY_S
        delay, self._retry_delay_s = self._retry_delay_s, min(self._retry_delay_s * 2, _LAST_RETRY_S)
        self._next_start = self._loop.call_later(delay, self._start)
        self._emit(MonitorExited(status, delay))
