"""ndpbr record: what the kernel has, and what the monitor says from now on -> one file, which replay reads.

Needs no root, and changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ndpbr_py import __version__, config
from ndpbr_py.control.client import ask
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump, program
from ndpbr_py.iproute2.monitor import (
    ARGUMENTS,
    EventsLost,
    MonitorEvent,
    MonitorExited,
    MonitorLines,
    MonitorStarted,
    Supervisor,
)
from ndpbr_py.iproute2.tables import KINDS
from ndpbr_py.recording.format import DAEMON, ENDED, FORMAT, INTERFACES, MONITOR, STARTED, VERSION, ZONE, comment
from ndpbr_py.system import clock
from ndpbr_py.system.sysctl import required, values

_STAMPS = "-ts"
# What the kernel's neighbor discovery depends on, besides what ndpbr sets.
_SETTINGS = ("conf/{}/forwarding", "conf/{}/accept_ra", "neigh/{}/gc_stale_time", "neigh/{}/base_reachable_time_ms")
_LIMITS = ("neigh/default/gc_thresh1", "neigh/default/gc_thresh2", "neigh/default/gc_thresh3")


def main(arguments: argparse.Namespace) -> int:
    """Record until a signal."""
    interfaces = config.interfaces(arguments.interfaces)
    seconds = None if arguments.seconds is None else config.seconds("--seconds", arguments.seconds, most=604800.0)
    asyncio.run(_record(arguments.file, interfaces, program.find(), Path(arguments.state_dir), seconds))
    return 0


class Recorder:
    """What the monitor says -> a file, once there is one."""

    def __init__(self) -> None:
        self._queued: list[str] = []
        self._file: BinaryIO | None = None
        self.error: OSError | None = None
        self.stopped = asyncio.Event()

    def begin(self, file: BinaryIO, lines: Sequence[str]) -> None:
        """Write *lines*, what was heard until now, and what will be."""
        self._file = file
        self.heard([*lines, *self._queued])

    def heard(self, lines: Sequence[str]) -> None:
        """Write lines; what cannot be written ends the recording."""
        if self._file is None:
            self._queued.extend(lines)
            return
        try:
            self._file.write("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
            self._file.flush()
        except OSError as error:
            self.error = error
            self.stopped.set()

    def on_event(self, event: MonitorEvent) -> None:
        """Write what the monitor printed, or a comment about what became of it."""
        match event:
            case MonitorLines(lines):
                self.heard(lines)
            case MonitorStarted():
                self.heard([comment("monitor-started", clock.local())])
            case MonitorExited(status):
                self.heard([comment("monitor-exited", f"{clock.local()} {status}")])
            case EventsLost(error):
                self.heard([comment("events-lost", f"{clock.local()} {error}")])


async def _record(
    name: str, interfaces: Sequence[str], ip: program.Program, state_dir: Path, seconds: float | None
) -> None:
    recorder = Recorder()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, recorder.stopped.set)
    # The monitor first: what happens while the tables are read is in it, or in them.
    supervisor = Supervisor(ip.path, recorder.on_event, _STAMPS)
    supervisor.start()
    try:
        lines = await _header(interfaces, ip, state_dir)
        with _opened(name) as file:
            recorder.begin(file, lines)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await recorder.stopped.wait()
            recorder.heard([comment(ENDED, clock.local())])
            if recorder.error is not None:
                raise recorder.error
    except OSError as error:
        if name == "-":
            raise
        raise NdpbrError(f"{name} could not be written: {error.strerror}") from error
    finally:
        supervisor.stop()


async def _header(interfaces: Sequence[str], ip: program.Program, state_dir: Path) -> list[str]:
    """Return the header, with the kernel's tables."""
    kernel = os.uname()
    settings = [name.format(dev) for dev in ("all", *interfaces) for name in _SETTINGS]
    lines = [
        comment(FORMAT, VERSION),
        comment(STARTED, clock.local()),
        comment(ZONE, clock.zone()),
        comment("ndpbr", __version__),
        comment("iproute2", ip.text),
        comment("kernel", f"{kernel.sysname} {kernel.release} {kernel.machine}"),
        comment(INTERFACES, ",".join(interfaces)),
        comment(DAEMON, json.dumps(ask(state_dir, what="state"))),
    ]
    found = values([*required(interfaces), *settings, *_LIMITS])
    lines += [comment(path, value) for path, value in found.items()]

    def taker(kind: str) -> Callable[[str], None]:
        return lines.append if kind == KINDS[-1] else lambda line: lines.append(comment(kind, line))

    await dump.dump(ip, taker)
    return [*(line for line in lines if line), comment(MONITOR, " ".join(("ip", _STAMPS, *ARGUMENTS)))]


@contextlib.contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """Open a new file.

    Raises:
        NdpbrError: There is one already.
    """
    if name == "-":
        yield sys.stdout.buffer
        return
    try:
        with open(name, "xb") as file:
            yield file
    except FileExistsError:
        raise NdpbrError(f"a new file was wanted, got {name}, which exists") from None
