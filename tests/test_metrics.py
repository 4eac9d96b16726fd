"""Counters -> a file that Prometheus reads."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ndpbr_py import __version__
from ndpbr_py.config import LogConfig
from ndpbr_py.logs.logger import Log
from ndpbr_py.metrics import Counters, MetricsFile, exposition
from tests.builders import Records

NUMBERS: dict[str, Any] = {field.name: number for number, field in enumerate(fields(Counters), 1)}
LABELED = {"check_failed": {"a": 1, "b": 0}, "interface_hosts": {"lan0": 3}, "interface_up": {"lan0": 0}}
COUNTERS = Counters(**NUMBERS | LABELED)
NOW = 1_767_225_600.4


def samples(text: str) -> dict[str, float]:
    """Return what Prometheus' own parser reads."""
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def metrics_file(path: Path, records: Records | None = None) -> MetricsFile:
    """Return the file, which logs to *records*."""
    return MetricsFile(path, Log(LogConfig("logfmt", syslog=True), records or Records(), date=lambda: 0.0))


def test_prometheus_reads_every_counter() -> None:
    """Each is there under its name, with its type and a help text; a counter ends in _total, a gauge does not."""
    families = {family.name: family for family in text_string_to_metric_families(exposition(COUNTERS, NOW))}
    found = {name: [(it.name, it.labels, it.value) for it in family.samples] for name, family in families.items()}

    assert found.pop("ndpbr_build_info") == [("ndpbr_build_info", {"version": __version__}, 1)]
    assert found.pop("ndpbr_interface_hosts") == [("ndpbr_interface_hosts", {"interface": "lan0"}, 3)]
    assert found.pop("ndpbr_interface_up") == [("ndpbr_interface_up", {"interface": "lan0"}, 0)]
    assert [it[1:] for it in found.pop("ndpbr_check_failed")] == [({"check": "a"}, 1), ({"check": "b"}, 0)]
    assert found.pop("ndpbr_metrics_written_timestamp_seconds")[0][2] == round(NOW)
    for field in fields(Counters):
        if field.name not in ("hosts", *LABELED):
            is_gauge = field.name.endswith(("_seconds", "_bytes"))
            name, value = f"ndpbr_{field.name}", getattr(COUNTERS, field.name)
            assert families[name].type == ("gauge" if is_gauge else "counter")
            assert found.pop(name) == [(name if is_gauge else f"{name}_total", {}, value)]
    assert found == {}
    assert all(family.documentation.endswith(".") for family in families.values())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_criticize() -> None:
    """Prometheus' own linter accepts the file."""
    ended = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition(COUNTERS, NOW), capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_file_is_written_when_something_has_changed(tmp_path: Path) -> None:
    """The file is replaced as a whole, readable for all, and only for news."""
    file = tmp_path / "ndpbr.prom"
    metrics = metrics_file(file)
    metrics.write(Counters(hosts_learned=1, start_time_seconds=5))
    first = file.stat()
    metrics.write(Counters(hosts_learned=1, start_time_seconds=6))
    same = file.stat()
    metrics.write(Counters(hosts_learned=2, start_time_seconds=6))

    assert stat.S_IMODE(first.st_mode) == 0o644
    assert (same.st_ino, same.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert samples(file.read_text())["ndpbr_hosts_learned_total"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["ndpbr.prom"]


def test_file_is_written_again_when_it_is_old(tmp_path: Path) -> None:
    """Without news, too: the time of the writing shows that the daemon runs."""
    file = tmp_path / "ndpbr.prom"
    metrics = MetricsFile(file, Log(LogConfig("logfmt", syslog=True), Records()), max_age_s=0.0)
    metrics.write(Counters())
    first = file.stat()
    metrics.write(Counters())

    assert file.stat().st_ino != first.st_ino


def test_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    """The write is repeated until it works; each failure in a row is one warning, and its end a record."""
    file, records = tmp_path / "ndpbr.prom", Records()
    metrics = metrics_file(file, records)
    for outage in (1, 2):
        file.mkdir()
        metrics.write(Counters(hosts_learned=outage))
        metrics.write(Counters(hosts_learned=outage))
        file.rmdir()
        metrics.write(Counters(hosts_learned=outage))
        assert samples(file.read_text())["ndpbr_hosts_learned_total"] == outage
        file.unlink()

    record = f'event=metrics-file-unwritable error="{file}: {os.strerror(errno.EISDIR)}"'
    assert records.written == [("warning", record), ("info", f"{record} ended=true lasted_s=0.0")] * 2


def test_only_its_own_file_is_removed(tmp_path: Path) -> None:
    """The file goes with the daemon; one that it never wrote is another's."""
    file = tmp_path / "ndpbr.prom"
    file.write_text("another's")
    metrics = metrics_file(file)
    metrics.remove()
    assert file.read_text() == "another's"
    metrics.write(Counters())
    metrics.remove()
    metrics.remove()

    assert list(tmp_path.iterdir()) == []
