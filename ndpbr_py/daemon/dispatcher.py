"""Events for the core -> decisions -> actions for the executor, records for the log.

First the kernel, then the log: the first packet of a host is on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from ndpbr_py.control.history import History
from ndpbr_py.core.actions import Action, Mark
from ndpbr_py.core.decision import Decision
from ndpbr_py.core.events import ActionRefused, Event, KernelSnapshot, Tick
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.daemon.inbox import ResyncRequested
from ndpbr_py.iproute2.action_queue import about
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import Executor
from ndpbr_py.logs.logger import Log
from ndpbr_py.metrics import Counters

_MAX_RECORDS_AT_ONCE = 50  # written in two milliseconds, for which the next packet has to wait
# The log is written when nothing was decided for so long: before that, a first packet is on its way, or more lines
# of the monitor are.  Row "ratio" of throughput, 5000 hosts: 1.2 instead of 2.0.
_QUIET_S = 0.002
_MAX_UNWRITTEN_S = 1.0  # the log is written now and then even if something is decided all the time


class Dispatcher:
    """Lets the core decide, carries the decisions out, and wakes the core at its next deadline.

    Args:
        proxy: Decides.
        executor: Runs the commands; None in a dry run.
        commands: Actions as ip(8) commands, for the log.
        log: Receives the decisions.
        emit: Receives `Tick` and `ResyncRequested`.
    """

    def __init__(
        self,
        proxy: NdProxy,
        executor: Executor | None,
        commands: Commands,
        log: Log,
        emit: Callable[[Tick | ResyncRequested], None],
    ) -> None:
        self.proxy = proxy
        self.commands = commands
        self.counters = Counters()
        self.history = History()
        self._executor = executor
        self._log = log
        self._emit = emit
        self._decisions: list[Decision] = []
        self._decided_at = float("-inf")
        self._log_timer: asyncio.Handle | None = None
        self._log_waits_since = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._settled = False  # most lines of the monitor are about our own routes, and nothing follows from them
        self._closed = False

    def now(self) -> float:
        """Return the time that the core is given."""
        return self._loop.time()

    def retry_in_s(self) -> float:
        """Return in how many seconds the core may restore what it could not restore yet; infinite: nothing."""
        return self.proxy.restores.retry_at - self.now()

    def handle(self, event: Event) -> None:
        """Let the core decide about *event*; `settle()` sends the commands off, unless ip(8) has nothing to do now."""
        self._carry_out(self.proxy.handle(event, self.now()))
        if self._executor is not None and self._executor.may_start:
            self._executor.flush()

    def settle(self) -> None:
        """Send the commands off, then queue the decisions for the log, and set the timer."""
        if self._settled:
            return
        self._settled = True
        if self._executor is not None:
            self._executor.flush()
        if self._decisions:
            decisions, self._decisions = self._decisions, []
            self._log.decided(decisions)
            self._decided_at = self.now()
            if self._log_timer is None:
                self._log_waits_since = self._decided_at
                self._log_timer = self._loop.call_later(_QUIET_S, self._write_when_quiet)
            self.counters.count(decisions)
            self.history.keep(decisions)
        self._set_timer()

    async def reconcile(self, snapshot: KernelSnapshot) -> None:
        """Let the core reconcile *snapshot* in parts, so that other events are handled in between."""
        waiting = self._executor.latest() if self._executor is not None else None
        for decisions in self.proxy.reconcile(snapshot, self.now()):
            self._carry_out(decisions, waiting)
            self.settle()
            await asyncio.sleep(0)
        self._settled = False  # the end of a snapshot may bring the next deadline forward
        self.settle()

    def mark(self, sequence: int) -> None:
        """Send a marker through the monitor; none in a dry run."""
        if self._executor is not None:
            self._executor.submit([Mark(sequence)])
            self._executor.flush()

    def refused(self, event: ActionRefused) -> None:
        """Log a refused action, and let the core decide what follows."""
        command = "; ".join(self.commands.shown(event.action))
        self._log.record("debug", "command-refused", command=command, error=event.text)
        self.handle(event)

    def close(self) -> None:
        """Stop the timer: no time passes for the core any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _carry_out(self, decisions: Sequence[Decision], waiting: Mapping[object, Action] | None = None) -> None:
        """Submit the actions of *decisions*, except those that equal the one about the same thing in *waiting*."""
        self._settled = False
        for decision in decisions:
            if decision.actions and self._executor is not None:
                actions = decision.actions
                if waiting:
                    actions = [action for action in actions if waiting.get(about(action)) != action]
                self._executor.submit(actions)
            if decision.resync:
                self._emit(ResyncRequested())
        self._decisions.extend(decisions)

    def _set_timer(self) -> None:
        at = None if self._closed else self.proxy.next_deadline()
        if self._timer is not None:
            if self._timer.when() == at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._tick) if at is not None else None

    def _tick(self) -> None:
        self._timer = None
        self._emit(Tick())

    def _write_when_quiet(self) -> None:
        """Write the log, unless something was decided a moment ago; in between let the loop go round."""
        now = self.now()
        wait_s = max(0.0, self._decided_at + _QUIET_S - now)
        if wait_s and now - self._log_waits_since < _MAX_UNWRITTEN_S:
            self._log_timer = self._loop.call_later(wait_s, self._write_when_quiet)
        elif self._log.flush(_MAX_RECORDS_AT_ONCE):
            self._log_timer = self._loop.call_soon(self._write_when_quiet)
        else:
            self._log_timer = None
