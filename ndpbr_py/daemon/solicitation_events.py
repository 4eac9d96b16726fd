"""Solicitations heard -> events for the core; and the looks that fall due later.

Without the right to listen (CAP_NET_RAW), or where the kernel refuses, the monitor alone has to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ndpbr_py.core.events import KernelSnapshot, LookupsDue, SolicitationReceived
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets.solicitation_socket import SocketEvent, SocketOpened, SocketRefused, SolicitationSocket


class SolicitationHandler:
    """The listener, and a timer; with *wanted* false nothing is listened to."""

    def __init__(self, dispatcher: Dispatcher, log: Log, *, wanted: bool) -> None:
        self._dispatcher = dispatcher
        self._log = log
        self._wanted = wanted
        self._listener = SolicitationSocket(self._on_events)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def tune(self, kernel: KernelSnapshot) -> None:
        """Listen to what is up, by what was read; where nobody solicits there is nothing to hear."""
        for dev in sorted(kernel.without_nd):
            self._log.once("info", "interface-without-nd", dev=dev)
        indexes = {dev: index for index, dev in kernel.names.items() if dev in kernel.up - kernel.without_nd}
        self._listener.tune(indexes if self._wanted else {})

    def close(self) -> None:
        """Listen no longer."""
        self._listener.close()
        if self._timer is not None:
            self._timer.cancel()

    def _on_events(self, events: Sequence[SocketEvent]) -> None:
        for event in events:
            match event:
                case SocketOpened(dev):
                    self._log.record("debug", "listening", dev=dev)
                case SocketRefused(error):
                    self._log.once("warning", "listen-refused", error=error)
        self._dispatcher.deliver([event for event in events if isinstance(event, SolicitationReceived)])
        self._wake()

    def _due(self) -> None:
        self._timer = None
        self._dispatcher.deliver([LookupsDue()])
        self._wake()

    def _wake(self) -> None:
        """Have the timer run out when the next look is due."""
        at = self._dispatcher.proxy.lookups.next
        if at is None or (self._timer is not None and self._timer.when() <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._due)
