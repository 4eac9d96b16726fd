"""ndpbr record: the kernel's tables, and the monitor's lines from now on -> one file, which replay reads.

Requires no root, and changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, assert_never

from ndpbr_py import ISSUES, __version__, config
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
    MonitorUnfiltered,
    Supervisor,
)
from ndpbr_py.iproute2.tables import KINDS
from ndpbr_py.recording.format import DAEMON, ENDED, FORMAT, INTERFACES, MONITOR, STARTED, VERSION, ZONE, comment
from ndpbr_py.system import clock
from ndpbr_py.system.sysctl import required, values

_TIMESTAMPS = "-ts"  # option of ip(8)
# Besides those that ndpbr sets, the kernel's neighbor discovery depends on these.
_SETTINGS = ("conf/{}/forwarding", "conf/{}/accept_ra", "neigh/{}/gc_stale_time", "neigh/{}/base_reachable_time_ms")
_LIMITS = ("neigh/default/gc_thresh1", "neigh/default/gc_thresh2", "neigh/default/gc_thresh3")


def main(arguments: argparse.Namespace) -> int:
    """Record until a signal."""
    interfaces = config.two_interfaces(arguments.interfaces, "record", "ndpbr record FILE wan0 lan0")
    asyncio.run(record(arguments.file, interfaces, program.find(), arguments.state_dir, arguments.seconds))
    return 0


class Recorder:
    """Writes the monitor's lines to a file, and queues them until there is one.

    Args:
        edit: Returns the lines to write instead of a line.

    Attributes:
        error: Why a line could not be written; None if all were.
        stopped: Set when the recording has to end.
    """

    def __init__(self, edit: Callable[[str], str] = str) -> None:
        self._edit = edit
        self._queued: list[str] = []
        self._file: BinaryIO | None = None
        self.error: OSError | None = None
        self.stopped = asyncio.Event()

    def begin(self, file: BinaryIO, lines: Sequence[str]) -> None:
        """Write *lines*, then the queued lines; from now on write each line immediately."""
        self._file = file
        self.write([*lines, *self._queued])

    def write(self, lines: Sequence[str]) -> None:
        """Write or queue lines; a line that cannot be written ends the recording."""
        if self._file is None:
            self._queued.extend(lines)
            return
        try:
            self._file.write("".join(f"{self._edit(line)}\n" for line in lines).encode(errors="surrogateescape"))
            self._file.flush()
        except OSError as error:
            self.error = error
            self.stopped.set()

    def on_event(self, event: MonitorEvent) -> None:
        """Write the lines of the monitor, or a comment about what happened to it."""
        match event:
            case MonitorLines(lines):
                self.write(lines)
            case MonitorStarted():
                self.write([comment("monitor-started", clock.local())])
            case MonitorExited(status):
                self.write([comment("monitor-exited", f"{clock.local()} {status}")])
            case EventsLost(error):
                self.write([comment("events-lost", f"{clock.local()} {error}")])
            case MonitorUnfiltered():
                pass  # every line is recorded
            case _:
                assert_never(event)


async def record(
    name: str,
    interfaces: Sequence[str],
    ip: program.Program,
    state_dir: Path,
    seconds: float | None,
    more: Sequence[str] = (),
    edit: Callable[[str], str] = str,
) -> None:
    """Record to the file *name* until a signal, or for so many *seconds*; *more* are lines of the header.

    Raises:
        NdpbrError: The file exists, or cannot be written.
    """
    recorder = Recorder(edit)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, recorder.stopped.set)
    # The monitor first: a change while the tables are read is in its lines, if not in the tables.
    supervisor = Supervisor(ip.path, recorder.on_event, _TIMESTAMPS)
    supervisor.start()
    try:
        *lines, monitor = await _header(interfaces, ip, state_dir)
        with open(name, "xb") if name != "-" else contextlib.nullcontext(sys.stdout.buffer) as file:
            recorder.begin(file, [*lines, *more, monitor])
            if name != "-":
                how_long = "" if seconds is None else f"for {seconds:g} s, or "
                print(f"recording {how_long}until Ctrl-C", file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await recorder.stopped.wait()
            recorder.write([comment(ENDED, clock.local())])
            if recorder.error is not None:
                raise recorder.error
    except FileExistsError:
        raise NdpbrError(f"{name} already exists") from None
    except OSError as error:
        if name == "-":
            raise
        raise NdpbrError(f"{name} could not be written: {error.strerror}") from error
    finally:
        supervisor.stop()
    if name != "-":
        print(f"{name} is written; attach it to an issue at {ISSUES}", file=sys.stderr)


async def _header(interfaces: Sequence[str], ip: program.Program, state_dir: Path) -> list[str]:
    """Return the lines of the header, and those of the kernel's tables."""
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
        comment(DAEMON, json.dumps(ask(state_dir, request="state"))),
    ]
    lines += [comment(path, value) for path, value in values([*required(interfaces), *settings, *_LIMITS]).items()]

    def line_parser(kind: str) -> Callable[[str], None]:
        return lines.append if kind == KINDS[-1] else lambda line: lines.append(comment(kind, line))

    await dump.dump(ip, line_parser)
    return [*(line for line in lines if line), comment(MONITOR, " ".join(("ip", _TIMESTAMPS, *ARGUMENTS)))]
