"""A recording <-> its header, the kernel's tables as they were, and what the monitor said, with the time.

The header is comments, `# KEY: VALUE`, of which those named for a table hold a line of it; the neighbor cache follows
as it is, and then, after `# monitor: ...`, the lines of `ip -ts monitor`.  A file without header is what ip printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv6Network

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.tables import KINDS, Tables
from ndpbr_py.recording import timestamps
from ndpbr_py.system import clock

FORMAT, VERSION = "ndpbr-recording", "1"
INTERFACES, STARTED, ZONE, DAEMON = "interfaces", "started", "zone", "daemon"
MONITOR = "monitor"  # the header's last
ENDED = "ended"  # the recording's last
_NEIGHBOR = KINDS[-1]
_VALUE = re.compile(r"# ([a-z][\w/.-]*): (.*)")
_ZONE = re.compile(r"([+-])(\d\d)(\d\d)")
_TICK = 30.0  # s, as the daemon's
_MOST_TICKS = 1000  # in one gap, however long


def comment(key: str, value: object) -> str:
    """Return a line of the header, or a remark among what the monitor says."""
    return f"# {key}: {value}"


class Recording:
    """What is read from *lines*, which end with their newline, as far as they do."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Read the header.

        Raises:
            NdpbrError: It is not whole, of another version, or there is nothing at all.
        """
        self._lines = iter(lines)
        self.values: dict[str, str] = {}
        self.number = 0  # of the line that was read last
        self._tables: list[tuple[str, str]] = []
        self._torn = False
        self._first = self._next()
        if self._first is None:
            raise NdpbrError("a recording was wanted, got an empty one")
        version = _VALUE.fullmatch(self._first)
        self.has_header = version is not None and version[1] == FORMAT
        if version is not None and self.has_header:
            if version[2] != VERSION:
                raise NdpbrError(f"a recording of version {VERSION} was wanted, got version {version[2]!r}")
            self._first = None
            self._header()

    def kernel(self, interfaces: tuple[str, ...], protocol: int, prefixes: frozenset[IPv6Network]) -> KernelSnapshot:
        """Return the tables as they were; only *prefixes*, if there are any, are on-link in them."""
        tables = Tables(interfaces, protocol)
        for kind, line in self._tables:
            tables.taker(kind)(line)
        read = tables.read()
        return replace(read, on_link=prefixes) if prefixes else read

    def heard(self) -> Iterator[str]:
        """Yield what the monitor said, and the remarks in between.

        Raises:
            NdpbrError: The last line is not whole.
        """
        line = self._first if self._first is not None else self._next()
        while line is not None:
            if self._torn and self.has_header:
                raise NdpbrError(f"a whole recording was wanted, got one that is cut in line {self.number}")
            yield line
            line = self._next()

    def _header(self) -> None:
        while (line := self._next()) is not None and not self._torn:
            value = _VALUE.fullmatch(line)
            if value is None:
                self._tables.append((_NEIGHBOR, line))
            elif value[1] == MONITOR:
                return
            elif value[1] in KINDS:
                self._tables.append((value[1], value[2]))
            else:
                self.values[value[1]] = value[2]
        raise NdpbrError(f"a whole recording was wanted, got one that is cut in its header, line {self.number}")

    def _next(self) -> str | None:
        line = next(self._lines, None)
        if line is None:
            return None
        self.number += 1
        self._torn = not line.endswith("\n")
        return line.removesuffix("\n")


class Clock:
    """The time in a recording: seconds since its first stamp, told by the stamps of its lines.

    Args:
        zone: What was the time then, before or after UTC, e.g. ``"+0100"``.
        wait: Called with the seconds that pass until the next line.
    """

    def __init__(self, zone: str = "", wait: Callable[[float], None] | None = None) -> None:
        told = _ZONE.fullmatch(zone)
        self._ahead = 0 if told is None else int(f"{told[1]}1") * (int(told[2]) * 3600 + int(told[3]) * 60)
        self._wait = wait
        self._first: float | None = None
        self.now = 0.0

    def ticks(self, line: str) -> Iterator[None]:
        """Go on to the time of *line*, if it tells one; yield as often as the daemon looks at the time until then."""
        at = timestamps.seconds(line)
        if at is None:
            return
        if self._first is None:
            self._first = at
        end = at - self._first  # may be earlier, where summer has ended or somebody has set the clock
        step = max(_TICK, (end - self.now) / _MOST_TICKS)
        while self.now + step <= end:
            self._go(step)
            yield
        if end > self.now:
            self._go(end - self.now)

    def date(self) -> float:
        """Return the time in seconds since 1970; that of the machine, as long as no line has told any."""
        return clock.date(clock.now()) if self._first is None else self._first + self.now - self._ahead

    def _go(self, seconds: float) -> None:
        if self._wait is not None:
            self._wait(seconds)
        self.now += seconds
