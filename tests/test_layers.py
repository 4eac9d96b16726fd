"""Imports point one way: commands -> daemon -> edges -> pure halves -> core -> the standard library."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import ndpbr_py

PACKAGE = Path(ndpbr_py.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
WORDS = ("parser", "commands", "tables", "script", "batching", "action_queue", "policy")  # of iproute2/: pure
DECIDING = (
    "facts",
    "finding",
    "firewall",
    "nft",
    "changes",
    "checks",
    "machine_checks",
    "link_checks",
    "route_checks",
    "explain",
    "explain_text",
)  # of doctor/: pure, facts -> findings
CORE, TOOLS, PURE, EDGES, LOOP, USER = range(6)


def name(path: Path) -> str:
    """Return the module's name, e.g. ``ndpbr_py.core.events``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> int:
    """Return the layer of a module: the higher, the closer to the user."""
    _, first, *rest = (*module.split("."), "")
    if first == "core":
        return CORE
    if first == "iproute2":
        return PURE if rest[0] in ("", *WORDS) else EDGES
    if first == "packets":
        return PURE if rest[0] in ("", "solicitation", "filter") else EDGES
    if first == "doctor":
        return PURE if rest[0] in ("", *DECIDING) else EDGES
    if first == "recording":
        return PURE if rest[0] == "timestamps" else EDGES  # which reads what ip(8) printed
    if module == "ndpbr_py.system.bpf":
        return PURE  # a program is data
    if first == "daemon":
        return LOOP
    return USER if first in ("cli", "options", "commands", "__main__") else TOOLS


@cache
def imports(path: Path) -> set[str]:
    """Return the modules that a file imports."""
    return imported(ast.walk(ast.parse(path.read_text())))


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the modules that statements import."""
    found: set[str] = set()
    all_modules = set(map(name, MODULES))
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            modules = {f"{base}.{alias.name}" for alias in node.names} & all_modules
            found.update(modules or {base})
    return found


def ours(path: Path) -> set[str]:
    """Return the modules of this package that a file imports."""
    return {module for module in imports(path) if module.split(".")[0] == "ndpbr_py"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    """No module imports a module of a higher layer."""
    assert {module for module in ours(path) if module != "ndpbr_py" and layer(module) > layer(name(path))} == set()


def test_no_import_cycle() -> None:
    """No module imports itself by way of others; under TYPE_CHECKING it may: State is passed to its own parts."""
    graph = {}
    for path in MODULES:
        blocks = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If))
        annotations = (node for it in blocks if ast.unparse(it.test) == "TYPE_CHECKING" for node in it.body)
        graph[name(path)] = ours(path) - imported(annotations)

    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("core/*.py")), ids=name)
def test_core_imports_only_itself_and_the_standard_library(path: Path) -> None:
    """The core knows no clock, process, file or log."""
    others = imports(path) - ours(path)

    assert {module for module in ours(path) if not module.startswith("ndpbr_py.core")} == set()
    assert {module.split(".")[0] for module in others} <= sys.stdlib_module_names
    assert others & {"time", "os", "subprocess", "asyncio", "logging", "pathlib", "random"} == set()


@pytest.mark.parametrize("module", [f"iproute2/{word}" for word in WORDS] + [f"doctor/{module}" for module in DECIDING])
def test_pure_modules_import_only_pure_modules(module: str) -> None:
    """Modules that parse ip(8)'s output, or decide about facts, import only pure modules."""
    path = PACKAGE / f"{module}.py"

    assert {module for module in ours(path) if layer(module) not in (CORE, PURE)} == set()
    assert imports(path) & {"os", "subprocess", "asyncio", "time", "sh", "pathlib"} == set()


@pytest.mark.parametrize("path", [PACKAGE / "packets" / f"{name}.py" for name in ("solicitation", "filter")], ids=name)
def test_packet_parsers_are_pure(path: Path) -> None:
    """Packets are parsed and filtered without a socket."""
    assert {module for module in ours(path) if layer(module) not in (CORE, PURE)} == set()
    assert imports(path) & {"os", "socket", "asyncio", "time"} == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("system/*.py")), ids=name)
def test_system_logs_nothing(path: Path) -> None:
    """Modules about the machine return what they changed; they import each other and the errors only."""
    assert {module for module in ours(path) if not module.startswith(("ndpbr_py.system", "ndpbr_py.errors"))} == set()


@pytest.mark.parametrize(("library", "place"), [("sh", "iproute2/process.py"), ("structlog", "logs/rendering.py")])
def test_library_is_imported_in_one_place(library: str, place: str) -> None:
    """Each of the two dependencies is imported by one module only."""
    users = [str(path.relative_to(PACKAGE)) for path in MODULES if library in {m.split(".")[0] for m in imports(path)}]

    assert users == [place]
