"""Actions -> batches for ip(8); what was refused -> events.

One `ip -6 -force -batch -` is always started and waiting, since starting one takes milliseconds that the first packet
does not have; each is used once.  (A process fed batch after batch keeps stale interface indexes, and after two
interfaces swap their names silently programs the wrong one.)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable
from itertools import chain, islice
from typing import Protocol

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelProxy, DelRoute, Mark, Probe
from ndpbr_py.core.events import ActionRefused
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.batch import Batch
from ndpbr_py.iproute2.commands import Commands, outcome
from ndpbr_py.iproute2.process import Child, start

LIMIT = 2000  # actions in a batch: a new host's two do not wait behind more
_AGAIN = 1.0  # s, before another process is started in place of one that could not be, or died at once

_Queue = dict[tuple[object, ...], Action]


class Watcher(Protocol):
    """Who is told how it went."""

    def refused(self, event: ActionRefused) -> None:
        """Take note of an action that was not carried out."""

    def in_doubt(self, why: str, actions: int) -> None:
        """Take note of a process that was lost, with that many actions of which nobody knows."""


class Executor:
    """Carries out actions, in order, as soon as they come; probes after everything else."""

    def __init__(self, path: str, commands: Commands, watcher: Watcher) -> None:
        self._path = path
        self._commands = commands
        self._watcher = watcher
        self._queue: _Queue = {}
        self._probes: _Queue = {}
        self._waiting: Child | None = None
        self._work: Batch | None = None
        self._settled = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._prepare()

    def submit(self, actions: Iterable[Action]) -> None:
        """Queue *actions*; nothing is run before `flush()`.

        A later action about the same entry takes the place of an earlier one that has not been run.
        """
        for action in actions:
            kind, key = _key(action)
            queue = self._probes if kind == "probe" else self._queue
            queue.pop(key, None)
            queue[key] = action

    def flush(self) -> None:
        """Run what is queued, unless a batch is under way: then after it."""
        if self._work is not None or self._closed or not (self._queue or self._probes):
            return
        self._prepare()
        child, self._waiting = self._waiting, None
        if child is None:
            return  # it could not be started; the timer tries again
        self._loop.remove_reader(child.fd("stderr"))
        actions = self._taken()
        self._work = Batch(child, actions, self._commands.batch(actions), self._finished)
        self._prepare()

    async def drained(self) -> None:
        """Wait until everything submitted has been run."""
        self.flush()
        while self._work is not None or self._queue or self._probes:
            self._settled.clear()
            await self._settled.wait()

    def close(self) -> None:
        """End the processes; what is queued is dropped."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._work is not None:
            self._work.abandon()
        if self._waiting is not None:
            self._loop.remove_reader(self._waiting.fd("stderr"))
            _end(self._waiting)

    def _taken(self) -> list[Action]:
        """Return the next LIMIT actions, which are queued no longer."""
        taken = list(islice(chain(self._queue.items(), self._probes.items()), LIMIT))
        for key, action in taken:
            del (self._probes if isinstance(action, Probe) else self._queue)[key]
        return [action for _, action in taken]

    def _prepare(self) -> None:
        if self._closed or self._waiting is not None or self._timer is not None:
            return
        try:
            child = start(self._path, "-6", "-color=never", "-force", "-batch", "-", stdin=True)
        except NdpbrError as error:
            self._watcher.in_doubt(str(error), 0)
            self._timer = self._loop.call_later(_AGAIN, self._again)
            return
        self._waiting = child
        self._loop.add_reader(child.fd("stderr"), self._died)

    def _again(self) -> None:
        self._timer = None
        self._prepare()
        self.flush()

    def _died(self) -> None:
        """The waiting process has said something, or ended, although nothing was asked of it."""
        assert self._waiting is not None
        self._loop.remove_reader(self._waiting.fd("stderr"))
        child, self._waiting = self._waiting, None
        self._watcher.in_doubt(f"waiting process {_end(child)}", 0)
        self._timer = self._loop.call_later(_AGAIN, self._again)

    def _finished(self, batch: Batch, said: bytes, early: str | None) -> None:
        self._work = None
        result = outcome(batch.actions, said)
        for refused in result.refused:
            self._watcher.refused(refused)
        if result.undone:
            progress = len(result.undone) < len(batch.actions)
            if early is not None or not progress:
                # What it has done of these only the kernel's tables can tell.
                self._watcher.in_doubt(early or "nothing was done", len(result.undone))
            else:
                queue, probes = self._queue, self._probes
                self._queue, self._probes = {}, {}
                self.submit(chain(result.undone, queue.values(), probes.values()))
        self._settled.set()
        self.flush()


def _key(action: Action) -> tuple[str, tuple[object, ...]]:
    match action:
        case AddRoute() | DelRoute():
            return "route", ("route", action.address, action.dev)
        case AddProxy() | DelProxy():
            return "proxy", ("proxy", action.address, action.dev)
        case Probe():
            return "probe", ("probe", action.address, action.dev)
        case Mark():
            return "mark", ("mark",)
    raise TypeError(f"not for ip(8): {action!r}")


def _end(child: Child) -> str:
    """End a waiting process, and say how it ended."""
    said = b""
    with contextlib.suppress(OSError):
        said = os.read(child.fd("stderr"), 4096)
    child.signal(signal.SIGKILL)
    status = child.wait()
    child.close()
    return f"ended with status {status}" + (f": {said.decode(errors='replace').strip()}" if said else "")
