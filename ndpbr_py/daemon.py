"""The one loop: what the monitor prints, what is timed and what is signalled -> decisions -> actions and records."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import traceback
from collections.abc import Coroutine, Iterable, Sequence
from ipaddress import IPv6Address
from typing import Any

from ndpbr_py.config import RunConfig
from ndpbr_py.core.actions import Action, Mark, Refresh
from ndpbr_py.core.decision import Decision
from ndpbr_py.core.events import (
    ActionRefused,
    AddressChanged,
    Event,
    LineRejected,
    LinkChanged,
    LinkDeleted,
    NeighborChanged,
    Refusal,
    Tick,
)
from ndpbr_py.core.policy import Reason
from ndpbr_py.core.proxy import NdProxy, Rules
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import parser, process, reader
from ndpbr_py.iproute2.commands import MARKER, Commands
from ndpbr_py.iproute2.executor import Executor
from ndpbr_py.iproute2.lull import Lull
from ndpbr_py.iproute2.program import Program
from ndpbr_py.iproute2.supervisor import Supervisor
from ndpbr_py.kernel.settings import Settings, wanted
from ndpbr_py.log import Log
from ndpbr_py.resync import Resync

_MARKER = IPv6Address(MARKER)
_START = 20.0  # s, until the tables must have been read for the first time
_DRAIN = 10.0  # s, for what is queued at the end


class Daemon:
    """Everything that `ndpbr run` does."""

    def __init__(self, config: RunConfig, program: Program, commands: Commands, log: Log) -> None:
        self._config = config
        self._program = program
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._proxy = NdProxy(_rules(config))
        self._devs = frozenset((*config.interfaces, "lo"))
        self._commands = commands
        self._settings = Settings(config.state_dir)
        self._executor: Executor | None = None
        self._supervisor = Supervisor(program.path, self)
        self._resync = Resync(
            self,
            lambda: reader.read(program, config.interfaces, config.protocol),
            config.resync_interval,
            dry_run=config.dry_run,
        )
        self._lull = Lull(log.flush)
        self._names: dict[int, str] = {}
        self._addresses: set[tuple[str, str]] = set()
        self._stop = asyncio.Event()
        self._fatal: NdpbrError | None = None

    async def run(self) -> None:
        """Run until a signal, then clean up.

        Raises:
            NdpbrError: It cannot work here; whatever was changed is as it was.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._signalled, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._resync.request)
        self._loop.set_exception_handler(self._bug)
        began = time.monotonic()
        tasks: list[asyncio.Task[None]] = []
        try:
            self._borrow()
            if not self._config.dry_run:
                self._executor = Executor(self._program.path, self._commands, self)
            self._supervisor.start()
            tasks = [asyncio.create_task(self._resync.run()), asyncio.create_task(self._ticks())]
            if await self._ready(tasks):
                self._log.record(
                    "info",
                    "started",
                    interfaces=",".join(self._config.interfaces),
                    hosts=len(self._proxy.hosts),
                    iproute2=self._program.text,
                    took=round(time.monotonic() - began, 3),
                )
                await self._first(self._stop.wait(), tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._clean_up()
        if self._fatal is not None:
            raise self._fatal

    # What is heard

    def heard(self, lines: list[str]) -> None:
        """Take lines of the monitor."""
        decisions: list[Decision] = []
        now = self._loop.time()
        for line in lines:
            event = parser.event(line, self._devs)
            if event is None:
                continue
            if isinstance(event, NeighborChanged) and event.address == _MARKER:
                self._resync.marked(event.lladdr)
            elif isinstance(event, LineRejected):
                self._log.record("warning", "line-rejected", line=event.text, wanted=event.why)
            elif isinstance(event, AddressChanged):
                self._address(event)
            else:
                if isinstance(event, NeighborChanged):
                    for word in event.unknown:
                        self._log.once("info", "word-unknown", word=word, line=line[:120])
                else:
                    self._link(event)
                decisions.extend(self._proxy.handle(event, now))
        self._carry_out(decisions)

    def lost(self, complaint: str) -> None:
        """The monitor could not keep up."""
        self._log.record("warning", "events-lost", error=complaint)
        self._resync.request()

    def started(self, pid: int) -> None:
        """A monitor was started."""
        self._log.record("debug", "monitor-started", pid=pid)
        self._resync.request()

    def ended(self, status: str, retry_in: float) -> None:
        """The monitor is gone."""
        self._log.record("warning", "monitor-exited", status=status, retry_in=retry_in)

    # What became of actions

    def refused(self, event: ActionRefused) -> None:
        """An action was refused."""
        if event.why is Refusal.DENIED:
            self._fatal = NdpbrError(f"CAP_NET_ADMIN over this network namespace was wanted: {event.text}")
            self._stop.set()
        self._log.record("debug", "command-refused", command=self._text(event.action), error=event.text)
        self.deliver(event)

    def in_doubt(self, why: str, actions: int) -> None:
        """A batch process was lost."""
        self._log.record("warning", "batch-lost", why=why, actions=actions)
        if actions:
            self._resync.request()

    # What a reading needs

    def deliver(self, event: Event) -> None:
        """Let the core decide, and do as it says."""
        self._carry_out(self._proxy.handle(event, self._loop.time()))

    def mark(self, sequence: int) -> None:
        """Send a marker through the monitor."""
        if self._executor is not None:
            self._executor.submit([Mark(sequence)])
            self._executor.flush()

    def silent(self) -> None:
        """The monitor prints nothing: it is stopped, or listens no more."""
        self._log.record("warning", "monitor-silent")
        self._supervisor.restart()

    def unread(self, why: str) -> None:
        """The tables could not be read."""
        self._log.record("warning", "read-failed", error=why)

    # What is done

    def _carry_out(self, decisions: Sequence[Decision]) -> None:
        """Do what was decided; the log can wait, a host's first packet is on its way."""
        for decision in decisions:
            if not decision.actions:
                continue
            if any(isinstance(action, Refresh) for action in decision.actions):
                self._resync.request()
            elif self._executor is not None:
                self._executor.submit(decision.actions)
        if self._executor is not None:
            self._executor.flush()
        if decisions:
            self._log.decided(decisions)
            self._lull.touch()

    def _text(self, action: Action) -> str:
        return "; ".join(f"ip -6 {line}" for line in self._commands.lines(action))

    def _link(self, event: Event) -> None:
        if isinstance(event, LinkDeleted):
            self._names.pop(event.index, None)
        elif isinstance(event, LinkChanged):
            before = self._names.get(event.index)
            self._names[event.index] = event.dev
            if before not in (None, event.dev):
                self._log.record("info", "link-renamed", dev=event.dev, old_name=before)
                self._loop.call_soon(self._supervisor.restart)

    def _address(self, event: AddressChanged) -> None:
        key = (event.dev, event.interface)
        known = key in self._addresses
        if event.deleted:
            self._addresses.discard(key)
        elif not known:
            self._addresses.add(key)
        if event.deleted or not known:
            self._resync.request()

    async def _ticks(self) -> None:
        period = min(max(self._config.expire_interval / 100, 0.5), 30.0)
        while True:
            await asyncio.sleep(period)
            self.deliver(Tick())
            self._log.flush()

    # Start and stop

    def _signalled(self, number: signal.Signals) -> None:
        if not self._stop.is_set():
            self._log.record("info", "stopping", signal=signal.Signals(number).name)
        self._stop.set()

    def _borrow(self) -> None:
        if self._config.dry_run:
            return
        for path, found, value in self._settings.borrow(wanted(self._config.interfaces)):
            self._log.record("debug", "setting-changed", setting=path, found=found, value=value)
        if self._settings.unsaved is not None:
            self._log.record("warning", "state-unsaved", error=self._settings.unsaved)

    async def _ready(self, tasks: Iterable[asyncio.Task[None]]) -> bool:
        """Wait until the tables have been read and acted on; return whether to go on."""
        try:
            async with asyncio.timeout(_START):
                await self._first(self._resync.done.wait(), (*tasks, asyncio.create_task(self._stopped())))
        except TimeoutError:
            raise NdpbrError(f"the kernel's tables could not be read within {_START:g} s") from None
        if self._executor is not None and not self._stop.is_set():
            await self._executor.drained()
        return not self._stop.is_set()

    async def _stopped(self) -> None:
        await self._stop.wait()

    async def _first(self, wait: Coroutine[None, None, object], others: Iterable[asyncio.Task[None]]) -> None:
        """Wait for *wait*, or for the end of one of *others*; raise what that one raised."""
        waiting = asyncio.create_task(wait)
        done, _ = await asyncio.wait((waiting, *others), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in done - {waiting}:
            task.result()

    def _bug(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what should never happen; the hosts that work go on working."""
        error = context.get("exception")
        place = traceback.extract_tb(error.__traceback__)[-1] if isinstance(error, BaseException) else None
        where = f"{place.filename}:{place.lineno}" if place else None
        self._log.record("error", "internal-error", error=repr(error), what=context.get("message"), where=where)
        self._resync.request()

    async def _clean_up(self) -> None:
        self._supervisor.stop()
        if self._executor is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN):
                    await self._executor.drained()
            self._executor.close()
        if self._config.dry_run:
            return
        if not self._config.keep:
            self._flush()
            for path, value in self._settings.give_back():
                self._log.record("debug", "setting-restored", setting=path, value=value)
        self._log.record("info", "stopped", hosts=len(self._proxy.hosts), kept=self._config.keep)
        self._log.flush()

    def _flush(self) -> None:
        """Remove every entry with our tag: also what an earlier run left behind."""
        tag = ("proto", str(self._config.protocol))
        for words in (("neigh", "flush", "proxy", *tag), ("route", "flush", *tag)):
            ended = process.output(self._program.path, "-6", *words)
            if ended.status != 0:
                error = ended.stderr.decode(errors="replace").strip()
                self._log.record("error", "flush-failed", command=f"ip -6 {' '.join(words)}", error=error)
        self._log.decided([self._proxy.forget(host, Reason.STOPPING) for host in self._proxy.hosts])


def _rules(config: RunConfig) -> Rules:
    return Rules(
        config.interfaces,
        config.prefixes,
        expire_interval=config.expire_interval,
        max_hosts=config.max_hosts,
        max_hosts_per_lladdr=config.max_hosts_per_lladdr,
    )
