"""`ndpbr run --metrics-file` writes the daemon's counters for Prometheus."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import until

DEVS = ("wan0", "lan0")


def test_metrics_are_written_and_removed_at_stop(home: Home, daemon: Start, tmp_path: Path) -> None:
    """A learned host is counted in the file within 15 s; a stop removes the file."""
    file = tmp_path / "ndpbr.prom"
    running_since = time.time() - 1
    running = daemon(home.router, "--metrics-file", str(file), *DEVS)
    until(file.exists, what="the file is there")
    claim(home.lan, LAN)
    until(lambda: _value(file, "ndpbr_hosts_learned_total") == 1, what="the host is counted")

    families = {it.name: it for it in text_string_to_metric_families(file.read_text())}
    by_interface = {it.labels["interface"]: it.value for it in families["ndpbr_interface_hosts"].samples}
    up = {it.labels["interface"]: it.value for it in families["ndpbr_interface_up"].samples}
    assert (by_interface, up) == ({"wan0": 0, "lan0": 1}, {"wan0": 1, "lan0": 1})
    assert _value(file, "ndpbr_resident_memory_bytes") > 1_000_000
    written = _value(file, "ndpbr_metrics_written_timestamp_seconds")
    assert running_since <= _value(file, "ndpbr_last_resync_timestamp_seconds") <= written <= time.time() + 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert running.stop() == 0
    assert not file.exists()


def test_unwritable_metrics_file_is_a_warning(home: Home, daemon: Start, tmp_path: Path) -> None:
    """If the file cannot be written, the daemon warns and continues."""
    file = tmp_path / "ndpbr.prom"
    file.mkdir()
    running = daemon(home.router, "--metrics-file", str(file), *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)
    running.wait_for("metrics-file-unwritable", level="warning", error=f"{file}: {os.strerror(errno.EISDIR)}")

    assert running.stop() == 0
    assert file.is_dir()


def _value(file: Path, name: str) -> float:
    families = text_string_to_metric_families(file.read_text())
    return next(sample.value for family in families for sample in family.samples if sample.name == name)
