"""Events of every source -> one queue -> one handler, one event at a time.

A source only puts events in. An event that is put while another is handled waits for its turn; all others are handled
before put() returns, because the first packet of a host cannot wait for the event loop to come round.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ndpbr_py.core import events as core
from ndpbr_py.iproute2.executor import ProcessLost
from ndpbr_py.iproute2.monitor import EventsLost, MonitorExited, MonitorLines, MonitorStarted, MonitorUnfiltered
from ndpbr_py.packets.solicitation_socket import SocketOpened, SocketRefused


@dataclass(frozen=True, slots=True)
class MarkerSeen:
    """A marker came back through the monitor; its number is in ``lladdr``."""

    lladdr: str | None


@dataclass(frozen=True, slots=True)
class LinkRenamed:
    """An interface has a new name; one of the two names is listed."""

    dev: str
    old_name: str


@dataclass(frozen=True, slots=True)
class ResyncRequested:
    """Something may have been missed: the kernel's tables must be read."""


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """The daemon received a signal."""

    number: signal.Signals


Event = (
    core.Event
    | core.LineRejected
    | core.ActionFinished
    | MonitorLines
    | MonitorStarted
    | MonitorUnfiltered
    | MonitorExited
    | EventsLost
    | MarkerSeen
    | LinkRenamed
    | ResyncRequested
    | ProcessLost
    | SocketOpened
    | SocketRefused
    | SignalReceived
)


class Inbox:
    """The queue of events.

    Args:
        handle: Handles one event.
        settle: Called when the queue is empty again.
        on_error: Called with an exception of *handle* or *settle*, which is a bug; the other events are handled.
    """

    def __init__(
        self, handle: Callable[[Event], None], settle: Callable[[], None], on_error: Callable[[Exception], None]
    ) -> None:
        self._handle = handle
        self._settle = settle
        self._on_error = on_error
        self._queue: deque[Event] = deque()
        self._busy = False

    def put(self, *events: Event) -> None:
        """Handle *events*, after those that came before them."""
        self._queue.extend(events)
        if self._busy:
            return
        self._busy = True
        while self._queue:
            try:
                while self._queue:
                    self._handle(self._queue.popleft())
                self._settle()
            except Exception as error:  # must not end the source, nor lose the events behind
                self._on_error(error)
        self._busy = False
