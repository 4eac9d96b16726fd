"""One process at work: it is told actions while they come, then its stdin is closed and its stderr read to the end.

Nothing here blocks.  A process that has work and says nothing for HUNG seconds is killed, whatever comes meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable

from ndpbr_py.core.actions import Action
from ndpbr_py.iproute2.process import Child
from ndpbr_py.iproute2.script import BatchScript

HUNG = 5.0  # s
_CHUNK = 1 << 16
_SIGN = 200  # bytes at the end of what it said, with the last sign among them


class Batch:
    """Feeds *child*; calls *finished* with what it said, and why it ended before its time if it did.

    While more can be fed *progress* is called whenever it has done something.  Its stderr is watched from the first
    feed on.
    """

    def __init__(
        self,
        child: Child,
        script: BatchScript,
        progress: Callable[[], None],
        finished: Callable[[Batch, bytes, str | None], None],
    ) -> None:
        self.script = script
        self.open = True
        self._progress = progress
        self._done = 0
        self._child = child
        self._unwritten = bytearray()
        self._said = bytearray()
        self._finished = finished
        self._hung = False
        self._writing = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, actions: Iterable[Action]) -> None:
        """Have *actions* carried out, too."""
        idle = self.caught_up
        self._unwritten += self.script.add(actions)
        # First this, and then what can wait: a host's first packet is on its way.
        self._write()
        if self._timer is None:
            # The kernel likes to wake ip on this very processor, behind us: 300 µs later the packet's race is lost.
            os.sched_yield()
            self._loop.add_reader(self._child.fd("stderr"), self._read)
        if idle:
            self._wait()

    @property
    def caught_up(self) -> bool:
        """Whether the process says that it has done all that it was told."""
        return self.behind == 0

    @property
    def behind(self) -> int:
        """How many actions it has been told, and not said that it has done."""
        return len(self.script.actions) - self._done

    def close(self) -> None:
        """Say that nothing more will come."""
        self.open = False
        self._write()

    def abandon(self) -> None:
        """Kill it, and report nothing."""
        self._finished = lambda batch, said, early: None
        self._kill()
        self._end()

    def _write(self) -> None:
        if self._child.stdin is None:
            return
        try:
            while self._unwritten:
                del self._unwritten[: os.write(self._child.stdin, self._unwritten)]
        except BlockingIOError:
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._child.stdin, self._write)
            return
        except BrokenPipeError:
            self._unwritten.clear()  # it has ended: its stderr says how
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._child.stdin)
        if not self.open:
            os.close(self._child.stdin)
            self._child.stdin = None

    def _read(self) -> None:
        try:
            # To its end, if it is there already: in a flood the loop comes back late.
            while chunk := os.read(self._child.fd("stderr"), _CHUNK):
                self._said += chunk
        except BlockingIOError:
            self._wait()
            self._done = self.script.done(self._said[-_SIGN:]) or self._done
            if self.open:
                self._progress()
            return
        self._end()

    def _wait(self) -> None:
        """Give it HUNG seconds from now to say something."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(HUNG, self._kill)

    def _kill(self) -> None:
        self._hung = True
        self._child.signal(signal.SIGKILL)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._child.fd("stderr"))
        self._unwritten.clear()
        self.close()
        status = self._child.wait()
        self._child.close()
        early = f"hung for {HUNG:g} s" if self._hung else f"ended by signal {-status}" if status < 0 else None
        self._finished(self, bytes(self._said), early)
