"""Actions -> batches for ip(8); refused actions, lost processes and due advertisements -> events.

A batch is written while the core still decides, so the kernel and the daemon work side by side.  batching.py decides
when to start, feed and close a process; this module carries the steps out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from ndpbr_py.core.actions import Action, Advertise
from ndpbr_py.core.events import ActionFinished, ActionRefused
from ndpbr_py.iproute2 import batching
from ndpbr_py.iproute2.action_queue import ActionQueue
from ndpbr_py.iproute2.batch import Batch
from ndpbr_py.iproute2.batching import TIMING, Close, Feed, Start, State, Timing, Wait
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import CHECKPOINT_INTERVAL, BatchScript
from ndpbr_py.iproute2.standby import Standby


@dataclass(frozen=True, slots=True)
class ProcessLost:
    """A batch process died or hung, or none could be started.

    Attributes:
        error: What happened, for the log.
        actions: How many actions may or may not have been carried out: only the kernel's tables can tell.
    """

    error: str
    actions: int = 0


ExecutorEvent = ActionRefused | ActionFinished | ProcessLost


class Executor:
    """Carries out actions in order, as soon as they are flushed; probes come last.

    Any action may be run twice.

    An `Advertise` is not run.  It waits in its place, and becomes `ActionFinished` when the kernel has acknowledged the
    actions before it.  If one with its address was refused, or the process was lost, it is dropped.  Later actions may
    have been run by then, so the receiver checks that the address still has its entry.

    Args:
        path: The ip(8) to run.
        commands: Writes an action as ip(8) commands.
        emit: Gets every event, always from a callback of the loop.
        timing: The durations of batching.py.
    """

    def __init__(
        self, path: str, commands: Commands, emit: Callable[[ExecutorEvent], None], timing: Timing = TIMING
    ) -> None:
        self._commands = commands
        self._emit = emit
        self._timing = timing
        self._waiting = ActionQueue()
        self._batch: Batch | None = None
        self._shared = self._draining = False
        self._started_at = float("-inf")
        self._checkpoint_interval = CHECKPOINT_INTERVAL
        self._batch_ended = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        warm_up = commands.warm_up()
        self._lines_before = warm_up.count("\n")
        self._standby = Standby(path, warm_up, timing, lambda why: emit(ProcessLost(why)), self.flush)

    def submit(self, actions: Iterable[Action]) -> None:
        """Queue *actions*; `flush()` runs them."""
        waiting, batch = self._waiting, self._batch
        for action in actions:
            if isinstance(action, Advertise) and not waiting.entries and not (batch and batch.unfinished):
                self._emit(ActionFinished(action))  # nothing to wait for
            else:
                waiting.add(action)

    def latest(self) -> Mapping[object, Action]:
        """Return the latest of the waiting actions about each thing, by `about()`."""
        return self._waiting.latest()

    def flush(self) -> None:
        """Take the next steps, until the next one is to wait."""
        while True:
            match batching.next(self._state(), self._timing):
                case Start(shared, feed):
                    if not self._start(shared, feed):
                        return  # the standby calls flush() when it has a process
                case Feed(entries, probes):
                    assert self._batch is not None
                    self._batch.feed(self._waiting.dequeue(entries, probes))
                case Close():
                    assert self._batch is not None
                    self._batch.close()
                case Wait(until):
                    self._wake(until)
                    return
                case unreachable:
                    assert_never(unreachable)

    @property
    def may_start(self) -> bool:
        """Whether actions wait, and no process runs."""
        return self._batch is None and bool(self._waiting.entries)

    async def drained(self) -> None:
        """Wait until everything submitted has been run, and every refusal emitted."""
        self._draining = True
        try:
            while self._batch is not None or self._waiting.entries or self._waiting.probes:
                self._batch_ended.clear()
                self.flush()
                await self._batch_ended.wait()
        finally:
            self._draining = False

    def close(self) -> None:
        """Kill the processes; drop what is queued."""
        if self._batch is not None:
            self._batch.abandon()
        self._standby.close()

    def _state(self) -> State:
        now, entries, probes = self._loop.time(), len(self._waiting.entries), len(self._waiting.probes)
        if (batch := self._batch) is None:
            return State(now, entries, probes, self._started_at)
        shared = self._shared and not self._draining
        return State(now, entries, probes, self._started_at, True, batch.open, batch.unfinished, shared)

    def _start(self, shared: bool, feed: Feed) -> bool:
        child = self._standby.pop()
        if child is None:
            return False
        script = BatchScript(self._commands, self._checkpoint_interval, self._lines_before)
        actions = self._waiting.dequeue(feed.entries, feed.probes)
        self._batch = Batch(child, script, self._timing.hang_timeout_s, self._on_progress, self._on_end, actions)
        self._loop.call_later(self._timing.refill_delay_s, self._refill)
        self._checkpoint_interval = CHECKPOINT_INTERVAL
        self._shared = shared
        self._started_at = self._loop.time()
        return True

    def _refill(self) -> None:
        """Start the next process. It takes milliseconds: wait while this one has work, but not until its time is up."""
        working = self._batch is not None and self._batch.unfinished > 0
        if working and self._loop.time() < self._started_at + self._timing.refill_limit_s:
            self._loop.call_later(self._timing.refill_delay_s, self._refill)
        else:
            self._standby.fill()

    def _wake(self, until: float | None) -> None:
        """Call `flush()` at *until*, or earlier: a timer that is set is that of an earlier process."""
        if until is not None and self._timer is None:
            self._timer = self._loop.call_at(until, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()

    def _on_progress(self, acknowledged: Sequence[Advertise]) -> None:
        for advertisement in acknowledged:
            self._emit(ActionFinished(advertisement))
        self.flush()

    def _on_end(self, batch: Batch, stderr: bytes, lost: str | None) -> None:
        self._batch = None
        outcome = batch.script.outcome(stderr)
        no_progress = batch.script.checkpoint_interval == 1 and len(outcome.undone) == len(batch.script.actions)
        unknown = bool(outcome.undone) and (lost is not None or no_progress)
        if outcome.undone and not unknown:
            # A refused neigh command ended the process.  The next one has a checkpoint after every action, which
            # tells which command it was.
            self._checkpoint_interval = 1
        if outcome.undone or outcome.refused:
            undone = () if unknown else outcome.undone
            waiting = [*undone, *self._waiting.dequeue(len(self._waiting.entries), len(self._waiting.probes))]
            refused = outcome.refused_addresses
            self.submit(a for a in waiting if not isinstance(a, Advertise) or not (unknown or a.address in refused))
        # After that: an action that the core derives from a refusal must come behind the undone ones.
        for refusal in outcome.refused:
            self._emit(refusal)
        for advertisement in batch.script.acknowledged(stderr):
            self._emit(ActionFinished(advertisement))
        if unknown:
            self._emit(ProcessLost(lost or "nothing was done", len(outcome.undone)))
        self._batch_ended.set()
        self.flush()
