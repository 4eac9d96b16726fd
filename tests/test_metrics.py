"""Counters -> a file that Prometheus reads."""

from __future__ import annotations

import stat
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ndpbr_py import __version__
from ndpbr_py.telling.counters import Counters
from ndpbr_py.telling.metrics import METRICS, MetricsFile, exposition

COUNTERS = Counters(**{field.name: number for number, field in enumerate(fields(Counters), 1)})


def samples(text: str) -> dict[str, float]:
    """Return what Prometheus' own parser reads."""
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def test_prometheus_reads_every_counter() -> None:
    """Each counter is there under its name, with its type and a help text."""
    families = {family.name: family for family in text_string_to_metric_families(exposition(COUNTERS))}
    values = samples(exposition(COUNTERS))

    assert values.pop("ndpbr_build_info") == 1
    assert families["ndpbr_build_info"].samples[0].labels == {"version": __version__}
    assert values == {METRICS[field.name][0]: getattr(COUNTERS, field.name) for field in fields(Counters)}
    for name, kind, text in METRICS.values():
        family = families[name.removesuffix("_total")]
        assert (family.type, family.documentation) == (kind, text)


def test_names_are_prometheus_names() -> None:
    """What only grows ends in _total, as its conventions want; nothing else does."""
    assert all(name.startswith("ndpbr_") for name, _, _ in METRICS.values())
    assert all(name.endswith("_total") == (kind == "counter") for name, kind, _ in METRICS.values())
    assert list(METRICS) == [field.name for field in fields(Counters)]


def test_file_is_written_when_something_has_changed(tmp_path: Path) -> None:
    """The file is replaced as a whole, readable for all, and only for news."""
    file = tmp_path / "ndpbr.prom"
    metrics = MetricsFile(file)
    metrics.write(Counters(learned=1, started_at=5))
    first = file.stat()
    metrics.write(Counters(learned=1, started_at=6))
    same = file.stat()
    metrics.write(Counters(learned=2, started_at=6))

    assert stat.S_IMODE(first.st_mode) == 0o644
    assert (same.st_ino, same.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert samples(file.read_text())["ndpbr_hosts_learned_total"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["ndpbr.prom"]


def test_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    """What was not written is news until it is."""
    file = tmp_path / "ndpbr.prom"
    file.mkdir()
    metrics = MetricsFile(file)
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            metrics.write(Counters(learned=1))
    file.rmdir()
    metrics.write(Counters(learned=1))

    assert samples(file.read_text())["ndpbr_hosts_learned_total"] == 1


def test_removal_takes_its_own_file_alone(tmp_path: Path) -> None:
    """The file goes with the daemon; one that it never wrote is another's."""
    file = tmp_path / "ndpbr.prom"
    file.write_text("another's")
    metrics = MetricsFile(file)
    metrics.remove()
    assert file.read_text() == "another's"
    metrics.write(Counters())
    metrics.remove()
    metrics.remove()

    assert list(tmp_path.iterdir()) == []
