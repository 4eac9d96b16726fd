"""One batch under way: its text is written without blocking, what ip(8) says is read to the end.

Whether the process is done is told by the end of file on its stderr; one that has not ended after HUNG is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence

from ndpbr_py.core.actions import Action
from ndpbr_py.iproute2.process import Child

HUNG = 5.0  # s


class Batch:
    """Feeds *text* to *child*; calls *finished* with what it said, and why it ended before its time if it did."""

    def __init__(
        self,
        child: Child,
        actions: Sequence[Action],
        text: bytes,
        finished: Callable[[Batch, bytes, str | None], None],
    ) -> None:
        self.actions = actions
        self._child = child
        self._rest = memoryview(text)
        self._said = bytearray()
        self._finished = finished
        self._hung = False
        self._writing = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(HUNG, self._kill)
        self._loop.add_reader(child.fd("stderr"), self._read)
        self._write()

    def abandon(self) -> None:
        """Kill it, and report nothing."""
        self._finished = lambda batch, said, early: None
        self._kill()
        self._end()

    def _write(self) -> None:
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._child.fd("stdin"), self._rest) :]
        except BlockingIOError:
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._child.fd("stdin"), self._write)
            return
        except BrokenPipeError:
            pass  # it has ended: its stderr says how
        self._close_stdin()

    def _close_stdin(self) -> None:
        if self._child.stdin is not None:
            if self._writing:
                self._loop.remove_writer(self._child.stdin)
            os.close(self._child.stdin)
            self._child.stdin = None

    def _read(self) -> None:
        try:
            chunk = os.read(self._child.fd("stderr"), 1 << 18)
        except BlockingIOError:
            return
        self._said += chunk
        if not chunk:
            self._end()

    def _kill(self) -> None:
        self._hung = True
        self._child.signal(signal.SIGKILL)

    def _end(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self._child.fd("stderr"))
        self._close_stdin()
        status = self._child.wait()
        self._child.close()
        early = f"hung for {HUNG:g} s" if self._hung else f"ended by signal {-status}" if status < 0 else None
        self._finished(self, bytes(self._said), early)
