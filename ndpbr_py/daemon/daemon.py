"""The daemon's life: settings borrowed, tables read, signals obeyed, everything given back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import traceback
from collections.abc import Coroutine, Iterable
from typing import Any

from ndpbr_py.config import RunConfig
from ndpbr_py.control.server import Control
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.daemon.discovery import Discovery
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.monitor_events import MonitorHandler
from ndpbr_py.daemon.overrides import SysctlOverrides
from ndpbr_py.daemon.removal import remove_all
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.daemon.solicitation_events import SolicitationHandler
from ndpbr_py.daemon.status import Status
from ndpbr_py.daemon.ticking import ticks
from ndpbr_py.doctor import at_start
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import Executor
from ndpbr_py.iproute2.monitor import Supervisor
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log

_START = 20.0  # s, until the tables must have been read for the first time
_DRAIN = 10.0  # s, for what is queued at the end


class Daemon:
    """Everything that `ndpbr run` does."""

    def __init__(self, config: RunConfig, program: Program, commands: Commands, log: Log) -> None:
        self._config = config
        self._program = program
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._overrides = SysctlOverrides(config.interfaces, config.state_dir, log, dry_run=config.dry_run)
        self._resync = Resync(
            read=lambda: dump.read(program, config.interfaces, config.protocol),
            prepare=self._overrides.renew,
            listening=lambda: self._supervisor.running,
            silent=lambda: self._supervisor.restart_now(),
            took=self._took,
            log=log,
            interval=config.resync_interval,
        )
        self._dispatcher = Dispatcher(
            NdProxy(_rules(config, commands)), commands, log, self._resync.request, self._denied, self._resync.unmarked
        )
        self._discovery = Discovery(config, self._dispatcher, log)
        self._monitor_handler = MonitorHandler(
            config.interfaces, self._dispatcher, self._resync, log, linked=self._overrides.linked, renamed=self._renamed
        )
        self._supervisor = Supervisor(program.path, self._monitor_handler.on_event)
        self._status = Status(config.interfaces, self._dispatcher, self._monitor_handler, self._resync, log)
        self._control = Control(config.state_dir, self._status.answer)
        self._solicitation_handler = SolicitationHandler(self._dispatcher, log, wanted=config.listen)
        self._reading: KernelSnapshot | None = None
        self._stop = asyncio.Event()
        self._fatal: NdpbrError | None = None
        self._began = time.monotonic()

    async def run(self) -> None:
        """Run until a signal, then clean up.

        Raises:
            NdpbrError: It cannot work here; whatever was changed is as it was.
        """
        self._obey()
        tasks: list[asyncio.Task[None]] = []
        try:
            self._overrides.begin()
            if not self._config.dry_run:
                self._dispatcher.executor = Executor(
                    self._program.path, self._dispatcher.commands, self._dispatcher.on_executor_event
                )
            self._supervisor.start()
            await self._listen()
            passing = ticks(self._config, self._dispatcher, self._resync, self._discovery, self._log)
            tasks = [asyncio.create_task(self._resync.run(self._dispatcher)), asyncio.create_task(passing)]
            if self._config.metrics_file is not None and not self._config.dry_run:
                tasks.append(asyncio.create_task(self._status.publish(self._config.metrics_file)))
            if await self._ready(tasks):
                self._log.record("info", "started", **self._state(), elapsed_s=round(time.monotonic() - self._began, 3))
                tasks.append(asyncio.create_task(self._discovery.run()))
                self._loop.call_soon(self._examine)
                await _first(self._stop.wait(), tasks)
            if self._fatal is not None:
                raise self._fatal
        except NdpbrError as error:
            # The sentence on standard error is not in syslog.
            self._log.record("error", "failed", error=str(error))
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._clean_up()

    def _obey(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._signalled, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._resync.request)
        self._loop.add_signal_handler(signal.SIGUSR1, self._tell)
        self._loop.set_exception_handler(self._bug)

    async def _listen(self) -> None:
        if not self._config.dry_run:
            try:
                await self._control.start()
            except OSError as error:
                self._log.record("warning", "control-failed", error=error.strerror or str(error))

    def _signalled(self, number: signal.Signals) -> None:
        if not self._stop.is_set():
            self._log.record("info", "stopping", signal=signal.Signals(number).name)
        self._stop.set()

    def _tell(self) -> None:
        self._log.record("info", "state", **self._state())
        self._log.record("info", "counters", **self._status.counted())

    def _denied(self, error: str) -> None:
        self._fatal = NdpbrError(f"CAP_NET_ADMIN over this network namespace was wanted: {error}")
        self._stop.set()

    def _state(self) -> dict[str, object]:
        counters = self._status.counters()
        return {
            "interfaces": ",".join(self._config.interfaces),
            "up": ",".join(sorted(self._dispatcher.proxy.desired.usable)),
            "hosts": counters.hosts,
            "resyncs": counters.resyncs,
            "monitor_restarts": counters.monitor_restarts,
            "events_lost": counters.events_lost,
            "iproute2": self._program.text,
        }

    def _took(self, kernel: KernelSnapshot) -> None:
        self._monitor_handler.named(kernel.names)
        self._discovery.took(kernel)
        self._solicitation_handler.tune(kernel)
        if not self._resync.done.is_set():
            self._reading = kernel

    def _examine(self) -> None:
        at_start.report(self._config, self._program, self._reading, self._log)
        self._reading = None

    def _renamed(self) -> None:
        self._loop.call_soon(self._supervisor.restart_now)

    # Start and stop

    async def _ready(self, tasks: Iterable[asyncio.Task[None]]) -> bool:
        """Wait until the tables have been read and acted on; return whether to go on."""
        stopped = asyncio.create_task(self._stop.wait())
        try:
            async with asyncio.timeout(_START):
                await _first(self._resync.done.wait(), (*tasks, stopped))
            if self._dispatcher.executor is not None and not self._stop.is_set():
                # In a flood, or where ip cannot be run, this may take for ever.
                await _first(self._dispatcher.executor.drained(), (*tasks, stopped))
        except TimeoutError:
            raise NdpbrError(f"the kernel's tables could not be read within {_START:g} s") from None
        finally:
            stopped.cancel()
        return not self._stop.is_set()

    def _bug(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what should never happen; the hosts that work go on working."""
        error = context.get("exception")
        place = traceback.extract_tb(error.__traceback__)[-1] if isinstance(error, BaseException) else None
        where = f"{place.filename}:{place.lineno}" if place else None
        self._log.record("error", "internal-error", error=repr(error), what=context.get("message"), where=where)
        self._resync.request()

    async def _clean_up(self) -> None:
        self._control.stop()
        self._discovery.close()
        self._supervisor.stop()
        self._solicitation_handler.close()
        if self._dispatcher.executor is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN):
                    await self._dispatcher.executor.drained()
            self._dispatcher.executor.close()
        if not self._config.dry_run and not self._config.keep:
            remove_all(self._program, self._dispatcher, self._log)
            self._overrides.restore()
        self._log.record("info", "stopped", hosts=len(self._dispatcher.proxy.hosts), kept=self._config.keep)


async def _first(wait: Coroutine[None, None, object], others: Iterable[asyncio.Task[Any]]) -> None:
    """Wait for *wait*, or for the end of one of *others*; raise what that one raised."""
    waiting = asyncio.create_task(wait)
    done, _ = await asyncio.wait((waiting, *others), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        task.result()


def _rules(config: RunConfig, commands: Commands) -> Rules:
    return Rules(
        config.interfaces,
        config.prefixes,
        expire_interval=config.expire_interval,
        refresh_interval=config.refresh,
        max_hosts=config.max_hosts,
        max_hosts_per_lladdr=config.max_hosts_per_lladdr,
        statics=config.statics,
        can_resolve=commands.has_use,
    )
