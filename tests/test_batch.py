"""One process at work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ndpbr_py.core.actions import AddRoute
from ndpbr_py.iproute2 import batch
from ndpbr_py.iproute2.batch import Batch
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.process import start
from ndpbr_py.iproute2.script import BatchScript
from tests.builders import addr
from tests.scripts import DEADLINE, script

Ended = tuple[bytes, str | None]


def nothing() -> None:
    """Take no note."""


def run(path: str, *feeds: int) -> Ended:
    """Return what a process said that was fed that many routes, bit by bit, and why it ended early."""

    async def story() -> Ended:
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        work = Batch(
            start(path, stdin=True),
            BatchScript(Commands(135)),
            nothing,
            lambda _, said, early: ended.set_result((said, early)),
        )
        for count in feeds:
            work.feed(AddRoute(addr(f"2001:db8::{n:x}"), "lan0") for n in range(count))
            await asyncio.sleep(0)
        work.close()
        async with asyncio.timeout(DEADLINE):
            return await ended

    return asyncio.run(story())


def test_all_is_written_that_was_fed(tmp_path: Path) -> None:
    """Bits come one after the other, and the end of file after the last."""
    said, early = run(script(tmp_path, "cat >&2"), 1, 2)

    assert [line.split()[0] for line in said.decode().splitlines()] == ["route", "@1", "route", "route", "@3"]
    assert early is None


def test_more_than_a_pipe_holds_is_written_as_it_is_read(tmp_path: Path) -> None:
    """A process that reads slowly, and says as much as it is told, blocks nothing."""
    said, early = run(script(tmp_path, "sleep 0.2", "exec cat >&2"), 20_000)

    assert (said.count(b"route add"), early) == (20_000, None)


def test_process_that_reads_nothing_ends_as_it_ends(tmp_path: Path) -> None:
    """A process that has ended before it was told everything is no error of ours: it has said why."""
    assert run(script(tmp_path, "echo no >&2", "exit 1"), 20_000) == (b"no\n", None)


def test_killed_process_is_told(tmp_path: Path) -> None:
    """An end by a signal is an end before its time."""
    assert run(script(tmp_path, "kill -9 $$"), 1) == (b"", "ended by signal 9")


def test_process_that_does_nothing_is_killed_whatever_comes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More work, of which there is always some, gives a stuck process no more time."""
    monkeypatch.setattr(batch, "HUNG", 0.3)

    async def story() -> str | None:
        ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        child = start(script(tmp_path, "exec sleep 1000"), stdin=True)
        work = Batch(child, BatchScript(Commands(135)), nothing, lambda _, said, early: ended.set_result(early))
        async with asyncio.timeout(DEADLINE):
            while not ended.done():
                work.feed([AddRoute(addr(), "lan0")])
                await asyncio.sleep(0.05)
        return await ended

    assert asyncio.run(story()) == "hung for 0.3 s"


def test_process_that_gets_on_with_much_work_is_let_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long in all is not hung, as long as it goes on."""
    monkeypatch.setattr(batch, "HUNG", 0.5)
    told = r"""@*) sleep 0.1; echo "Object \"$words\" is unknown, try \"ip help\"." >&2;;"""

    said, early = run(script(tmp_path, "while read -r words; do", 'case "$words" in', told, "esac", "done"), 128)

    assert (said.count(b"Object"), early) == (8, None)


def test_abandoned_process_reports_nothing(tmp_path: Path) -> None:
    """At the end of the program nobody waits for a batch."""

    async def story() -> list[bytes]:
        reported: list[bytes] = []
        child = start(script(tmp_path, "exec sleep 1000"), stdin=True)
        work = Batch(child, BatchScript(Commands(135)), nothing, lambda _, said, early: reported.append(said))
        work.feed([AddRoute(addr(), "lan0")])
        work.abandon()
        assert child.wait() == -9
        return reported

    assert asyncio.run(story()) == []


def test_process_that_has_caught_up_is_noticed(tmp_path: Path) -> None:
    """A batch can take more while its process works, and tells when all that it was told is done."""
    told = r"""@1) ;; @*) sleep 0.1; echo "Object \"$words\" is unknown, try \"ip help\"." >&2;;"""
    path = script(tmp_path, "while read -r words; do", 'case "$words" in', told, "esac", "done")

    async def story() -> tuple[bool, bool]:
        idle, ended = asyncio.Event(), asyncio.Event()
        work = Batch(start(path, stdin=True), BatchScript(Commands(135)), idle.set, lambda _, said, early: ended.set())
        async with asyncio.timeout(DEADLINE):
            for number in range(2):
                work.feed([AddRoute(addr(f"2001:db8::{number:x}"), "lan0")])
            before = work.caught_up
            await idle.wait()
            after = work.caught_up
            work.close()
            await ended.wait()
        return before, after

    assert asyncio.run(story()) == (False, True)
