"""Decisions -> counters; counters -> the text file that Prometheus' node_exporter reads; docs/metrics.md lists them.

A counter has one name everywhere: ``lookups`` here, in the log and in JSON, ``ndpbr_lookups_total`` in the metrics.
Source: Prometheus, "Exposition formats" and "Metric and label naming".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ndpbr_py import __version__
from ndpbr_py.core.decision import Decision, DecisionKind
from ndpbr_py.logs.logger import Log
from ndpbr_py.system.files import write_atomically

WRITE_INTERVAL_S = 15.0

_COUNTER_NAMES: Mapping[DecisionKind, str] = {
    DecisionKind.LEARNED: "hosts_learned",
    DecisionKind.FORGOTTEN: "hosts_forgotten",
    DecisionKind.MOVED: "hosts_moved",
    DecisionKind.VERIFIED: "hosts_verified",
    DecisionKind.REFUSED: "entries_refused",
    DecisionKind.IGNORED: "sightings_ignored",
    DecisionKind.CONFLICT: "address_conflicts",
    DecisionKind.REPAIRED: "hosts_repaired",
}


@dataclass(slots=True)
class Counters:
    """The counters of a daemon since its start, and its gauges; HELP describes each of them."""

    hosts_learned: int = 0
    hosts_forgotten: int = 0
    hosts_moved: int = 0
    hosts_verified: int = 0
    entries_refused: int = 0
    sightings_ignored: int = 0
    address_conflicts: int = 0
    hosts_repaired: int = 0
    resyncs: int = 0
    monitor_restarts: int = 0
    events_lost: int = 0
    batches_lost: int = 0
    solicitations_received: int = 0
    lookups: int = 0
    lookups_rate_limited: int = 0
    log_records_dropped: int = 0
    hosts: int = 0
    start_time_seconds: int = 0

    def count(self, decisions: Iterable[Decision]) -> None:
        """Count *decisions* by their kind."""
        for decision in decisions:
            name = _COUNTER_NAMES.get(decision.kind)
            if name is not None:
                setattr(self, name, getattr(self, name) + 1)


# A gauge may go down; every other field of Counters only grows until the daemon ends.
GAUGES = frozenset(("hosts", "start_time_seconds"))
HELP: Mapping[str, str] = {
    "hosts_learned": "Hosts learned.",
    "hosts_forgotten": "Hosts forgotten.",
    "hosts_moved": "Hosts that moved to another interface.",
    "hosts_verified": "Hosts that answered for the first time.",
    "entries_refused": "Routes and proxy entries that the kernel refused.",
    "sightings_ignored": "Sightings of addresses that must not be learned.",
    "address_conflicts": "Addresses that two hosts claimed.",
    "hosts_repaired": "Hosts whose entries in the kernel differed from the desired ones.",
    "resyncs": "Snapshots of the kernel's tables.",
    "monitor_restarts": "Restarts of the monitor.",
    "events_lost": "Times that the monitor lost events because it could not keep up.",
    "batches_lost": "Processes of ip -batch that ended before all their commands were run.",
    "solicitations_received": "Neighbor solicitations received.",
    "lookups": "Lookups started: address resolutions by the kernel, one per interface.",
    "lookups_rate_limited": "Solicitations that led to no lookup because of the rate limits.",
    "log_records_dropped": "Log records that were dropped because they could not be written.",
    "hosts": "Hosts known now.",
    "start_time_seconds": "Start time of the daemon, in seconds since 1970.",
}


def metric(counter: str) -> str:
    """Return the name of *counter* in the metrics, e.g. ``ndpbr_lookups_total`` for ``lookups``."""
    return f"ndpbr_{counter}" if counter in GAUGES else f"ndpbr_{counter}_total"


def exposition(counters: Counters) -> str:
    """Return *counters* in the text format."""
    lines = [
        "# HELP ndpbr_build_info The version of the daemon.",
        "# TYPE ndpbr_build_info gauge",
        f'ndpbr_build_info{{version="{__version__}"}} 1',
    ]
    for field in fields(counters):
        name, kind = metric(field.name), "gauge" if field.name in GAUGES else "counter"
        lines += [
            f"# HELP {name} {HELP[field.name]}",
            f"# TYPE {name} {kind}",
            f"{name} {getattr(counters, field.name)}",
        ]
    return "\n".join(lines) + "\n"


class MetricsFile:
    """The metrics file: written when a counter has changed, removed when the daemon ends."""

    def __init__(self, path: Path, log: Log) -> None:
        self._path = path
        self._log = log
        self._written: Counters | None = None

    def write(self, counters: Counters) -> None:
        """Write *counters* unless the file has them already; log when that begins to fail, and when it works again."""
        # The start time changes when the machine's clock is set, and is no reason to write the file.
        current = replace(counters, start_time_seconds=0)
        if current == self._written:
            return
        failure = None
        try:
            write_atomically(self._path, exposition(counters))
            self._written = current
        except OSError as error:
            failure = f"{self._path}: {error.strerror}"
        self._log.condition("warning", "metrics-file-unwritable", active=failure is not None, error=failure)

    def remove(self) -> None:
        """Remove the file, because its counters end with the daemon; leave a file that was never written."""
        with contextlib.suppress(OSError):
            if self._written is not None:
                self._path.unlink()
