"""The kernel's tables are read whenever something may have been missed, and once an interval anyhow.

Before a reading a marker is sent through the monitor: what was queued before it has been handled when it comes back.
So it also tells that a new monitor is listening, and that an old one still is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ndpbr_py.core.events import KernelRead, ReadStarted
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.commands import marker

_FIRST_WAIT = 0.01  # s, for the marker; a monitor is deaf for its first 3 ms
_LAST_WAIT = 2.0  # s; 4 s in all until the monitor is taken for dead
_PAUSE = 1.0  # s between two readings, so that a refusal repeated for ever costs little
_AGAIN = 5.0  # s, after a reading that failed


class Daemon(Protocol):
    """What a reading needs of the daemon."""

    def deliver(self, event: ReadStarted | KernelRead) -> None:
        """Take an event."""

    def mark(self, sequence: int) -> None:
        """Send a marker."""

    def silent(self) -> None:
        """Take note that the monitor prints nothing any more."""

    def unread(self, why: str) -> None:
        """Take note that the tables could not be read."""


class Resync:
    """Reads the tables when asked, when the monitor has been started, and once in *interval* seconds."""

    def __init__(
        self, daemon: Daemon, read: Callable[[], Awaitable[KernelRead]], interval: float, *, dry_run: bool
    ) -> None:
        self._daemon = daemon
        self._read = read
        self._interval = interval
        self._dry_run = dry_run
        self._wanted = asyncio.Event()
        self._came_back = asyncio.Event()
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

    async def run(self) -> None:
        """Read the tables again and again, for ever."""
        while True:
            with_interval = asyncio.timeout(self._interval)
            try:
                async with with_interval:
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            await asyncio.sleep(_PAUSE if await self._once() else _AGAIN)

    async def _once(self) -> bool:
        if not self._dry_run and not await self._heard():
            self._daemon.silent()
            return True
        self._daemon.deliver(ReadStarted())
        try:
            kernel = await self._read()
        except NdpbrError as error:
            self._daemon.unread(str(error))
            self.request()
            return False
        self._daemon.deliver(kernel)
        self.count += 1
        self.done.set()
        return True

    async def _heard(self) -> bool:
        """Send markers until one comes back; return whether one did."""
        self._sequence = (self._sequence + 1) % (1 << 24)
        self._came_back.clear()
        wait = _FIRST_WAIT
        while wait <= _LAST_WAIT:
            self._daemon.mark(self._sequence)
            try:
                async with asyncio.timeout(wait):
                    await self._came_back.wait()
                return True
            except TimeoutError:
                wait *= 2
        return False
