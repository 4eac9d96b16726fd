"""The life of the daemon: apply the settings, take a snapshot, handle events, clean up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import traceback
from dataclasses import fields
from pathlib import Path
from typing import Any, assert_never

from ndpbr_py.config import RunConfig
from ndpbr_py.control.server import Control
from ndpbr_py.core.actions import Mark
from ndpbr_py.core.events import (
    ActionFinished,
    ActionRefused,
    CandidatesFound,
    EventsMissed,
    KernelSnapshot,
    LineRejected,
    LinkChanged,
    LinkDeleted,
    LookupRequested,
    NeighborChanged,
    NeighborDeleted,
    Refusal,
    SnapshotStarted,
    SolicitationReceived,
    Tick,
)
from ndpbr_py.core.listed import Listed
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.routes import too_short
from ndpbr_py.core.state import Rules
from ndpbr_py.daemon.advertiser import Advertiser
from ndpbr_py.daemon.discovery import Discovery
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.health import Health
from ndpbr_py.daemon.inbox import Event, Inbox, LinkRenamed, MarkerSeen, ResyncRequested, SignalReceived
from ndpbr_py.daemon.kernel_settings import KernelSettings
from ndpbr_py.daemon.lookup import RequestedLookups
from ndpbr_py.daemon.monitor_events import MonitorHandler
from ndpbr_py.daemon.patterns import Patterns
from ndpbr_py.daemon.removal import remove_all
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.daemon.solicitation_events import SolicitationHandler
from ndpbr_py.daemon.status import Status
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import Executor, ProcessLost
from ndpbr_py.iproute2.monitor import (
    EventsLost,
    MonitorExited,
    MonitorLines,
    MonitorStarted,
    MonitorUnfiltered,
    Supervisor,
)
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets.solicitation_socket import SocketOpened, SocketRefused
from ndpbr_py.system import clock
from ndpbr_py.system.interfaces import interface_names
from ndpbr_py.system.lock import NamespaceLocks

_START_TIMEOUT_S = 20.0  # until the first snapshot must have been taken
_DRAIN_TIMEOUT_S = 10.0  # for the commands that are queued at the stop
_KEEP_S = 10.0  # SIGUSR2: a stop within that time is half of a restart
_UPKEEP_INTERVAL_S = 2.0  # at least, between two writes of the log and the hosts file
_STATE_INTERVAL_S = 3600.0
_MIN_SUSPEND_S = 2.0  # a longer difference between the clocks means that the machine was suspended
_MAX_PREFIXES = 20  # in one record: other hosts can advertise thousands


class _Stopped(Exception):
    """Ends the task group."""


class Daemon:
    """Everything that `ndpbr run` does: the sources, the inbox, and what handles each event."""

    def __init__(
        self, config: RunConfig, program: Program, commands: Commands, log: Log, locks: NamespaceLocks | None
    ) -> None:
        self._config = config
        self._program = program
        self._listed = Listed(config.interfaces)
        self._patterns = Patterns(self._listed, locks, log)
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(self._handle, self._on_settled, self._on_error)
        put = self._inbox.put
        self._settings = KernelSettings(config, log)
        self._executor = None if config.dry_run else Executor(program.path, commands, put)
        self._dispatcher = Dispatcher(
            NdProxy(_rules(config, self._listed, commands)), self._executor, commands, log, put
        )
        self._advertiser = Advertiser(self._dispatcher.proxy, log)
        self._monitor = Supervisor(program.path, put, hidden_protocol=config.protocol)
        self._monitor_handler = MonitorHandler(
            self._listed, commands.marker, log, config.protocol, self._dispatcher.proxy.has_route
        )
        self._solicitations = SolicitationHandler(put, log, enabled=config.listen)
        self._discovery = Discovery(config, self._dispatcher.proxy, put, log)
        self._resync = Resync(
            take_snapshot=self._take_snapshot,
            prepare=lambda: self._settings.reapply(self._listed),
            dispatcher=self._dispatcher,
            monitor=None if config.dry_run else self._monitor,
            emit=put,
            log=log,
            interval_s=config.resync_interval_s,
            retry_in_s=lambda: min(self._dispatcher.retry_in_s(), self._settings.retry_in_s()),
        )
        self._lookups = RequestedLookups(self._dispatcher.proxy, put)
        self._health = Health(config, self._listed, program, self._dispatcher.proxy, log)
        self._status = Status(
            self._listed,
            config.file_options,
            self._dispatcher,
            self._resync,
            self._advertiser,
            self._lookups,
            self._health,
            log,
        )
        self._control = Control(config.state_dir, self._status.answer)
        self._ignored_prefixes: set[str] = set()
        self._stop = asyncio.Event()
        self._fatal: NdpbrError | None = None
        self._suspended_s = clock.suspended_s()
        self._next_upkeep = 0.0
        self._keep = config.keep
        self._keep_until = 0.0
        self._next_state = clock.now() + _STATE_INTERVAL_S
        self._started = time.monotonic()

    async def run(self) -> None:
        """Run until a signal, then clean up.

        Raises:
            NdpbrError: ndpbr cannot work here; whatever was changed has been restored.
        """
        self._watch_signals()
        self._log.summarized = not self._config.dry_run
        try:
            for dev in interface_names():
                self._follow(dev, exists=True)
            for dev in self._listed:
                if not Path("/sys/class/net", dev).exists():
                    self._log.record("warning", "interface-missing", dev=dev)
            self._settings.apply(self._listed, "debug")
            self._discovery.load()
            self._monitor.start()
            await self._open_control()
            await self._serve()
            if self._fatal is not None:
                raise self._fatal
        except NdpbrError as error:
            # The sentence on standard error is not in syslog.
            self._log.record("error", "failed", error=str(error))
            raise
        finally:
            await self._clean_up()

    async def _serve(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_stop())
                tasks.create_task(self._resync.run())
                if self._config.metrics_file is not None and not self._config.dry_run:
                    tasks.create_task(self._status.publish(self._config.metrics_file))
                await self._become_ready()
                if not self._stop.is_set():
                    elapsed_s = round(time.monotonic() - self._started, 3)
                    self._log.record("info", "started", **self._state(), elapsed_s=elapsed_s)
                    self._log.summarized = False
                    self._discovery.start()
                    tasks.create_task(self._health.run())
        except* _Stopped:
            pass

    async def _become_ready(self) -> None:
        """Wait until the first snapshot has been taken and acted on."""
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await self._resync.done.wait()
        except TimeoutError:
            self._fail(NdpbrError(f"the kernel's tables could not be read within {_START_TIMEOUT_S:g} s"))
        if self._executor is not None:
            # In a flood of claims, or where ip cannot be run, this may take forever.
            await self._executor.drained()

    async def _until_stop(self) -> None:
        await self._stop.wait()
        raise _Stopped  # ends the other tasks

    # Events

    def _handle(self, event: Event) -> None:
        match event:
            case MonitorLines():
                self._inbox.put(*self._monitor_handler.on_lines(event.lines))
            case NeighborChanged():
                self._dispatcher.handle(event)
                self._lookups.on_neighbor(event)
            case NeighborDeleted() | SolicitationReceived() | CandidatesFound() | LookupRequested() | EventsMissed():
                self._dispatcher.handle(event)
            case SnapshotStarted():
                self._monitor_handler.on_snapshot_started()
                self._dispatcher.handle(event)
            case Tick():
                self._dispatcher.handle(event)
                self._dispatcher.settle()  # the commands first: what follows may write files
                self._on_tick()
            case LinkChanged() | LinkDeleted():
                self._on_link(event)
                self._dispatcher.handle(event)
                self._status.update_links()
                if isinstance(event, LinkDeleted):
                    self._follow(event.dev, exists=False)
            case KernelSnapshot():
                self._on_snapshot(event)  # the resync reconciles it
            case ActionRefused():
                self._on_refusal(event)
                self._dispatcher.refused(event)
            case ActionFinished():
                self._advertiser.send(event.action)
            case MarkerSeen():
                self._resync.on_marker(event.lladdr)
            case ResyncRequested():
                self._resync.request()
            case MonitorStarted():
                self._status.monitor_starts += 1
                self._monitor_handler.on_started(event.names)
                self._log.record("debug", "monitor-started", pid=event.pid)
                self._inbox.put(EventsMissed())
                self._resync.request()
            case MonitorUnfiltered():
                self._log.record("debug", "monitor-unfiltered", error=event.error)
            case MonitorExited():
                self._log.record("warning", "monitor-exited", status=event.status, retry_in_s=event.retry_in_s)
            case EventsLost():
                self._dispatcher.counters.events_lost += 1
                self._log.record("warning", "events-lost", error=event.error)
                self._inbox.put(EventsMissed())
                self._resync.request()
            case LineRejected():
                self._log.record("warning", "line-rejected", line=event.text, error=event.why)
            case LinkRenamed():
                self._log.record("info", "link-renamed", dev=event.dev, old_name=event.old_name)
                # A monitor prints the old name of an interface as long as it lives.
                self._loop.call_soon(self._monitor.restart_now)
            case ProcessLost():
                self._dispatcher.counters.batches_lost += 1
                self._log.record("warning", "batch-lost", error=event.error, actions=event.actions)
                if event.actions:  # the kernel's tables tell which of them were carried out
                    self._resync.request()
            case SocketOpened():
                self._log.condition("warning", "listen-refused", active=False, key=event.dev)
                self._log.record("debug", "listening", dev=event.dev)
            case SocketRefused():
                refusal = {"dev": event.dev, "error": event.error}
                self._log.condition("warning", "listen-refused", active=True, key=event.dev, **refusal)
            case SignalReceived():
                self._on_signal(event.number)
            case _:
                assert_never(event)

    def _on_settled(self) -> None:
        self._dispatcher.settle()

    def _on_link(self, event: LinkChanged | LinkDeleted) -> None:
        if isinstance(event, LinkChanged):
            self._follow(event.dev, exists=True)
        if event.dev not in self._listed:
            return
        if isinstance(event, LinkDeleted):
            if event.dev in self._listed.matched:
                return
            self._log.record("warning", "interface-missing", dev=event.dev)
        elif event.up:
            # An interface that was created anew has the kernel's defaults.
            with contextlib.suppress(NdpbrError):
                self._settings.apply((event.dev,), "debug")

    def _follow(self, dev: str, *, exists: bool) -> None:
        """List *dev* if it exists and matches a pattern."""
        if self._patterns.follow(dev, exists=exists):
            self._monitor_handler.use(self._listed)
            self._resync.request()

    def _on_snapshot(self, snapshot: KernelSnapshot) -> None:
        existing = frozenset(snapshot.names.values())
        for dev in existing.union(self._listed.matched):
            self._follow(dev, exists=dev in existing)
        self._inbox.put(*self._monitor_handler.on_snapshot(snapshot.names))
        self._discovery.on_snapshot(snapshot)
        self._solicitations.on_snapshot(snapshot)
        self._warn_about_prefixes(snapshot)
        self._health.on_snapshot(snapshot)

    def _warn_about_prefixes(self, snapshot: KernelSnapshot) -> None:
        ignored = {str(prefix) for prefix in too_short(snapshot.on_link, self._config.prefixes)}
        for prefix in ignored | self._ignored_prefixes:
            self._log.condition("warning", "prefix-ignored", active=prefix in ignored, key=prefix, prefix=prefix)
        self._ignored_prefixes = ignored

    def _on_refusal(self, event: ActionRefused) -> None:
        if event.why is Refusal.DENIED:
            self._fail(NdpbrError(f"ndpbr requires CAP_NET_ADMIN over this network namespace: {event.text}"))
        elif isinstance(event.action, Mark):
            self._resync.on_marker_refused(event.text)

    def _on_signal(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            self._resync.request()
        elif number is signal.SIGUSR1:
            self._log.record("info", "state", **self._state())
            self._log.record("info", "counters", **self._status.counted())
        elif number is signal.SIGUSR2:
            self._keep_until = self._loop.time() + _KEEP_S
        else:
            if not self._stop.is_set():
                self._log.record("info", "stopping", signal=number.name)
                self._keep = self._keep or self._loop.time() < self._keep_until
            self._stop.set()

    def _on_tick(self) -> None:
        """Do what may wait for any tick; there is at least one every 30 s."""
        self._status.update_links()
        if self._loop.time() >= self._next_upkeep:
            self._next_upkeep = self._loop.time() + _UPKEEP_INTERVAL_S
            self._log.flush(0)  # tries again what could not be written; the dispatcher writes the decisions
            self._discovery.save()
        if clock.now() >= self._next_state:
            self._next_state = clock.now() + _STATE_INTERVAL_S
            self._log.record("info", "state", **self._state())
        before, self._suspended_s = self._suspended_s, clock.suspended_s()
        if self._suspended_s - before > _MIN_SUSPEND_S:
            self._log.record("info", "resumed", suspended_s=round(self._suspended_s - before))
            self._resync.request()

    def _fail(self, error: NdpbrError) -> None:
        self._fatal = self._fatal or error
        self._stop.set()

    # Start and stop

    def _watch_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            self._loop.add_signal_handler(number, self._inbox.put, SignalReceived(number))
        self._loop.set_exception_handler(self._on_bug)

    def _on_error(self, error: Exception) -> None:
        self._on_bug(self._loop, {"exception": error, "message": "while an event was handled"})

    def _on_bug(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what should never happen; the hosts that work go on working."""
        error = context.get("exception")
        place = traceback.extract_tb(error.__traceback__)[-1] if isinstance(error, BaseException) else None
        where = f"{place.filename}:{place.lineno}" if place else None
        self._log.record("error", "internal-error", error=repr(error), detail=context.get("message"), where=where)
        self._resync.request()

    async def _open_control(self) -> None:
        if not self._config.dry_run:
            try:
                await self._control.start()
            except OSError as error:
                self._log.record("warning", "control-failed", error=error.strerror or str(error))

    async def _take_snapshot(self) -> KernelSnapshot:
        return await dump.snapshot(self._program, self._listed, self._config.protocol)

    def _state(self) -> dict[str, object]:
        counters, scope = self._status.counters(), self._dispatcher.proxy.scope
        return {
            "interfaces": list(self._listed),
            "up": sorted(self._dispatcher.proxy.desired.usable),
            "prefixes": sorted(map(str, scope.on_link or ()))[:_MAX_PREFIXES],
            "default_routes": sorted(scope.routes.uplinks),
            "hosts": counters.hosts,
            "resyncs": counters.resyncs,
            "monitor_restarts": counters.monitor_restarts,
            "events_lost": counters.events_lost,
            "iproute2": self._program.text,
        }

    async def _clean_up(self) -> None:
        self._dispatcher.close()
        cleaning = not self._config.dry_run and not self._keep
        if cleaning:
            # First: what follows waits for ip(8) and for disks, and the service manager kills a daemon that takes long.
            self._settings.restore()
        self._control.stop()
        self._discovery.close()
        self._monitor.stop()
        self._solicitations.close()
        if self._executor is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                    await self._executor.drained()
            self._executor.close()
        self._advertiser.close()
        # Not patient without the right to remove anything.
        patient = self._fatal is None
        hosts = len(self._dispatcher.proxy.hosts)
        self._log.flush()
        self._log.summarized = True
        removed = cleaning and remove_all(self._program, self._dispatcher, self._log, patient=patient)
        self._log.record("info", "stopped", hosts=hosts, entries_removed=removed)
        if patient and cleaning and not removed:
            raise NdpbrError("not all entries could be removed; `ndpbr flush` removes them")


def _rules(config: RunConfig, listed: Listed, commands: Commands) -> Rules:
    options = {it.name: getattr(config, it.name) for it in fields(Rules) if hasattr(config, it.name)}
    return Rules(**options | {"interfaces": listed, "can_resolve": commands.has_use})
