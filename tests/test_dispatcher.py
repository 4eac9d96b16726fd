"""Decisions -> actions for the executor, records for the log: what is done now, later, or not again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from ndpbr_py.config import LogConfig
from ndpbr_py.core.events import NudState
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.iproute2.batching import MAX_UNFINISHED
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import Executor
from ndpbr_py.logs.logger import Log
from tests.builders import Records, addr, changed, kernel, nd_proxy
from tests.scripts import nothing, script

Story = Callable[[Dispatcher, Executor, Records], Awaitable[None]]


def run(tmp_path: Path, ip: str, story: Story) -> None:
    """Run *story* with a dispatcher whose ip(8) is the script *ip*."""

    async def whole() -> None:
        commands, records = Commands(135), Records()
        log = Log(LogConfig(), records)
        executor = Executor(script(tmp_path, ip), commands, nothing)
        dispatcher = Dispatcher(nd_proxy(), executor, commands, log, nothing)
        await story(dispatcher, executor, records)
        dispatcher.close()
        executor.close()

    asyncio.run(whole())


def learn(dispatcher: Dispatcher, first: int, number: int) -> None:
    """Let new hosts appear."""
    for n in range(first, first + number):
        lladdr = f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"
        dispatcher.handle(changed(f"2001:db8::1:{n:x}", lladdr=lladdr, state=NudState.REACHABLE))
    dispatcher.settle()


def test_resync_does_not_repeat_what_still_waits(tmp_path: Path) -> None:
    """While ip(8) hangs, each resync finds the same entries missing, and the queue does not grow."""

    async def story(dispatcher: Dispatcher, executor: Executor, _: Records) -> None:
        learn(dispatcher, 1, MAX_UNFINISHED)  # two entries each: the process takes the first half, and hangs
        await dispatcher.reconcile(kernel())
        waiting = executor.latest()
        await dispatcher.reconcile(kernel())

        assert len(waiting) == 2 * MAX_UNFINISHED
        assert list(executor.latest().items()) == list(waiting.items())
        assert len(executor._waiting.entries) == len(waiting)

    run(tmp_path, "exec sleep 1000", story)


def test_log_is_written_although_something_is_decided_all_the_time() -> None:
    """The log waits until nothing is decided for two milliseconds, but at most a second."""

    async def story() -> int:
        now, records = 0.0, Records()
        asyncio.get_running_loop().time = lambda: now  # type: ignore[method-assign]
        dispatcher = Dispatcher(nd_proxy(), None, Commands(135), Log(LogConfig(), records), nothing)
        while not records.written:
            now += 0.0005
            learn(dispatcher, round(now / 0.0005), 1)
            await asyncio.sleep(0)
        dispatcher.close()
        return len(dispatcher.proxy.hosts)

    assert 1999 <= asyncio.run(story()) <= 2010


def test_first_of_many_hosts_does_not_wait_for_the_others(tmp_path: Path) -> None:
    """The monitor reports a hundred hosts in one read: ip(8) works for the first while the core decides the rest."""

    async def story(dispatcher: Dispatcher, executor: Executor, _: Records) -> None:
        dispatcher.handle(changed(state=NudState.REACHABLE))
        assert (executor.may_start, len(executor.latest())) == (False, 0)
        dispatcher.handle(changed("2001:db8::1:1", lladdr="02:00:00:00:00:01", state=NudState.REACHABLE))
        assert (executor.may_start, len(executor.latest())) == (False, 2)  # fed in one piece, by settle()

    run(tmp_path, "exec cat >/dev/null", story)


def test_nothing_is_done_for_a_line_that_nothing_follows_from(tmp_path: Path) -> None:
    """Each route of ours comes back as a line; the queue is settled after it, and that must cost next to nothing."""

    async def story(dispatcher: Dispatcher, executor: Executor, _: Records) -> None:
        learn(dispatcher, 1, 1)
        flushed: list[bool] = []
        executor.flush = lambda: flushed.append(True)  # type: ignore[method-assign]
        dispatcher.settle()
        assert flushed == []
        dispatcher.handle(changed(str(addr()), state=NudState.REACHABLE))
        dispatcher.settle()
        assert flushed == [True]

    run(tmp_path, "exec cat >/dev/null", story)
