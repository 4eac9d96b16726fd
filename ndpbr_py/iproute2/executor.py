"""Actions -> batches for ip(8); what was refused -> events.

A batch is written while it is being decided on, so that the kernel and the daemon work side by side; when ip(8) has
caught up, and nothing more comes, it is closed, and the next one has a process of its own (reserve.py says why).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import chain, islice
from typing import Protocol

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelProxy, DelRoute, Mark, Probe, RejoinGroup
from ndpbr_py.core.events import ActionRefused
from ndpbr_py.core.ratelimit import TokenBucket
from ndpbr_py.iproute2.batch import Batch
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.idle import IdleCallback
from ndpbr_py.iproute2.script import STEP, BatchScript
from ndpbr_py.iproute2.standby import Standby

LIMIT = 2000  # actions under way: a new host's two do not wait behind more
_ENTRIES = LIMIT - 200  # of a batch; the rest is for probes: owners are asked also while others claim their addresses
_CROWD = 1000  # probes under way, where thousands are to be made
_MOST = 10000  # actions of one process, where most are probes
_THINGS: dict[type[Action], str] = {
    AddRoute: "route",
    DelRoute: "route",
    AddProxy: "proxy",
    DelProxy: "proxy",
    Probe: "probe",
}
_ABOUT_ONE = (AddRoute, AddProxy, DelRoute, DelProxy, Probe)
_URGENT = (AddRoute, AddProxy, Mark)  # a packet is on its way
_STARTS_A_SECOND, _STARTS_AT_ONCE = 50.0, 20.0
_GATHER = 0.01  # s
_REST = 0.002  # s
_SHARED = 0.25  # s that a process works for whoever comes, if one was needed that lately, or nobody waits for it

_Queue = dict[tuple[object, ...], Action]


class Watcher(Protocol):
    """Who is told how it went."""

    def refused(self, event: ActionRefused) -> None:
        """Take note of an action that was not carried out."""

    def on_process_lost(self, why: str, actions: int) -> None:
        """Take note of a process that was lost, with that many actions of which nobody knows."""


class Executor:
    """Carries out actions, in order, as soon as they come; probes after everything else."""

    def __init__(self, path: str, commands: Commands, watcher: Watcher) -> None:
        self._commands = commands
        self._watcher = watcher
        self._queue: _Queue = {}
        self._probes: _Queue = {}
        self._work: Batch | None = None
        self._step = STEP
        self._entries = 0  # of the batch under way
        self._settled = asyncio.Event()
        self._closed = False
        self._urgent = False
        self._starts = TokenBucket(_STARTS_A_SECOND, _STARTS_AT_ONCE)
        self._gathering: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._opened = float("-inf")
        self._sharing: asyncio.TimerHandle | None = None
        self._idle = IdleCallback(self._close)
        self._loop = asyncio.get_running_loop()
        self._rehearsal = commands.warm_up()
        self._standby = Standby(path, self._rehearsal, lambda why: watcher.on_process_lost(why, 0), self.flush)

    def submit(self, actions: Iterable[Action]) -> None:
        """Queue *actions*; nothing is run before `flush()`.

        A later action about the same entry takes the place of an earlier one that has not been run.
        """
        for action in actions:
            key = _key(action)
            queue = self._probes if isinstance(action, Probe) else self._queue
            queue.pop(key, None)
            queue[key] = action
            self._urgent = self._urgent or isinstance(action, _URGENT)

    def flush(self) -> None:
        """Run what is queued: at once if a host waits for it, or after a batch that takes no more."""
        if self._closed or not (self._queue or self._probes):
            return
        if self._work is None and not self._now():
            return
        work = self._work
        if work is not None and work.open:
            new = not work.script.actions
            taken = self._taken(self._queue, _ENTRIES - self._entries)
            self._entries += len(taken)
            work.feed(taken)
            if self._crowded(work):
                # One process asks them all, and is told more whenever it has done half of what it was told.
                if work.behind <= _CROWD // 2:
                    work.feed(self._taken(self._probes, _CROWD - work.behind))
                    self._standby.fill()
            elif self._full(work):
                self._close()
            elif taken or new or self._probes:
                self._idle.touch()

    async def drained(self) -> None:
        """Wait until everything submitted has been run."""
        while self._work is not None or self._queue or self._probes:
            self._urgent, self._until = True, 0.0
            self.flush()
            self._idle.touch()
            self._settled.clear()
            await self._settled.wait()

    def close(self) -> None:
        """End the processes; what is queued is dropped."""
        self._closed = True
        for timer in (self._gathering, self._sharing):
            if timer is not None:
                timer.cancel()
        if self._work is not None:
            self._work.abandon()
        self._standby.close()

    def _now(self) -> bool:
        """Put the waiting process to work, or put it off; return whether it is at work."""
        # A process takes milliseconds to start.  One for each of a hundred claims a second would be the claimant's
        # way to keep the daemon busy; and nobody waits for a removal.
        now = self._loop.time()
        if (self._urgent or len(self._probes) > _CROWD) and self._starts.allows(now):
            if not self._urgent or now < self._opened + _SHARED:
                self._until = now + _SHARED
            return self._open()
        if self._gathering is None:
            self._gathering = self._loop.call_later(_GATHER, self._gathered)
        return False

    def _gathered(self) -> None:
        self._gathering = None
        self._until = self._loop.time() + _SHARED
        if self._work is None and (self._queue or self._probes) and not self._closed and self._open():
            self.flush()

    def _open(self) -> bool:
        self._urgent = False
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        child = self._standby.take()
        if child is None:
            return False  # it calls back when there is one
        script = BatchScript(self._commands, self._step, self._rehearsal.count("\n"))
        self._work = Batch(child, script, self._progressed, self._finished)
        self._step, self._entries, self._opened = STEP, 0, self._loop.time()
        return True

    def _crowded(self, work: Batch) -> bool:
        """Whether thousands are to be asked, and nothing else is to be done."""
        return not self._queue and len(self._probes) > _CROWD and not self._full(work)

    def _full(self, work: Batch) -> bool:
        return self._entries >= _ENTRIES or len(work.script.actions) >= _MOST

    def _progressed(self) -> None:
        self.flush()
        if self._work is not None and self._work.caught_up:
            self._idle.touch()

    def _close(self) -> None:
        """Close the batch if nothing more has come for it; not while ip(8) has work, since more may come meanwhile."""
        work = self._work
        if work is None or not work.open or not (self._full(work) or work.caught_up):
            return
        room = LIMIT - work.behind
        # Who waits for a first packet does not wait for many of them.
        work.feed(self._taken(self._probes, min(room, LIMIT - _ENTRIES) if self._queue else room))
        if not self._full(work) and work.script.actions and self._loop.time() < self._until:
            if self._sharing is None:
                self._sharing = self._loop.call_at(self._until, self._shared)
                self._loop.call_later(_REST, self._standby.fill)  # for whoever comes when this one has been closed
            return
        work.close()
        # Starting a process takes the processor for milliseconds, in which the first packet is still on its way.
        self._loop.call_later(0.0 if self._queue else _REST, self._standby.fill)

    def _shared(self) -> None:
        self._sharing = None
        self._close()

    def _taken(self, queue: _Queue, most: int) -> list[Action]:
        """Return the next actions of *queue*, which are queued no longer."""
        taken = list(islice(queue.items(), most))
        for key, _ in taken:
            del queue[key]
        return [action for _, action in taken]

    def _finished(self, batch: Batch, said: bytes, early: str | None) -> None:
        self._work = None
        result = batch.script.outcome(said)
        nothing = batch.script.step == 1 and len(result.undone) == len(batch.script.actions)
        doubt = bool(result.undone) and (early is not None or nothing)
        if result.undone and not doubt:
            # A refused neigh command ended it.  Every action may be run twice; this time one is told from another.
            self._step = 1
            queue, probes = self._queue, self._probes
            self._queue, self._probes = {}, {}
            self.submit(chain(result.undone, queue.values(), probes.values()))
        # Not before: what follows from a refusal, which may be run at once, comes after what was undone.
        for refused in result.refused:
            self._watcher.refused(refused)
        if doubt:
            # What it has done of these only the kernel's tables can tell.
            self._watcher.on_process_lost(early or "nothing was done", len(result.undone))
        # What has waited for a whole batch need not be gathered.
        self._urgent = self._urgent or bool(self._queue)
        self._settled.set()
        self.flush()


def _key(action: Action) -> tuple[object, ...]:
    """Return what *action* is about: of two about the same thing the later counts."""
    if isinstance(action, _ABOUT_ONE):
        return (_THINGS[type(action)], action.address, action.dev)
    if isinstance(action, Mark):
        return ("mark",)
    if isinstance(action, RejoinGroup):
        return ("rejoin", action.addresses, action.dev)
    raise TypeError(f"not for ip(8): {action!r}")
