"""Lines of a recording -> its header, a snapshot of the kernel's tables, and the monitor's lines; and their clock.

The header is comments, `# KEY: VALUE`.  Where KEY is a kind of table, VALUE is a line of that table.  The lines of the
neighbor cache follow as they are; and then, after `# monitor: ...`, the lines of `ip -ts monitor`.  A file without
header is the output of `ip monitor`.
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
MONITOR = "monitor"  # the last key of the header
ENDED = "ended"  # the last line of the recording
_NEIGHBOR = KINDS[-1]
_VALUE = re.compile(r"# ([a-z][\w/.-]*): (.*)")
_ZONE = re.compile(r"([+-])(\d\d)(\d\d)")
_MIN_TICK_S = 0.001
_MAX_TICKS = 1000  # between two lines


def comment(key: str, value: object) -> str:
    """Return a line of the header, or a remark between the monitor's lines."""
    return f"# {key}: {value}"


class Recording:
    """A recording, read from its lines (with their newlines).

    Attributes:
        has_header: False for the output of `ip monitor`.
        values: The value of each key of the header, except for the tables.
        number: The number of the line that was read last.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Read the header.

        Raises:
            NdpbrError: The header is cut or of another version, or there are no lines.
        """
        self._lines = iter(lines)
        self.values: dict[str, str] = {}
        self.number = 0
        self._tables: list[tuple[str, str]] = []
        self._torn = False
        self._first = self._next()
        if self._first is None:
            raise NdpbrError("expected a recording, got an empty file")
        version = _VALUE.fullmatch(self._first)
        self.has_header = version is not None and version[1] == FORMAT
        if version is not None and self.has_header:
            if version[2] != VERSION:
                raise NdpbrError(f"expected a recording of version {VERSION}, got version {version[2]!r}")
            self._first = None
            self._header()

    def snapshot(self, interfaces: tuple[str, ...], protocol: int, prefixes: frozenset[IPv6Network]) -> KernelSnapshot:
        """Return the kernel's tables at the start; unless *prefixes* is empty, only these are on-link."""
        tables = Tables(interfaces, protocol)
        for kind, line in self._tables:
            tables.line_parser(kind)(line)
        snapshot = tables.snapshot()
        return replace(snapshot, on_link=prefixes) if prefixes else snapshot

    def monitor_lines(self) -> Iterator[str]:
        """Yield the monitor's lines, and the remarks between them.

        Raises:
            NdpbrError: The last line is cut.
        """
        line = self._first if self._first is not None else self._next()
        while line is not None:
            if self._torn and self.has_header:
                raise NdpbrError(f"expected a whole recording, got one that is cut in line {self.number}")
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
        raise NdpbrError(f"expected a whole recording, got one that is cut in its header, line {self.number}")

    def _next(self) -> str | None:
        line = next(self._lines, None)
        if line is None:
            return None
        self.number += 1
        self._torn = not line.endswith("\n")
        return line.removesuffix("\n")


class ReplayClock:
    """The clock of a replay: seconds since the first time stamp, advanced by the time stamps of the lines.

    Args:
        zone: The offset of the recording's local time from UTC, e.g. ``"+0100"``.
        wait: Called with the seconds that pass until the next line.
    """

    def __init__(self, zone: str = "", wait: Callable[[float], None] | None = None) -> None:
        offset = _ZONE.fullmatch(zone)
        self._offset_s = 0 if offset is None else int(f"{offset[1]}1") * (int(offset[2]) * 3600 + int(offset[3]) * 60)
        self._wait = wait
        self._first: float | None = None
        self.now = 0.0

    def ticks(self, line: str, next_deadline: Callable[[], float | None]) -> Iterator[None]:
        """Advance to the time stamp of *line*, if it has one; yield whenever a tick is due on the way."""
        at = timestamps.seconds(line)
        if at is None:
            return
        if self._first is None:
            self._first = at
        end = at - self._first  # may be earlier, when summer time ended or the clock was set
        step = max(_MIN_TICK_S, (end - self.now) / _MAX_TICKS)
        while (due := next_deadline()) is not None and (tick := max(due, self.now + step)) <= end:
            self._advance(tick - self.now)
            yield
        if end > self.now:
            self._advance(end - self.now)

    def date(self) -> float:
        """Return the time in seconds since 1970; before the first time stamp, that of the machine."""
        return clock.date(clock.now()) if self._first is None else self._first + self.now - self._offset_s

    def _advance(self, seconds: float) -> None:
        if self._wait is not None:
            self._wait(seconds)
        self.now += seconds
