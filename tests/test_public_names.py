"""docs/log.md and docs/metrics.md <-> the code: every reason, field, metric and JSON key, and no others.

The events have tests/test_log_table.py.
"""

from __future__ import annotations

import ast
import re
from dataclasses import fields

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ndpbr_py.core.decision import Reason
from ndpbr_py.logs.rendering import KEY_ORDER
from ndpbr_py.metrics import Counters, exposition
from tests.program import ROOT
from tests.test_log_table import table, text, trees

LOG = (ROOT / "docs" / "log.md").read_text()
METRICS = (ROOT / "docs" / "metrics.md").read_text()
COUNTERS = {field.name for field in fields(Counters)}
# A section of docs/log.md about JSON, and the modules that make the objects.
JSON = {
    "`show --json`": ("commands/show.py",),
    "`doctor --json`": ("commands/doctor.py",),
    "`explain --json`": ("commands/explain.py",),
    "Control socket": ("daemon/status.py", "daemon/lookup.py", "control/rules.py", "control/server.py"),
}
UNITS = {"seconds": ("_s", "_seconds"), "milliseconds": ("_ms",), "bytes": ("_bytes",)}
TYPES = {"text", "number", "true/false", "list", "object", *UNITS}


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the table below *heading*, each as the texts of its cells."""
    section = re.split(rf"(?m)^#+ {re.escape(heading)}\n", page)[1]
    section = re.split(r"(?m)^#+ ", section)[0]
    lines = re.findall(r"(?m)^\| (.*) \|$", section)
    return [[cell.strip().strip("`") for cell in line.split(" | ")] for line in lines[1:]]


def names(page: str, heading: str) -> list[str]:
    """Return the first column of the table below *heading*."""
    return [row[0] for row in rows(page, heading)]


def keys(module: str) -> set[str]:
    """Return the keys of the dicts that *module* makes: in displays and by assignment."""
    found = set()
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Dict):
            found |= {text(key) for key in node.keys}
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            found.add(text(node.slice))
    return {key for key in found if key is not None}


def requests(module: str) -> set[str]:
    """Return the keys of the mappings that *module* matches."""
    patterns = [it for it in ast.walk(trees()[module]) if isinstance(it, ast.MatchMapping)]
    return {key for pattern in patterns for node in pattern.keys if (key := text(node)) is not None}


def test_every_reason_has_its_row() -> None:
    """The table of reasons has each reason once, and no other."""
    assert sorted(names(LOG, "Reasons")) == sorted(reason.value for reason in Reason)


def test_every_reason_is_given() -> None:
    """No reason is left that no code gives."""
    used = {
        node.attr
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }

    assert used == set(Reason.__members__)


def test_every_field_of_the_log_has_its_row() -> None:
    """The table of fields has each field of the table of events once, and no other; counters have their own page."""
    used = {name for event in table().values() for name in event.fields}

    assert sorted(names(LOG, "Fields")) == sorted(used - COUNTERS | set(KEY_ORDER))


def test_every_metric_has_its_row() -> None:
    """The table of metrics has each metric with its counter, type and help text, in the order of the file."""
    labeled = {it.name: {"x": 0} for it in fields(Counters) if "label" in it.metadata}
    families = text_string_to_metric_families(exposition(Counters(**labeled), 0.0))  # type: ignore[arg-type]
    counters = ["-", *(it.name for it in fields(Counters) if it.name != "hosts"), "-"]
    hosts = ["hosts", "-", "gauge", "Hosts known now."]

    assert [row for row in rows(METRICS, "Counters and metrics") if row != hosts] == [
        [counter, "".join([sample.name, *(f"{{{label}}}" for label in sample.labels if counter != "-")]), *rest]
        for counter, family in zip(counters, families, strict=True)
        for sample, rest in [(family.samples[0], (family.type, family.documentation))]
    ]
    assert hosts in rows(METRICS, "Counters and metrics")


@pytest.mark.parametrize("heading", JSON)
def test_every_json_key_has_its_row(heading: str) -> None:
    """The table of each JSON object has the keys that the code makes, and no others."""
    made = {key for module in JSON[heading] for key in keys(module)}

    assert sorted(names(LOG, heading)) == sorted(made)


def test_every_key_of_a_request_is_documented() -> None:
    """The requests in the section about the control socket are those that the daemon understands."""
    section = LOG.partition("### Control socket")[2].partition("\n|")[0]
    written = {key for request in re.findall(r"`\{(.*?)\}`", section) for key in re.findall(r'"(\w+)":', request)}

    assert written == requests("daemon/status.py") | {"request"}


@pytest.mark.parametrize("heading", ["Fields", *JSON])
def test_quantities_end_with_their_unit(heading: str) -> None:
    """A number with a unit has it at the end of its name, and no other name ends so."""
    for name, kind, meaning in rows(LOG, heading):
        assert kind in TYPES, f"{name}: expected one of {sorted(TYPES)}, got {kind!r}"
        assert meaning, f"{name} has no meaning"
        units = [unit for unit, endings in UNITS.items() if name.endswith(endings)]
        assert units == [kind] * (kind in UNITS), f"{name}: expected a name that ends with the unit of {kind!r}"
