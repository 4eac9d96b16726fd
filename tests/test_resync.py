"""When the kernel's tables are read, and what counts as newer than they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path

from ndpbr_py.config import LogConfig
from ndpbr_py.core.events import KernelSnapshot, NudState, SnapshotStarted
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.iproute2.commands import Commands, marker
from ndpbr_py.iproute2.executor import Executor
from ndpbr_py.iproute2.monitor import Supervisor
from ndpbr_py.logs.logger import Log
from tests.builders import Records, addr, changed, kernel, nd_proxy
from tests.scripts import DEADLINE, nothing, script


def test_host_learned_behind_the_marker_is_not_missed_in_the_tables(tmp_path: Path) -> None:
    """In a flood its entries wait in the batch while the tables are read, which is no reason to repair it."""

    async def read() -> KernelSnapshot:
        return kernel()

    async def story() -> tuple[int, bool]:
        commands, log = Commands(135), Log(LogConfig(), Records())
        executor = Executor(script(tmp_path, "exec cat >/dev/null"), commands, nothing)
        dispatcher = Dispatcher(nd_proxy(), executor, commands, log, nothing)

        def emit(event: SnapshotStarted | KernelSnapshot) -> None:
            if isinstance(event, SnapshotStarted):
                dispatcher.handle(event)

        (tmp_path / "monitor").mkdir()
        monitor = Supervisor(script(tmp_path / "monitor", "exec sleep 60"), nothing)
        monitor.start()
        resync = Resync(read, nothing, dispatcher, monitor, emit, log, 1000.0)
        resync.request()
        running = asyncio.create_task(resync.run())
        await asyncio.sleep(0)
        dispatcher.handle(changed(state=NudState.REACHABLE))
        dispatcher.settle()
        resync.on_marker(marker(1))
        async with asyncio.timeout(DEADLINE):
            await resync.done.wait()
        running.cancel()
        monitor.stop()
        executor.close()
        dispatcher.close()
        return dispatcher.counters.hosts_repaired, addr() in dispatcher.proxy.hosts

    assert asyncio.run(story()) == (0, True)


def read_times(folder: Path, *, requested: bool, retry_in_s: Callable[[], float] = lambda: inf) -> list[float]:
    """Return when the tables were read the first two times, in seconds; *requested*: as often as possible."""
    reads: list[float] = []

    async def read() -> KernelSnapshot:
        reads.append(time.monotonic())
        return kernel()

    async def story() -> None:
        commands, log = Commands(135), Log(LogConfig(), Records())
        executor = Executor(script(folder, "exec cat >/dev/null"), commands, nothing)
        dispatcher = Dispatcher(nd_proxy(), executor, commands, log, nothing)
        resync = Resync(read, nothing, dispatcher, None, nothing, log, 1000.0, retry_in_s)
        running = asyncio.create_task(resync.run())
        async with asyncio.timeout(DEADLINE):
            while len(reads) < 2:
                if requested:
                    resync.request()
                await asyncio.sleep(0.01)
        running.cancel()
        executor.close()
        dispatcher.close()

    asyncio.run(story())
    return reads


def test_tables_are_read_at_most_once_a_second(tmp_path: Path) -> None:
    """However often a change of routes is reported: a fight of two programs costs no more than that."""
    first, second = read_times(tmp_path, requested=True)

    assert second - first >= 1.0


def test_what_could_not_be_restored_yet_brings_the_next_snapshot(tmp_path: Path) -> None:
    """Without a request, and long before the interval ends."""
    waits = iter((0.01, 0.01))

    assert len(read_times(tmp_path, requested=False, retry_in_s=partial(next, waits, inf))) == 2
