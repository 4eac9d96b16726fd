"""A request, the end of the interval, or of a wait -> a snapshot of the kernel's tables, reconciled.

Before the snapshot a marker is sent through the monitor. When it comes back, every line that was queued before it has
been handled. So the marker also shows that a new monitor is ready, and that an old one is still alive.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from ndpbr_py.core.events import KernelSnapshot, SnapshotStarted
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.commands import marker
from ndpbr_py.iproute2.monitor import Supervisor
from ndpbr_py.logs.logger import Log
from ndpbr_py.system import clock

_FIRST_TIMEOUT_S = 0.01  # for the marker; a new monitor misses what happens in its first 3 ms
_LAST_TIMEOUT_S = 2.0  # each is twice the one before: 2.5 s in all until the monitor is unresponsive
_REFUSED_WAIT_S = 0.1  # for a monitor to become ready where the kernel refuses the marker
_PAUSE_S = 1.0  # between two snapshots, so that an action that is refused every time costs little
_RETRY_DELAY_S = 5.0  # after a snapshot that failed


class Resync:
    """Takes a snapshot when requested, and once per *interval_s* seconds.

    Args:
        take_snapshot: Reads the kernel's tables.
        prepare: Called before each snapshot.
        dispatcher: Reconciles the snapshot.
        monitor: Restarted when it is unresponsive; None in a dry run, which sends no markers.
        emit: Receives `SnapshotStarted` and the snapshot.
        log: Receives failures.
        retry_in_s: Called after each snapshot: in how many seconds something may be restored that differed in it, and
            could not be restored yet; infinite: nothing.

    Attributes:
        done: Set when the first snapshot has been reconciled.
        count: How many snapshots have been reconciled.
        done_at: When the last one was, as a time of clock.now().
    """

    def __init__(
        self,
        take_snapshot: Callable[[], Awaitable[KernelSnapshot]],
        prepare: Callable[[], None],
        dispatcher: Dispatcher,
        monitor: Supervisor | None,
        emit: Callable[[SnapshotStarted | KernelSnapshot], None],
        log: Log,
        interval_s: float,
        retry_in_s: Callable[[], float] = lambda: float("inf"),
    ) -> None:
        self._take_snapshot = take_snapshot
        self._prepare = prepare
        self._dispatcher = dispatcher
        self._monitor = monitor
        self._emit = emit
        self._log = log
        self._interval_s = interval_s
        self._retry_in_s = retry_in_s
        self._requested = asyncio.Event()
        self._marker_seen = asyncio.Event()
        self._marker_refused = False
        self._sequence = 0
        self.done = asyncio.Event()
        self.count = 0
        self.done_at = 0.0

    def request(self) -> None:
        """Take a snapshot soon."""
        self._requested.set()

    def on_marker(self, lladdr: str | None) -> None:
        """Note that a marker came back through the monitor."""
        if lladdr == marker(self._sequence):
            self._log.condition("warning", "marker-refused", active=False)
            self._marker_seen.set()

    def on_marker_refused(self, error: str) -> None:
        """Note that the kernel refuses markers: snapshots are taken without them."""
        self._log.condition("warning", "marker-refused", active=True, error=error)
        self._marker_refused = True
        self._marker_seen.set()

    async def run(self) -> None:
        """Take snapshots, forever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._interval_s, self._retry_in_s())):
                    await self._requested.wait()
            self._requested.clear()
            await asyncio.sleep(_PAUSE_S if await self._resync() else _RETRY_DELAY_S)

    async def _resync(self) -> bool:
        self._prepare()
        # Before the marker: an action that is carried out after it may not be in the snapshot.
        self._emit(SnapshotStarted())
        # A monitor that has exited is restarted by its supervisor, after a delay.
        monitor = self._monitor
        if monitor is not None and monitor.running and not await self._marker_returns() and monitor.running:
            self._log.record("warning", "monitor-unresponsive")
            monitor.restart_now()
            return True
        try:
            snapshot = await self._take_snapshot()
        except NdpbrError as error:
            self._log.record("warning", "read-failed", error=str(error))
            self.request()
            return False
        self._emit(snapshot)
        await self._dispatcher.reconcile(snapshot)
        self.count += 1
        self.done_at = clock.now()
        self.done.set()
        return True

    async def _marker_returns(self) -> bool:
        """Send markers until one comes back; return whether one did."""
        self._sequence = (self._sequence + 1) % (1 << 24)
        self._marker_seen.clear()
        self._marker_refused = False
        timeout_s = _FIRST_TIMEOUT_S
        while timeout_s <= _LAST_TIMEOUT_S:
            self._dispatcher.mark(self._sequence)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._marker_seen.wait()
                if self._marker_refused:
                    await asyncio.sleep(_REFUSED_WAIT_S)
                return True
            timeout_s *= 2
        return False
