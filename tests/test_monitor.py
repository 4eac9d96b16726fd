"""The monitor is kept alive, and what it says is passed on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from ndpbr_py.iproute2.monitor import Supervisor
from tests.scripts import Heard, script, until


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_monitor_is_asked_for_neighbors_links_and_addresses(tmp_path: Path) -> None:
    """The words that it is started with, without colour and with the largest buffer."""

    async def story() -> list[str]:
        heard = Heard()
        supervisor = Supervisor(script(tmp_path, 'echo "$*"', "exec sleep 1000"), heard)
        supervisor.start()
        await until(lambda: heard.lines)
        supervisor.stop()
        return heard.lines

    assert asyncio.run(story()) == ["-6 -color=never -rcvbuf 8388608 -o monitor label link address neigh"]


def test_lines_come_whole_however_they_were_written(tmp_path: Path) -> None:
    """A line that comes in pieces is passed on when it is complete, in whatever bytes."""
    path = script(tmp_path, "printf 'one\\ntw'", "sleep 0.1", "printf 'o\\n\\377\\nthr'", "exec sleep 1000")

    async def story() -> list[str]:
        heard = Heard()
        supervisor = Supervisor(path, heard)
        supervisor.start()
        await until(lambda: len(heard.lines) >= 3)
        supervisor.stop()
        return heard.lines

    assert asyncio.run(story()) == ["one", "two", "\udcff"]


def test_line_without_end_is_not_waited_for(tmp_path: Path) -> None:
    """Garbage without a newline is passed on in pieces, and does not fill the memory."""

    async def story() -> int:
        heard = Heard()
        supervisor = Supervisor(script(tmp_path, "exec head -c 1000000 /dev/zero"), heard)
        supervisor.start()
        await until(lambda: heard.ends)
        supervisor.stop()
        return sum(map(len, heard.lines))

    assert asyncio.run(story()) > 990_000


def test_lost_events_are_told(tmp_path: Path) -> None:
    """What ip says when the kernel's buffer ran over is passed on; other complaints are not."""
    path = script(
        tmp_path,
        "echo 'Message truncated' >&2",
        "sleep 0.1",
        "echo 'netlink receive error No buffer space available (105)' >&2",
        "exec sleep 1000",
    )

    async def story() -> list[str]:
        heard = Heard()
        supervisor = Supervisor(path, heard)
        supervisor.start()
        await until(lambda: heard.complaints)
        supervisor.stop()
        return heard.complaints

    assert asyncio.run(story()) == ["netlink receive error No buffer space available (105)"]


def test_monitor_that_ends_is_started_again(tmp_path: Path) -> None:
    """The first time after a second, then after twice that: it may end at once each time."""

    async def story() -> Heard:
        heard = Heard()
        supervisor = Supervisor(script(tmp_path, "echo line", "exit 3"), heard)
        supervisor.start()
        await until(lambda: len(heard.ends) == 2)
        supervisor.stop()
        return heard

    heard = asyncio.run(story())
    assert heard.ends == [("status 3", 1.0), ("status 3", 2.0)]
    assert (heard.lines, len(set(heard.pids))) == (["line", "line"], 2)


def test_monitor_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    """A missing program is told like a monitor that ended."""

    async def story() -> list[tuple[str, float]]:
        heard = Heard()
        supervisor = Supervisor(str(tmp_path / "ip"), heard)
        supervisor.start()
        supervisor.stop()
        return heard.ends

    [(why, delay)] = asyncio.run(story())
    assert why.startswith(f"{tmp_path}/ip could not be started: ")
    assert delay == 1.0


def test_restart_and_stop_leave_no_process(tmp_path: Path) -> None:
    """A restarted monitor is another process, and a stopped one is gone: even if it does not listen to SIGTERM."""

    async def story() -> list[int]:
        heard = Heard()
        supervisor = Supervisor(script(tmp_path, "trap '' TERM", "echo up", "exec sleep 1000"), heard)
        supervisor.start()
        await until(lambda: heard.lines)
        os.kill(heard.pids[0], signal.SIGSTOP)
        supervisor.restart()
        supervisor.stop()
        assert heard.ends == []
        return heard.pids

    pids = asyncio.run(story())
    assert len(set(pids)) == 2
    assert all(map(gone, pids))
