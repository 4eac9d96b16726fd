"""Events -> the core -> actions for the executor, records for the log.

First the kernel, then the log: a host's first packet is on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from ndpbr_py.control.history import History
from ndpbr_py.core.actions import Mark, RequestResync
from ndpbr_py.core.decision import Decision
from ndpbr_py.core.events import ActionRefused, Event, KernelSnapshot, Refusal
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import Executor, ProcessLost
from ndpbr_py.iproute2.idle import IdleCallback
from ndpbr_py.logs.logger import Log
from ndpbr_py.metrics import Counters

_RECORDS = 50


class Dispatcher:
    """Between the core and the world.

    Args:
        proxy: Decides.
        commands: What an action is in ip's words, for the log.
        log: Gets what was decided.
        refresh: Called when the kernel's tables should be read.
        denied: Called with what ip said when it lacks the right to change anything.
        unmarked: Called with what ip said when a marker was refused.
    """

    def __init__(
        self,
        proxy: NdProxy,
        commands: Commands,
        log: Log,
        refresh: Callable[[], None],
        denied: Callable[[str], None],
        unmarked: Callable[[str], None],
    ) -> None:
        self.proxy = proxy
        self.executor: Executor | None = None  # none in a dry run
        self.commands = commands
        self._log = log
        self._refresh = refresh
        self._denied = denied
        self._unmarked = unmarked
        self._idle = IdleCallback(self._write)
        self.counters = Counters()
        self.history = History()
        self._loop = asyncio.get_running_loop()

    def deliver(self, events: Iterable[Event]) -> None:
        """Let the core decide, and do as it says."""
        now = self.now()
        self._carry_out([decision for event in events for decision in self.proxy.handle(event, now)])

    async def reconcile(self, kernel: KernelSnapshot) -> None:
        """Let the core hold a reading against what it knows, with room for a first packet's event now and then."""
        for decisions in self.proxy.reconcile(kernel, self.now()):
            self._carry_out(decisions)
            await asyncio.sleep(0)

    def _carry_out(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if not decision.actions:
                continue
            if any(isinstance(action, RequestResync) for action in decision.actions):
                self._refresh()
            elif self.executor is not None:
                self.executor.submit(decision.actions)
        if self.executor is not None:
            self.executor.flush()
        if decisions:
            self._log.decided(decisions)
            self._idle.touch()
            self.counters.count(decisions)
            self.history.keep(decisions)

    def now(self) -> float:
        """Return the time that the core is told."""
        return self._loop.time()

    def _write(self) -> None:
        """Write records, not more than hold up the next packet for a millisecond."""
        if self._log.flush(_RECORDS):
            self._idle.touch()

    def mark(self, sequence: int) -> None:
        """Send a marker through the monitor."""
        if self.executor is not None:
            self.executor.submit([Mark(sequence)])
            self.executor.flush()

    def on_executor_event(self, event: ActionRefused | ProcessLost) -> None:
        """Take an event of the executor."""
        match event:
            case ActionRefused():
                self.refused(event)
            case ProcessLost(reason, actions):
                self.on_process_lost(reason, actions)

    def refused(self, event: ActionRefused) -> None:
        """An action was refused: the core hears of it, and undoes what goes with it."""
        if event.why is Refusal.DENIED:
            self._denied(event.text)
        elif isinstance(event.action, Mark):
            self._unmarked(event.text)
        command = "; ".join(f"ip -6 {line}" for line in self.commands.lines(event.action))
        self._log.record("debug", "command-refused", command=command, error=event.text)
        self.deliver([event])

    def on_process_lost(self, why: str, actions: int) -> None:
        """A batch process was lost: what it has done the kernel's tables tell."""
        self.counters.batches_lost += 1
        self._log.record("warning", "batch-lost", why=why, actions=actions)
        if actions:
            self._refresh()
