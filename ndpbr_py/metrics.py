"""Decisions -> counters; counters -> the text file that Prometheus' node_exporter reads; docs/metrics.md lists them.

A counter has one name everywhere: ``lookups`` here, in the log and in JSON, ``ndpbr_lookups_total`` in the metrics.
Source: Prometheus, "Exposition formats" and "Metric and label naming".
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ndpbr_py import __version__
from ndpbr_py.core.decision import Decision, DecisionKind
from ndpbr_py.logs.logger import Log
from ndpbr_py.system import clock
from ndpbr_py.system.files import write_atomically

WRITE_INTERVAL_S = 15.0


def _counter(text: str, kind: DecisionKind | None = None) -> Any:
    """Return the field of a counter with its help *text*; decisions of that *kind* are counted in it."""
    return field(default=0, metadata={"help": text, "kind": kind, "type": "counter", "metric": "ndpbr_{}_total"})


def _gauge(text: str, metric: str | None = "ndpbr_{}", **label: str) -> Any:
    """Return the field of a value that may go down, with its help *text*; with a label, it holds one value per label.

    *metric* is the metric's name, in which {} stands for the field's; None: it is not exported.
    """
    metadata = {"help": text, "kind": None, "type": "gauge", "metric": metric, **label}
    return field(default_factory=dict if label else int, metadata=metadata)


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
    hosts: int = _gauge("Hosts known now.", metric=None)
    interface_hosts: Mapping[str, int] = _gauge("Hosts known now on an interface.", label="interface")
    interface_up: Mapping[str, int] = _gauge("Whether an interface is up: 1, or 0.", label="interface")
    last_resync_timestamp_seconds: int = _gauge("Time of the last snapshot, in seconds since 1970.")
    resident_memory_bytes: int = _gauge("Memory that the daemon uses.")
    start_time_seconds: int = _gauge("Start time of the daemon, in seconds since 1970.")
    check_failed: Mapping[str, int] = _gauge("Whether a check of doctor fails: 1, or 0.", label="check")

    def count(self, decisions: Iterable[Decision]) -> None:
        """Count *decisions* by their kind."""
        for decision in decisions:
            name = _COUNTER_NAMES.get(decision.kind)
            if name is not None:
                setattr(self, name, getattr(self, name) + 1)


# The counters that the log has: the other fields are no counts, or have one value per label.
LOGGED_COUNTERS = tuple(it.name for it in fields(Counters) if it.metadata["type"] == "counter" or it.name == "hosts")
_COUNTER_NAMES = {it.metadata["kind"]: it.name for it in fields(Counters) if it.metadata["kind"]}


def exposition(counters: Counters, now: float) -> str:
    """Return *counters* in the text format; *now* is the time in seconds since 1970."""
    lines = _family("ndpbr_build_info", "gauge", "The version of the daemon.", {f'{{version="{__version__}"}}': 1})
    for it in fields(counters):
        value, label = getattr(counters, it.name), it.metadata.get("label")
        samples = {f'{{{label}="{key}"}}': number for key, number in value.items()} if label else {"": value}
        if (metric := it.metadata["metric"]) is not None:
            lines += _family(metric.format(it.name), it.metadata["type"], it.metadata["help"], samples)
    help_text = "Time at which this file was written, in seconds since 1970."
    lines += _family("ndpbr_metrics_written_timestamp_seconds", "gauge", help_text, {"": round(now)})
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, help_text: str, samples: Mapping[str, float]) -> list[str]:
    values = [f"{name}{labels} {value}" for labels, value in samples.items()]
    return [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *values]


class MetricsFile:
    """The metrics file: written when a counter has changed, and once a minute; removed when the daemon ends.

    So a file that is older than that was left behind by a daemon that was killed.
    """

    def __init__(self, path: Path, log: Log, max_age_s: float = 60.0) -> None:
        self._path = path
        self._max_age_s = max_age_s
        self._log = log
        self._written: Counters | None = None
        self._written_at = float("-inf")

    def write(self, counters: Counters) -> None:
        """Write *counters* unless the file has them already; log when that begins to fail, and when it works again."""
        # The start time changes when the machine's clock is set, and is no reason to write the file; nor is the memory.
        current = replace(counters, start_time_seconds=0, resident_memory_bytes=0)
        if current == self._written and clock.now() - self._written_at < self._max_age_s:
            return
        failure = None
        try:
            write_atomically(self._path, exposition(counters, time.time()))
            self._written, self._written_at = current, clock.now()
        except OSError as error:
            failure = f"{self._path}: {error.strerror}"
        self._log.condition("warning", "metrics-file-unwritable", active=failure is not None, error=failure)

    def remove(self) -> None:
        """Remove the file, because its counters end with the daemon; leave a file that was never written."""
        with contextlib.suppress(OSError):
            if self._written is not None:
                self._path.unlink()
