"""The table of events in docs/log.md <-> the code: every event with its levels and fields, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from functools import cache
from pathlib import Path

import ndpbr_py
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import RouterAddress
from ndpbr_py.logs.fields import fields, level
from ndpbr_py.logs.logger import RATE_LIMITED_WARNINGS
from ndpbr_py.metrics import LOGGED_COUNTERS
from tests.builders import addr, changed, handle, kernel, nd_proxy, prefix_route, solicited

PACKAGE = Path(ndpbr_py.__file__).parent
PAGE = PACKAGE.parent / "docs" / "log.md"
LEVELS = ("debug", "info", "warning", "error")
POSITIONS = [it.name for it in fields_of(Decision)]
# The fields that a function adds to a record without naming them in a literal.
COMPUTED = {"counted": set(LOGGED_COUNTERS)}


@dataclass(slots=True)
class Event:
    """An event in the code or in the table: its levels and fields, and the modules that log it."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    where: set[str] = field(default_factory=set)


@cache
def trees() -> dict[str, ast.Module]:
    """Return every module, parsed; its name is a path."""
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the name of its module."""
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield module, node


def text(node: ast.expr | None) -> str | None:
    """Return the string that an expression is."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def member(node: ast.expr | None, kind: str) -> str | None:
    """Return X of an expression KIND.X."""
    named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == kind
    return node.attr if named and isinstance(node, ast.Attribute) else None


def keywords(module: str, call: ast.Call) -> set[str]:
    """Return the fields that a call names, also by way of a function that returns a dict."""
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            found.add(keyword.arg)
            continue
        if isinstance(keyword.value, ast.Dict):
            found |= {key for node in keyword.value.keys if (key := text(node)) is not None}
            continue
        if isinstance(keyword.value, ast.Name):
            found |= assigned(module, keyword.value.id)
            continue
        assert isinstance(keyword.value, ast.Call), f"{module}:{call.lineno}: what does ** add to the record?"
        function = keyword.value.func
        found |= returned(module, function.attr if isinstance(function, ast.Attribute) else ast.unparse(function))
    return found


def returned(module: str, name: str) -> set[str]:
    """Return the keys of the dict that the function *name* of *module* returns."""
    if name in COMPUTED:
        return COMPUTED[name]
    nodes = ast.walk(trees()[module])
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name]
    assert functions, f"{module}: what does {name}() add to the record?"
    dicts = [it.value for f in functions for it in ast.walk(f) if isinstance(it, ast.Return)]
    return {key for it in dicts if isinstance(it, ast.Dict) for node in it.keys if (key := text(node)) is not None}


def assigned(module: str, name: str) -> set[str]:
    """Return the keys of the dicts that *module* assigns to the variable *name*, and of those that it adds."""
    found = set()
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id == name and isinstance(node.value, ast.Dict):
                    found |= {text(key) for key in node.value.keys}
                elif isinstance(target, ast.Subscript) and ast.unparse(target.value) == name:
                    found.add(text(target.slice))
    assert found, f"{module}: what does {name} add to the record?"
    return {key for key in found if key is not None}


def recorded() -> dict[str, Event]:
    """Return the events that are logged by name: by methods of a Log, and structlog's own.

    The log makes some records itself, as a dict.
    """
    found: dict[str, Event] = defaultdict(Event)
    for node in ast.walk(trees()["logs/rendering.py"]):
        if isinstance(node, ast.Dict):
            made = {text(key): text(value) for key, value in zip(node.keys, node.values, strict=True)}
            if (name := made.get("event")) is not None:
                others = {key for key in made if key is not None} - {"event"}
                found[name] = Event(set(LEVELS), others, {"logs/rendering.py"})
    for module, call in calls():
        if not isinstance(call.func, ast.Attribute):
            continue
        method, arguments = call.func.attr, call.args
        if method in ("record", "limited", "condition") and len(arguments) == 2:
            severity, name = text(arguments[0]), text(arguments[1])
        elif module.startswith("logs/") and method in LEVELS and len(arguments) == 1:
            severity, name = method, text(arguments[0])
        else:
            continue
        if name is not None:
            found[name].fields |= keywords(module, call)
            found[name].where.add(module)
            found[name].levels |= {severity} if severity else set(LEVELS)
            if method == "condition":
                found[name].fields -= {"active", "key"}
                active = [it.value for it in call.keywords if it.arg == "active"]
                if not (isinstance(active[0], ast.Constant) and active[0].value is True):
                    found[name].fields |= {"ended", "lasted_s"}
                    found[name].levels.add("debug" if severity == "debug" else "info")
    return found


def decided() -> dict[str, Event]:
    """Return the events of decisions: where the core makes them, with the fields of a host or with their own."""
    found: dict[str, Event] = defaultdict(Event)
    for module, call in calls():
        kind = DecisionKind.__members__.get(member(call.args[0], "DecisionKind") or "") if call.args else None
        own = isinstance(call.func, ast.Name) and call.func.id == "Decision"
        if kind is None or not (own or (isinstance(call.func, ast.Attribute) and call.func.attr == "decision")):
            continue
        event = found[kind.value]
        event.where.add(module)
        names = POSITIONS if own else ["kind", "reason", "actions", "detail"]
        given = {**dict(zip(names, call.args, strict=False)), **{it.arg: it.value for it in call.keywords if it.arg}}
        event.fields |= set(given) - {"kind", "actions", "detail", "resync"} | (
            set() if own else {"address", "dev", "lladdr", "state"}
        )
        if "detail" in given:
            assert isinstance(given["detail"], ast.Call), f"{module}:{call.lineno}: which Detail?"
            event.fields |= keywords(module, given["detail"])
        event.levels |= {level(Decision(kind, reason)) for reason in Reason}
        if kind in RATE_LIMITED_WARNINGS:
            event.fields.add("suppressed")
            event.levels |= {"debug", "warning"}
    return found


def table() -> dict[str, Event]:
    """Return the rows of the table of events."""
    section = PAGE.read_text().partition("\n## Events\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|([a-z, ]*)\|([a-z0-9_ ]*)\|(.*)\|$", section, re.MULTILINE)
    assert len({row[0] for row in rows}) == len(rows), "docs/log.md: an event has two rows"
    assert all(row[3].strip() for row in rows), "docs/log.md: a row does not say what its event means"
    return {name: Event(set(levels.strip().split(", ")), set(fields.split())) for name, levels, fields, _ in rows}


def difference(name: str, event: Event, row: Event | None) -> str | None:
    """Return what is wrong with the row of an event; None if nothing is."""
    expected = f"| `{name}` | {', '.join(sorted(event.levels))} | {' '.join(sorted(event.fields))} | ... |"
    if row is None:
        return f"the row of an event of {', '.join(sorted(event.where))} is missing: {expected}"
    # Which decisions add proxy entries is not written where they are made; see below.
    same = row.fields - {"proxied_on"} == event.fields
    levels = row.levels <= event.levels if event.levels == set(LEVELS) else row.levels == event.levels
    return None if same and levels else f"expected {expected}"


def test_events_of_the_code_are_the_rows() -> None:
    """Each event that the code logs is in the table, with its levels and fields; each row has an event."""
    code, rows = recorded() | decided(), table()
    problems = [difference(name, event, rows.get(name)) for name, event in sorted(code.items())]
    problems += [f"no code logs {name}; remove its row" for name in sorted(set(rows) - set(code))]

    assert [problem for problem in problems if problem] == [], "docs/log.md"


def test_proxied_on_is_where_entries_are_made() -> None:
    """Decisions that add proxy entries say on which interfaces, and so do their rows."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    up = ("wan0", "lan0", "lan1")
    handle(proxy, kernel(up=up))
    made = handle(proxy, changed())
    made += handle(proxy, changed(dev="lan1"), now=60.0)
    made += handle(proxy, kernel(up=up), now=120.0)
    made += handle(proxy, changed(), kernel(up=("wan0", "lan0")), now=180.0)
    own = RouterAddress(addr("2001:db8::2"), "wan0", settled=True)
    made += handle(proxy, kernel(up=up, router_addresses=[own]), now=240.0)
    nested = (prefix_route(), prefix_route("2001:db8:0:0:b::/80", "lan1"))
    made += handle(proxy, kernel(*nested, up=up, without_nd=("lan1",)), solicited("2001:db8:0:0:b::5"), now=300.0)
    naming = {it.kind.value for it in made if "proxied_on" in fields(it)}

    assert naming == {name for name, row in table().items() if "proxied_on" in row.fields}


def test_every_kind_of_decision_is_made() -> None:
    """No kind of decision is left that no code makes."""
    assert {what.value for what in DecisionKind} == set(decided())
