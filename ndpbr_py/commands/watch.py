"""ndpbr show --watch: hosts and the daemon's answer -> frames on the terminal, until `q` or Ctrl-C.

Each frame is written over the one before, and what was longer is cleared, so nothing flickers.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ndpbr_py.commands import table
from ndpbr_py.commands.keyboard import Keyboard
from ndpbr_py.commands.table import Row
from ndpbr_py.system.clock import span
from ndpbr_py.system.terminal import size

_HOME, _CLEAR_LINE, _CLEAR_REST, _CLEAR_ALL = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"
_ROWS_PER_HEAD_LINE = 6  # a small screen has room for the hosts only
_MIN_PROBLEM_LINES = 2  # one has no room for what happened

Read = Callable[[], tuple[list[Row], Mapping[str, Any] | None]]


def watch(read: Read, interval_s: float, *, pinged: bool, color: bool) -> None:
    """Draw the hosts and the daemon's state that *read* returns, every *interval_s* seconds."""
    keyboard, drawn = Keyboard(), (0, 0)
    with keyboard.unbuffered():
        while True:
            rows, daemon = read()
            shape = columns, lines = size(sys.stdout)
            # A terminal that was resized may have wrapped the lines of the last frame.
            clear, drawn = _CLEAR_ALL if shape != drawn else "", shape
            body = table.lines(rows, columns, pinged=pinged, color=color)
            sys.stdout.write(clear + frame(head(daemon, rows), last_problem(daemon), body, columns, lines))
            sys.stdout.flush()
            if keyboard.wait(interval_s):
                return


def frame(top: str, problem: str, body: Sequence[str], columns: int, rows: int) -> str:
    """Return *top* and *problem*, wrapped, and as many lines of *body* as a terminal of that size has room for."""
    max_lines = max(rows // _ROWS_PER_HEAD_LINE, 1)
    wrapped = [*_wrapped(top, columns, max_lines), *_wrapped(problem, columns, max(max_lines, _MIN_PROBLEM_LINES))]
    wrapped = wrapped[: max(rows - 1, 1)]  # the last line stays free, so that nothing scrolls
    room = max(rows - 1 - len(wrapped), 0)
    shown = list(body[:room])
    if 1 < room < len(body):
        shown[-1] = f"... and {len(body) - room + 1} more"
    return _HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in [*wrapped, *shown]) + _CLEAR_REST


def _wrapped(text: str, columns: int, max_lines: int) -> list[str]:
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return textwrap.wrap(printable, columns, max_lines=max_lines, placeholder=" ...")


def head(daemon: Mapping[str, Any] | None, rows: Sequence[Row]) -> str:
    """Return version, uptime, interfaces and counts."""
    if daemon is None:
        return f"no daemon answers; {len(rows)} hosts (q quits)"
    counters = daemon["counters"]
    links = [
        f"{dev} {'up' if dev in daemon['up'] else 'DOWN'} {span(daemon['links'][dev]['changed_ago_s'])}"
        for dev in sorted(daemon["interfaces"], key=lambda dev: dev in daemon["up"])
    ]
    reachable = sum(row.state == "REACHABLE" for row in rows)
    return "; ".join(
        (
            f"ndpbr {daemon['version']} up {span(daemon['uptime_s'])}",
            ", ".join(links),
            f"{counters['hosts']} hosts, {reachable} reachable",
            f"{counters['hosts_learned']} learned, {counters['hosts_forgotten']} forgotten",
        )
    )


def last_problem(daemon: Mapping[str, Any] | None) -> str:
    """Return the last problem and its age; "" if there is none."""
    problem = daemon and daemon["problem"]
    return f"last problem {span(problem['ago_s'])} ago: {problem['event']} {problem['detail']}" if problem else ""
