"""Hosts, the daemon's answer and the size of the terminal -> what `show --watch` writes to the terminal.

Pure.  Each frame is written over the one before, and what was longer is cleared, so nothing flickers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ndpbr_py.system.clock import span

_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
_COUNTERS = (
    "hosts_learned",
    "hosts_forgotten",
    "hosts_moved",
    "entries_refused",
    "address_conflicts",
    "resyncs",
    "monitor_restarts",
    "events_lost",
)


def frame(head: str, lines: Sequence[str], columns: int, rows: int) -> str:
    """Return *head* and as many of *lines* as a terminal of that size has room for."""
    room = max(rows - 3, 0)
    shown = [head, "", *lines[:room]]
    if 0 < room < len(lines):
        shown[-1:] = [f"... and {len(lines) - room + 1} more"]
    cut = ["".join(c if c.isprintable() else "?" for c in line)[:columns] for line in shown[: max(rows - 1, 1)]]
    return _HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in cut) + _CLEAR_REST


def summary(daemon: Mapping[str, Any] | None) -> str:
    """Return one line about the daemon, from its answer."""
    if daemon is None:
        return "no daemon answers"
    counters = daemon["counters"]
    shown = ", ".join(f"{counters[name]} {name.removeprefix('hosts_').replace('_', ' ')}" for name in _COUNTERS)
    return f"up {span(daemon['uptime_s'])}, {counters['hosts']} hosts; {shown}"


def last_seen(host: Mapping[str, Any] | None) -> str:
    """Return when *host* was last seen, from the daemon's answer."""
    if host is None:
        return ""
    if host["state"] in ("REACHABLE", "PERMANENT"):
        return str(host["state"]).lower()
    return f"{'confirmed' if host['verified'] else 'unverified, seen'} {span(host['confirmed_ago_s'])} ago"
