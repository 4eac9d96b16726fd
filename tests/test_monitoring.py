"""packaging/monitoring: the rules do what they say, and every metric that a rule or the dashboard names exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from ndpbr_py.metrics import Counters, exposition
from tests.program import ROOT

FOLDER = ROOT / "packaging" / "monitoring"
METRICS = set(re.findall(r"(?m)^# TYPE (\S+) ", exposition(Counters(), 0.0)))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("words", ["check rules alerts.yml", "test rules alerts_test.yml"])
def test_promtool_accepts_the_rules(words: str) -> None:
    """The rules are valid, and each alert fires, and does not, where alerts_test.yml says so."""
    ended = subprocess.run(["promtool", *words.split()], cwd=FOLDER, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_metrics() -> None:
    """The file of `--metrics-file` has no mistake that promtool's linter knows."""
    labeled = {it.name: {"lan0": 1} for it in fields(Counters) if "label" in it.metadata}
    written = exposition(Counters(**labeled), 0.0)  # type: ignore[arg-type]
    ended = subprocess.run(["promtool", "check", "metrics"], input=written, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_answers_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """Each query is valid, and finds something in what a daemon writes."""
    panels = json.loads((FOLDER / "grafana.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    written = exposition(Counters(interface_hosts={"lan0": 1}, interface_up={"lan0": 1}, check_failed={"x": 0}), 0.0)
    samples = [line.rpartition(" ")[0].removesuffix("}") for line in written.splitlines() if line[0] != "#"]
    series = [f"""{it}{"," if "{" in it else "{"}instance="router"}}""" for it in samples]
    known = {"$instance": "router", "$__rate_interval": "5m"}
    for name, value in known.items():
        queries = [query.replace(name, value) for query in queries]
    test = {
        "interval": "1m",
        "input_series": [{"series": it, "values": "0+1x10"} for it in series],
        "promql_expr_test": [
            {"expr": f"count({query}) > bool 0", "eval_time": "10m", "exp_samples": [{"labels": "{}", "value": 1}]}
            for query in queries
        ],
    }
    (tmp_path / "queries.yml").write_text(json.dumps({"tests": [test]}))  # JSON is YAML
    ended = subprocess.run(
        ["promtool", "test", "rules", "queries.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert queries
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_is_tested() -> None:
    """Each alert is expected at least once, and expected not to fire at least once."""
    tests = (FOLDER / "alerts_test.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())

    assert [it for it in alerts if not re.search(rf"alertname: {it}\n +exp_alerts:", tests)] == []
    assert [it for it in alerts if not re.search(rf"alertname: {it}(\}}|\n +- )", tests)] == []


@pytest.mark.parametrize("name", ["alerts.yml", "alerts_test.yml", "grafana.json"])
def test_metrics_that_are_named_exist(name: str) -> None:
    """No rule, test or panel asks for a metric that ndpbr does not write, or for a label that it does not have."""
    text = (FOLDER / name).read_text()
    labels = {it.metadata["label"] for it in fields(Counters) if "label" in it.metadata} | {"instance", "version"}

    assert set(re.findall(r"\bndpbr_\w+", text)) - METRICS == set()
    assert set(re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", text)) <= {(it, "") for it in labels} | {
        ("", it) for it in labels
    }


def test_dashboard_is_what_grafana_reads() -> None:
    """Each panel has a place of its own, queries, and the data source that the user chooses."""
    panels = json.loads((FOLDER / "grafana.json").read_text())["panels"]
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {"${datasource}"}
