"""One `ip -6 -force -batch -` started and waiting, since starting one takes milliseconds that a first packet has not.

It has looked up no listed interface yet, so that it has nothing stale: an ip(8) keeps interface indexes for as long as
it lives, and after two interfaces swap their names silently programs the wrong one.  It has rehearsed on `lo`: what
code and memory it will need is there then, which halves the time that its first action takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import Child, start

_AGAIN = 1.0  # s, before another is started in place of one that could not be, or died while it waited


class Standby:
    """Keeps one process in reserve.

    Args:
        path: The ip(8) to start.
        rehearsal: Lines that it runs at once.
        lost: Called with what happened to one that was lost.
        back: Called when there is one again after that.
    """

    def __init__(self, path: str, warm_up: str, lost: Callable[[str], None], back: Callable[[], None]) -> None:
        self._path = path
        self._rehearsal = warm_up.encode()
        self._lost = lost
        self._back = back
        self._waiting: Child | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self.fill()

    def take(self) -> Child | None:
        """Return the waiting process, which waits no longer; None if none can be had now.

        Whoever takes it watches its stderr from now on, in place of this.
        """
        self.fill()
        child, self._waiting = self._waiting, None
        return child

    def fill(self) -> None:
        """Start a process, unless one waits, or could not be started a moment ago."""
        if self._closed or self._waiting is not None or self._timer is not None:
            return
        try:
            child = start(self._path, "-6", "-color=never", "-force", "-batch", "-", stdin=True)
        except NdpbrError as error:
            self._again(str(error))
            return
        with contextlib.suppress(OSError):  # it has ended: its stderr says how
            os.write(child.fd("stdin"), self._rehearsal)
        self._waiting = child
        self._loop.add_reader(child.fd("stderr"), self._died)

    def close(self) -> None:
        """End the process."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if (child := self.take()) is not None:
            self._loop.remove_reader(child.fd("stderr"))
            _end(child)

    def _died(self) -> None:
        """It has said something, or ended, although nothing was asked of it."""
        if (child := self.take()) is not None:
            self._loop.remove_reader(child.fd("stderr"))
            status, said = _end(child)
            if said:
                # Be it the rehearsal that was refused: the next goes without, but ip counts its lines.
                self._rehearsal = b"\n" * self._rehearsal.count(b"\n")
            self._again(f"waiting process ended with status {status}" + (f": {said}" if said else ""))

    def _again(self, why: str) -> None:
        self._lost(why)
        self._timer = self._loop.call_later(_AGAIN, self._retry)

    def _retry(self) -> None:
        self._timer = None
        self.fill()
        if self._waiting is not None:
            self._back()


def _end(child: Child) -> tuple[int, str]:
    """End a waiting process; return its status, and what it said."""
    said = b""
    with contextlib.suppress(OSError):
        said = os.read(child.fd("stderr"), 4096)
    child.signal(signal.SIGKILL)
    status = child.wait()
    child.close()
    return status, said.decode(errors="replace").strip()
