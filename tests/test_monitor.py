"""The monitor is restarted when it ends, and its output is emitted."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from ndpbr_py.iproute2.monitor import (
    EventsLost,
    MonitorEvent,
    MonitorExited,
    MonitorLines,
    MonitorStarted,
    MonitorUnfiltered,
    Supervisor,
)
from tests.scripts import later, script, until

FOREVER = "exec sleep 1000"


def run(path: str, condition: Callable[[list[MonitorEvent]], object]) -> list[MonitorEvent]:
    """Supervise *path* until *condition* holds for the events; return these."""

    async def story() -> list[MonitorEvent]:
        events: list[MonitorEvent] = []
        supervisor = Supervisor(path, events.append)
        supervisor.start()
        assert events == []
        await until(lambda: condition(events))
        supervisor.stop()
        return events

    return asyncio.run(story())


def lines(events: list[MonitorEvent]) -> list[str]:
    """Return all lines among *events*."""
    return [line for event in events if isinstance(event, MonitorLines) for line in event.lines]


def exits(events: list[MonitorEvent]) -> list[MonitorExited]:
    """Return the exits among *events*."""
    return [event for event in events if isinstance(event, MonitorExited)]


def pids(events: list[MonitorEvent]) -> list[int]:
    """Return the process ids of the monitors that were started."""
    return [event.pid for event in events if isinstance(event, MonitorStarted)]


def is_gone(pid: int) -> bool:
    """Return whether there is no process *pid*."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_monitor_prints_neighbors_links_and_addresses(tmp_path: Path) -> None:
    """The monitor is started without color and with the largest buffer."""
    events = run(script(tmp_path, 'echo "$*"', FOREVER), lines)

    assert lines(events) == ["-6 -color=never -rcvbuf 8388608 -o monitor label neigh link address route netconf"]


def test_lines_are_complete_however_they_were_written(tmp_path: Path) -> None:
    """A line that arrives in pieces is emitted when it is complete, in whatever bytes."""
    path = script(tmp_path, "printf 'one\\ntw'", "sleep 0.1", "printf 'o\\n\\377\\nthr'", FOREVER)

    assert lines(run(path, lambda events: len(lines(events)) >= 3)) == ["one", "two", "\udcff"]


def test_line_without_end_is_cut(tmp_path: Path) -> None:
    """Garbage without a newline is emitted in pieces, and does not fill the memory."""
    events = run(script(tmp_path, "exec head -c 1000000 /dev/zero"), exits)

    assert sum(map(len, lines(events))) > 990_000


def test_lost_events_are_emitted(tmp_path: Path) -> None:
    """A full buffer of the kernel is reported; other complaints of ip(8) are not, also those just before it."""
    overflow = "netlink receive error No buffer space available (105)"
    path = script(tmp_path, f"printf 'Message truncated\\n{overflow}\\n' >&2", FOREVER)

    started, *others = run(path, lambda events: len(events) > 1)

    assert isinstance(started, MonitorStarted)
    assert others == [EventsLost(overflow)]


def test_monitor_that_exits_is_restarted(tmp_path: Path) -> None:
    """The first restart comes after one second, the next after twice that."""
    events = run(script(tmp_path, "echo line", "exit 3"), lambda events: len(exits(events)) == 2)

    assert exits(events) == [MonitorExited("status 3", 1.0), MonitorExited("status 3", 2.0)]
    assert lines(events) == ["line", "line"]
    assert len(set(pids(events))) == 2


def test_monitor_that_ran_for_a_minute_is_restarted_soon(tmp_path: Path) -> None:
    """Its earlier failures no longer count."""

    async def story() -> list[MonitorEvent]:
        events: list[MonitorEvent] = []
        forward = later()
        supervisor = Supervisor(script(tmp_path, FOREVER), events.append)
        supervisor.start()
        for number, ran_for_s in enumerate((0.0, 0.0, 61.0), 1):
            await until(lambda: len(pids(events)) == number)  # noqa: B023
            forward(ran_for_s)
            os.kill(pids(events)[-1], signal.SIGKILL)
            await until(lambda: len(exits(events)) == number)  # noqa: B023
            forward(exits(events)[-1].retry_in_s)
        supervisor.stop()
        return events

    assert [exited.retry_in_s for exited in exits(asyncio.run(story()))] == [1.0, 2.0, 1.0]


def test_monitor_that_cannot_be_started_is_retried(tmp_path: Path) -> None:
    """A missing program is reported like a monitor that exited."""
    [exited] = run(str(tmp_path / "ip"), exits)

    assert isinstance(exited, MonitorExited)
    assert exited.status.startswith(f"{tmp_path}/ip could not be started: ")
    assert exited.retry_in_s == 1.0


def test_restart_and_stop_leave_no_process(tmp_path: Path) -> None:
    """A restarted monitor is another process, and a stopped one is gone, even if it ignores SIGTERM."""

    async def story() -> list[MonitorEvent]:
        events: list[MonitorEvent] = []
        supervisor = Supervisor(script(tmp_path, "trap '' TERM", "echo up", FOREVER), events.append)
        supervisor.start()
        await until(lambda: lines(events))
        os.kill(pids(events)[0], signal.SIGSTOP)
        supervisor.restart_now()
        await until(lambda: len(pids(events)) == 2)
        supervisor.stop()
        return events

    events = asyncio.run(story())
    assert exits(events) == []
    assert len(set(pids(events))) == 2
    assert all(map(is_gone, pids(events)))


def test_monitor_that_cannot_be_filtered_is_read_all_the_same(tmp_path: Path) -> None:
    """Its lines arrive, and each monitor that is started says once why it also prints the routes that are added."""

    async def story() -> list[MonitorEvent]:
        events: list[MonitorEvent] = []
        supervisor = Supervisor(
            script(tmp_path, "echo one", "sleep 0.1", "echo two", FOREVER), events.append, hidden_protocol=135
        )
        supervisor.start()
        await until(lambda: len(lines(events)) == 2)
        supervisor.restart_now()
        await until(lambda: len(lines(events)) == 4)
        supervisor.stop()
        return events

    events = asyncio.run(story())
    assert lines(events) == ["one", "two"] * 2
    assert events.count(MonitorUnfiltered("it has no socket that listens")) == 2
