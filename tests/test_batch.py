"""One batch process: feeding it, reading its progress, noticing its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ndpbr_py.core.actions import AddRoute
from ndpbr_py.iproute2.batch import Batch
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.process import start
from ndpbr_py.iproute2.script import CHECKPOINT_INTERVAL, BatchScript
from tests.builders import addr
from tests.scripts import DEADLINE, script

Ended = tuple[bytes, str | None]
CHECKPOINT_AFTER = r"""@*) sleep 0.6; echo "Object \"$words\" is unknown, try \"ip help\"." >&2;;"""


def ignore(_: object) -> None:
    """Take no note of progress."""


def batch(path: str, hang_timeout_s: float = DEADLINE) -> tuple[Batch, asyncio.Future[Ended]]:
    """Start a process; return its batch, and the future of its stderr and the reason of an early end."""
    ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
    child = start(path, stdin=True)
    made = Batch(child, BatchScript(Commands(135)), hang_timeout_s, ignore, lambda _, *result: ended.set_result(result))
    return made, ended


def run(path: str, *feeds: int, hang_timeout_s: float = DEADLINE) -> Ended:
    """Feed a process that many routes, part by part; return its stderr, and why it ended early."""

    async def story() -> Ended:
        work, ended = batch(path, hang_timeout_s)
        for count in feeds:
            work.feed(AddRoute(addr(f"2001:db8::{n:x}"), "lan0") for n in range(count))
            await asyncio.sleep(0)
        work.close()
        async with asyncio.timeout(DEADLINE):
            return await ended

    return asyncio.run(story())


def test_everything_fed_is_written(tmp_path: Path) -> None:
    """Parts are written one after the other, and stdin is closed after the last."""
    stderr, lost = run(script(tmp_path, "cat >&2"), 1, 2)

    assert [line.split()[0] for line in stderr.decode().splitlines()] == ["route", "@1", "route", "route", "@3"]
    assert lost is None


def test_more_than_a_pipe_holds_is_written_as_it_is_read(tmp_path: Path) -> None:
    """A process that reads slowly, and prints as much as it reads, blocks nothing."""
    stderr, lost = run(script(tmp_path, "sleep 0.2", "exec cat >&2"), 20_000)

    assert (stderr.count(b"route add"), lost) == (20_000, None)


def test_process_that_reads_nothing_ends_normally(tmp_path: Path) -> None:
    """A process that ended before it was fed everything raises nothing: its stderr says why it ended."""
    assert run(script(tmp_path, "echo no >&2", "exit 1"), 20_000) == (b"no\n", None)


def test_process_that_is_fed_nothing_ends_normally(tmp_path: Path) -> None:
    """Also the end of a process that was closed before its first feed is noticed."""
    assert run(script(tmp_path, "cat >&2")) == (b"", None)


def test_killed_process_is_reported(tmp_path: Path) -> None:
    """An end by a signal is an early end."""
    assert run(script(tmp_path, "kill -9 $$"), 1) == (b"", "ended by signal 9")


@pytest.mark.parametrize("status", [126, 127])
def test_program_that_cannot_be_loaded_is_lost(status: int, tmp_path: Path) -> None:
    """A complaint of the loader, as during an upgrade, refuses no action."""
    assert run(script(tmp_path, f"exit {status}"), 1) == (b"", f"ended with status {status}")


def test_hung_process_is_killed_although_more_work_arrives(tmp_path: Path) -> None:
    """A steady supply of work gives a hung process no more time."""

    async def story() -> str | None:
        work, ended = batch(script(tmp_path, "exec sleep 1000"), hang_timeout_s=0.3)
        async with asyncio.timeout(DEADLINE):
            while not ended.done():
                work.feed([AddRoute(addr(), "lan0")])
                await asyncio.sleep(0.05)
        return (await ended)[1]

    assert asyncio.run(story()) == "hung for 0.3 s"


def test_slow_process_that_makes_progress_is_not_killed(tmp_path: Path) -> None:
    """A process is not hung as long as it reports progress, even if all its work takes longer than the timeout."""
    path = script(tmp_path, "while read -r words; do", 'case "$words" in', CHECKPOINT_AFTER, "esac", "done")

    stderr, lost = run(path, 8 * CHECKPOINT_INTERVAL, hang_timeout_s=4.0)

    assert (stderr.count(b"Object"), lost) == (8, None)


def test_abandoned_process_reports_nothing(tmp_path: Path) -> None:
    """At the end of the program, no one waits for a batch."""

    async def story() -> bool:
        work, ended = batch(script(tmp_path, "exec sleep 1000"))
        work.feed([AddRoute(addr(), "lan0")])
        work.abandon()
        return ended.done()

    assert not asyncio.run(story())


def test_progress_is_reported(tmp_path: Path) -> None:
    """A batch reports progress, and counts what is unfinished, while its process works."""
    path = script(tmp_path, "while read -r words; do", 'case "$words" in "@1") ;;', CHECKPOINT_AFTER, "esac", "done")

    async def story() -> tuple[int, int]:
        progress, ended = asyncio.Event(), asyncio.Event()
        child, script = start(path, stdin=True), BatchScript(Commands(135))
        work = Batch(child, script, DEADLINE, lambda _: progress.set(), lambda *_: ended.set())
        async with asyncio.timeout(DEADLINE):
            for number in range(2):
                work.feed([AddRoute(addr(f"2001:db8::{number:x}"), "lan0")])
            before = work.unfinished
            await progress.wait()
            after = work.unfinished
            work.close()
            await ended.wait()
        return before, after

    assert asyncio.run(story()) == (2, 0)
