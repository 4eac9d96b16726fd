"""How much later a command of ndpbr.pyz answers than one that pip has installed, on each Python of this machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import ROOT, timed
from tests.packed import LIBRARIES, build, pythons

_RUNS = 21
_COMMANDS = ("--help", "show", f"replay {ROOT}/fixtures/captures/host-joins-6.1.0.txt --interfaces wan0,lan0")
_SCRIPT = "import sys\nfrom ndpbr_py.cli import main\nsys.exit(main())\n"


def run() -> None:
    """Print the table."""
    heading("One file")
    rows = []
    for version, python in pythons().items():
        with tempfile.TemporaryDirectory() as folder:
            ways = _ways(Path(folder), python)
            rows += [[version, command.split()[0], *_compared(ways, command)] for command in _COMMANDS]
    table(("Python", "command", "installed", "one file", "ratio", "of another Python", "ratio"), rows)


def _ways(folder: Path, python: str) -> list[list[str]]:
    """Return the words for what pip would install, for one file with bytecode, and for one with none that fits."""
    installed = folder / "installed"
    shutil.copytree(LIBRARIES, installed)
    shutil.copytree(ROOT / "ndpbr_py", installed / "ndpbr_py", ignore=shutil.ignore_patterns("__pycache__"))
    (installed / "ndpbr").write_text(_SCRIPT)
    subprocess.run([python, "-m", "compileall", "-q", str(installed)], check=True)
    packed = build(folder / "ndpbr.pyz", python)
    other = build(folder / "other.pyz")
    return [[python, str(path)] for path in (installed / "ndpbr", packed, other)]


def _compared(ways: list[list[str]], command: str) -> list[str]:
    took: list[list[float]] = [[] for _ in ways]
    for _ in range(_RUNS):  # in turn, so that the machine's mood is everybody's
        for way, times in zip(ways, took, strict=True):
            words = [*way, *command.split()]
            times.append(timed(partial(subprocess.run, words, capture_output=True, check=True)))
    installed, packed, other = (median(times) or 0 for times in took)
    row = [ms(installed, 0)]
    for value in (packed, other):
        row += [ms(value, 0), f"{value / installed:.2f}"]
    return row
