"""The kernel's tables are read whenever something may have been missed, and once an interval anyhow.

Before a reading a marker is sent through the monitor: what was queued before it has been handled when it comes back.
So it also tells that a new monitor is listening, and that an old one still is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from ndpbr_py.core.events import KernelSnapshot, SnapshotStarted
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.commands import marker
from ndpbr_py.logs.logger import Log

_FIRST_WAIT = 0.01  # s, for the marker; a monitor is deaf for its first 3 ms
_LAST_WAIT = 2.0  # s; 2.5 s in all until the monitor is taken for dead
_UNMARKED = 0.1  # s, for a monitor to listen where no marker can tell
_PAUSE = 1.0  # s between two readings, so that a refusal repeated for ever costs little
_AGAIN = 5.0  # s, after a reading that failed


class Resync:
    """Reads the tables when asked, and once in *interval* seconds.

    Args:
        read: Reads them.
        prepare: Called before each reading.
        listening: Whether a monitor runs now: without one the tables are read all the same.
        silent: Called when the monitor prints nothing any more.
        took: Called with what was read, before the core hears of it.
        interval: In seconds.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[KernelSnapshot]],
        prepare: Callable[[], None],
        listening: Callable[[], bool],
        silent: Callable[[], None],
        took: Callable[[KernelSnapshot], None],
        log: Log,
        interval: float,
    ) -> None:
        self._read = read
        self._prepare = prepare
        self._solicitation_handler = listening
        self._silent = silent
        self._took = took
        self._log = log
        self._interval = interval
        self._wanted = asyncio.Event()
        self._came_back = asyncio.Event()
        self._unmarked = False
        self._sequence = 0
        self.done = asyncio.Event()
        self.count = 0

    def request(self) -> None:
        """Ask for a reading, soon."""
        self._wanted.set()

    def marked(self, lladdr: str | None) -> None:
        """Take note of a marker that came through the monitor."""
        if lladdr == marker(self._sequence):
            self._came_back.set()

    def unmarked(self, error: str) -> None:
        """Take note that the kernel takes no marker: the tables are read all the same."""
        self._log.once("warning", "marker-refused", error=error)
        self._unmarked = True
        self._came_back.set()

    async def run(self, dispatcher: Dispatcher) -> None:
        """Read the tables again and again, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(_PAUSE if await self._once(dispatcher) else _AGAIN)

    async def _once(self, dispatcher: Dispatcher) -> bool:
        self._prepare()
        # Before the marker: what is done behind it may not be done when the tables are read.
        dispatcher.deliver([SnapshotStarted()])
        # One that has ended is started again after its pause, and by nobody else.
        if (
            dispatcher.executor is not None
            and self._solicitation_handler()
            and not await self._heard(dispatcher)
            and self._solicitation_handler()
        ):
            self._log.record("warning", "monitor-unresponsive")
            self._silent()
            return True
        try:
            kernel = await self._read()
        except NdpbrError as error:
            self._log.record("warning", "read-failed", error=str(error))
            self.request()
            return False
        self._took(kernel)
        await dispatcher.reconcile(kernel)
        self.count += 1
        self.done.set()
        return True

    async def _heard(self, dispatcher: Dispatcher) -> bool:
        """Send markers until one comes back; return whether one did."""
        self._sequence = (self._sequence + 1) % (1 << 24)
        self._came_back.clear()
        self._unmarked = False
        wait = _FIRST_WAIT
        while wait <= _LAST_WAIT:
            dispatcher.mark(self._sequence)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._came_back.wait()
                if self._unmarked:
                    await asyncio.sleep(_UNMARKED)
                return True
            wait *= 2
        return False
