"""One `ip -6 -force -batch -`, started in advance: a start takes milliseconds that a first packet does not have.

The standby process has looked up no listed interface yet, so nothing in it is outdated: an ip(8) caches interface
indexes for its whole life, and after two interfaces swap their names silently programs the wrong one.  It has warmed
up on `lo`: the code and memory that it will need are loaded, which halves the time that its first action takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.batching import Timing
from ndpbr_py.iproute2.process import Child, start


class Standby:
    """Keeps one process started and warm.

    Args:
        path: The ip(8) to start.
        warm_up: Commands that each process runs immediately.
        timing: How long until a process is replaced.
        on_lost: Called with the reason when no process could be started, or the waiting one ended.
        on_ready: Called when there is a process again after that.
    """

    def __init__(
        self, path: str, warm_up: str, timing: Timing, on_lost: Callable[[str], None], on_ready: Callable[[], None]
    ) -> None:
        self._path = path
        self._warm_up = warm_up.encode()
        self._timing = timing
        self._on_lost = on_lost
        self._on_ready = on_ready
        self._child: Child | None = None
        self._retry_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self.fill()

    def pop(self) -> Child | None:
        """Remove and return the standby process; None if none can be started now.

        From now on the caller watches its stderr. It gives the process its work, and calls fill() after that: starting
        the next process takes milliseconds.
        """
        self.fill()
        child, self._child = self._child, None
        return child

    def close(self) -> None:
        """Kill the process."""
        self._closed = True  # a timer that is set does nothing any more
        if self._child is not None:
            self._end(self._child)

    def fill(self) -> None:
        """Start a process, unless there is one, or none could be started a moment ago."""
        if self._closed or self._child is not None or self._retry_timer is not None:
            return
        try:
            child = start(self._path, "-6", "-color=never", "-force", "-batch", "-", stdin=True)
        except NdpbrError as error:
            self._retry_later(str(error))
            return
        with contextlib.suppress(OSError):  # the process has ended: its stderr says why
            os.write(child.fd("stdin"), self._warm_up)
        self._child = child
        self._loop.add_reader(child.fd("stderr"), self._on_stderr)

    def _on_stderr(self) -> None:
        """The standby process has printed something, or ended, although it was given nothing to do."""
        assert self._child is not None
        status, stderr = self._end(self._child)
        if stderr:
            # The warm-up may have been refused: the next process goes without.  ip(8) still counts its lines.
            self._warm_up = b"\n" * self._warm_up.count(b"\n")
        self._retry_later(f"standby process ended with status {status}" + (f": {stderr}" if stderr else ""))

    def _retry_later(self, reason: str) -> None:
        self._loop.call_soon(self._on_lost, reason)
        self._retry_timer = self._loop.call_later(self._timing.retry_delay_s, self._retry)

    def _retry(self) -> None:
        self._retry_timer = None
        self.fill()
        if self._child is not None:
            self._on_ready()

    def _end(self, child: Child) -> tuple[int, str]:
        """Kill the standby process; return its status, and what it printed."""
        self._child = None
        self._loop.remove_reader(child.fd("stderr"))
        stderr = b""
        with contextlib.suppress(OSError):
            stderr = os.read(child.fd("stderr"), 4096)
        child.signal(signal.SIGKILL)
        status = child.wait()
        child.close()
        return status, stderr.decode(errors="replace").strip()
