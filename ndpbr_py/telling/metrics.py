"""Counters -> a file for the textfile collector of Prometheus' node_exporter.

Source: Prometheus, "Exposition formats" and "Metric and label naming".
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from ndpbr_py import __version__
from ndpbr_py.kernel.files import write_atomically
from ndpbr_py.telling.counters import Counters

INTERVAL = 15.0  # s between two writings

# Field of Counters -> name, type, help.
METRICS: Mapping[str, tuple[str, str, str]] = {
    "learned": ("ndpbr_hosts_learned_total", "counter", "Hosts learned."),
    "forgotten": ("ndpbr_hosts_forgotten_total", "counter", "Hosts forgotten."),
    "moved": ("ndpbr_hosts_moved_total", "counter", "Hosts that moved to another interface."),
    "verified": ("ndpbr_hosts_verified_total", "counter", "Hosts that answered for the first time."),
    "refused": ("ndpbr_entries_refused_total", "counter", "Entries that the kernel refused."),
    "ignored": ("ndpbr_sightings_ignored_total", "counter", "Sightings of addresses that must not be learned."),
    "conflicts": ("ndpbr_address_conflicts_total", "counter", "Addresses that two claimed."),
    "repaired": ("ndpbr_hosts_repaired_total", "counter", "Hosts whose entries were not as they should be."),
    "resyncs": ("ndpbr_resyncs_total", "counter", "Readings of the kernel's tables."),
    "restarts": ("ndpbr_monitor_restarts_total", "counter", "Times that the monitor was started again."),
    "events_lost": ("ndpbr_events_lost_total", "counter", "Times that the monitor could not keep up."),
    "batches_lost": ("ndpbr_batches_lost_total", "counter", "Processes of ip -batch that ended before their work."),
    "solicitations_heard": ("ndpbr_solicitations_heard_total", "counter", "Solicitations that the listener heard."),
    "looks": ("ndpbr_looks_total", "counter", "Times that the kernel was made to look for somebody."),
    "looks_left_out": ("ndpbr_looks_left_out_total", "counter", "Solicitations that led to no look: too many."),
    "records_dropped": ("ndpbr_log_records_dropped_total", "counter", "Records of the log that were not written."),
    "hosts": ("ndpbr_hosts", "gauge", "Hosts known now."),
    "started_at": ("ndpbr_start_time_seconds", "gauge", "When the daemon was started, in seconds since 1970."),
}


def exposition(counters: Counters) -> str:
    """Return *counters* in the text format."""
    lines = [
        "# HELP ndpbr_build_info The version that runs.",
        "# TYPE ndpbr_build_info gauge",
        f'ndpbr_build_info{{version="{__version__}"}} 1',
    ]
    for field in fields(counters):
        name, kind, text = METRICS[field.name]
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {getattr(counters, field.name)}"]
    return "\n".join(lines) + "\n"


class MetricsFile:
    """The file, written when something has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Counters | None = None

    def write(self, counters: Counters) -> None:
        """Write *counters*, if they are others than those written last.

        Raises:
            OSError: The file cannot be written.
        """
        # When it was started is no news, but wanders as the machine's clock is set.
        news = replace(counters, started_at=0)
        if news != self._written:
            write_atomically(self._path, exposition(counters))
            self._written = news

    def remove(self) -> None:
        """Remove the file: what it says is of a daemon that has ended."""
        with contextlib.suppress(OSError):
            if self._written is not None:
                self._path.unlink()
