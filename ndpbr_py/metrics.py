"""Decisions -> counters; counters -> the text file that Prometheus' node_exporter reads; docs/metrics.md lists them.

A counter has one name everywhere: ``lookups`` here, in the log and in JSON, ``ndpbr_lookups_total`` in the metrics.
Source: Prometheus, "Exposition formats" and "Metric and label naming".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ndpbr_py import __version__
from ndpbr_py.core.decision import Decision, DecisionKind
from ndpbr_py.logs.logger import Log
from ndpbr_py.system.files import write_atomically

WRITE_INTERVAL_S = 15.0


def _counter(text: str, kind: DecisionKind | None = None) -> Any:
    """Return the field of a counter with its help *text*; decisions of that *kind* are counted in it."""
    return field(default=0, metadata={"help": text, "kind": kind, "type": "counter"})


def _gauge(text: str) -> Any:
    """Return the field of a value that may go down, with its help *text*."""
    return field(default=0, metadata=_of_gauge(text))


def _of_gauge(text: str, label: str | None = None) -> dict[str, str | None]:
    """Return the metadata of a gauge; with a *label* it has a value for each value of the label."""
    return {"help": text, "kind": None, "type": "gauge", "label": label}


@dataclass(slots=True)
class Counters:
    """The counters of a daemon since its start, and its gauges."""

    hosts_learned: int = _counter("Hosts learned.", DecisionKind.LEARNED)
    hosts_forgotten: int = _counter("Hosts forgotten.", DecisionKind.FORGOTTEN)
    hosts_moved: int = _counter("Hosts that moved to another interface.", DecisionKind.MOVED)
    hosts_verified: int = _counter("Hosts that answered for the first time.", DecisionKind.VERIFIED)
    entries_refused: int = _counter("Routes and proxy entries that the kernel refused.", DecisionKind.REFUSED)
    sightings_ignored: int = _counter("Sightings of addresses that must not be learned.", DecisionKind.IGNORED)
    address_conflicts: int = _counter("Addresses that two hosts claimed.", DecisionKind.CONFLICT)
    hosts_repaired: int = _counter(
        "Hosts whose entries in the kernel differed from the desired ones.", DecisionKind.REPAIRED
    )
    resyncs: int = _counter("Snapshots of the kernel's tables.")
    monitor_restarts: int = _counter("Restarts of the monitor.")
    events_lost: int = _counter("Times that the monitor lost events because it could not keep up.")
    batches_lost: int = _counter("Processes of ip -batch that ended before all their commands were run.")
    solicitations_received: int = _counter("Neighbor solicitations received.")
    lookups: int = _counter("Lookups started: address resolutions by the kernel, one per interface.")
    lookups_rate_limited: int = _counter("Solicitations that led to no lookup because of the rate limits.")
    advertisements_sent: int = _counter("Neighbor advertisements sent, besides those that the kernel sends.")
    log_records_dropped: int = _counter("Log records that were dropped because they could not be written.")
    hosts: int = _gauge("Hosts known now.")
    start_time_seconds: int = _gauge("Start time of the daemon, in seconds since 1970.")
    check_failed: dict[str, int] = field(
        default_factory=dict, metadata=_of_gauge("Whether a check of doctor fails: 1, or 0.", "check")
    )

    def count(self, decisions: Iterable[Decision]) -> None:
        """Count *decisions* by their kind."""
        for decision in decisions:
            name = _COUNTER_NAMES.get(decision.kind)
            if name is not None:
                setattr(self, name, getattr(self, name) + 1)


_COUNTER_NAMES = {it.metadata["kind"]: it.name for it in fields(Counters) if it.metadata["kind"]}


def exposition(counters: Counters) -> str:
    """Return *counters* in the text format."""
    lines = [
        "# HELP ndpbr_build_info The version of the daemon.",
        "# TYPE ndpbr_build_info gauge",
        f'ndpbr_build_info{{version="{__version__}"}} 1',
    ]
    for it in fields(counters):
        kind = it.metadata["type"]
        name = f"ndpbr_{it.name}" if kind == "gauge" else f"ndpbr_{it.name}_total"
        lines += [
            f"# HELP {name} {it.metadata['help']}",
            f"# TYPE {name} {kind}",
        ]
        found = getattr(counters, it.name)
        if label := it.metadata.get("label"):
            lines += [f'{name}{{{label}="{key}"}} {number}' for key, number in found.items()]
        else:
            lines.append(f"{name} {found}")
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
