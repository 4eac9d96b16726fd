"""Actions -> the stdin of one process; its stderr -> how far it has come, and how it ended.

Nothing here blocks.  A process that has work and reports no progress is killed, even if more work arrives.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Sequence

from ndpbr_py.core.actions import Action, Advertise
from ndpbr_py.iproute2.process import Child
from ndpbr_py.iproute2.script import BatchScript

_CHUNK_BYTES = 1 << 16
_TAIL_BYTES = 200  # at the end of stderr, with the last checkpoint in them


class Batch:
    """Feeds one process until it is closed.

    Args:
        child: The process, whose stderr is watched from now on.
        script: Turns actions into text, and stderr into an outcome.
        hang_timeout_s: The process is killed if it has work and prints nothing for so long.
        on_progress: Called whenever the process has printed something, with the advertisements acknowledged since.
        on_end: Called with the batch, all of stderr, and why the process ended early (None if it did not).
        actions: Written to the process before anything else.
    """

    def __init__(
        self,
        child: Child,
        script: BatchScript,
        hang_timeout_s: float,
        on_progress: Callable[[Sequence[Advertise]], None],
        on_end: Callable[[Batch, bytes, str | None], None],
        actions: Iterable[Action] = (),
    ) -> None:
        self.script = script
        self.open = True
        self._child = child
        self._hang_timeout_s = hang_timeout_s
        self._on_progress = on_progress
        self._on_end = on_end
        self._done = 0
        self._unwritten = bytearray()
        self._stderr = bytearray()
        self._hung = False
        self._writing = False
        self._loop = asyncio.get_running_loop()
        self._progress_at = self._loop.time()  # or was given its first work since it was idle
        # A host's first packet is on its way: everything else comes after this.
        self.feed(actions)
        # Row "answered after one solicitation" of first_contact: the kernel tends to wake ip(8) on this very processor,
        # behind this process; 300 µs later the packet's race is lost.
        os.sched_yield()
        self._loop.add_reader(child.fd("stderr"), self._read)
        self._timer = self._loop.call_later(hang_timeout_s, self._kill_if_hung)

    @property
    def unfinished(self) -> int:
        """The number of actions that the process was fed and has not reported as done."""
        return len(self.script.actions) - self._done

    def feed(self, actions: Iterable[Action]) -> None:
        """Write *actions* to the process."""
        was_idle = self.unfinished == 0
        self._unwritten += self.script.add(actions)
        self._write()
        if was_idle:
            self._progress_at = self._loop.time()

    def close(self) -> None:
        """Close stdin once everything is written: the process does the rest and ends."""
        self.open = False
        self._write()

    def abandon(self) -> None:
        """Kill the process, without a call of *on_end*."""
        self._on_end = lambda batch, stderr, lost: None
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
            self._unwritten.clear()  # the process has ended: its stderr says why
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._child.stdin)
        if not self.open:
            os.close(self._child.stdin)
            self._child.stdin = None

    def _read(self) -> None:
        try:
            # Until the pipe is empty: in a flood the loop returns here late.
            while chunk := os.read(self._child.fd("stderr"), _CHUNK_BYTES):
                self._stderr += chunk
        except BlockingIOError:
            self._progress_at = self._loop.time()
            self._done = self.script.done(self._stderr[-_TAIL_BYTES:]) or self._done
            self._on_progress(self.script.acknowledged(self._stderr))
            return
        self._end()

    def _kill_if_hung(self) -> None:
        hung_at = self._progress_at + self._hang_timeout_s
        if self._loop.time() < hung_at:
            self._timer = self._loop.call_at(hung_at, self._kill_if_hung)
        else:
            self._kill()

    def _kill(self) -> None:
        self._hung = True
        self._child.signal(signal.SIGKILL)

    def _end(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self._child.fd("stderr"))
        self._unwritten.clear()
        self.close()
        status = self._child.wait()
        self._child.close()
        # A shell's and a loader's statuses: such an ip(8) has done nothing, and its complaint is about no action.
        lost = f"ended with status {status}" if status in (126, 127) else None
        lost = f"ended by signal {-status}" if status < 0 else lost
        self._on_end(self, bytes(self._stderr), f"hung for {self._hang_timeout_s:g} s" if self._hung else lost)
