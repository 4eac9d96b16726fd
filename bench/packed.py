"""How long a command takes from ndpbr.pyz and as installed by pip, with each Python of this machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
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
            variants = _variants(Path(folder), python)
            rows += [[version, command.split()[0], *_compared(variants, command)] for command in _COMMANDS]
    table(("Python", "command", "installed by pip", "ndpbr.pyz", "ratio", "ndpbr.pyz without bytecode", "ratio"), rows)


def _variants(folder: Path, python: str) -> list[list[str]]:
    """Return three command lines: installed as by pip, ndpbr.pyz with matching bytecode, ndpbr.pyz without."""
    installed = folder / "installed"
    shutil.copytree(LIBRARIES, installed)
    shutil.copytree(ROOT / "ndpbr_py", installed / "ndpbr_py", ignore=shutil.ignore_patterns("__pycache__"))
    (installed / "ndpbr").write_text(_SCRIPT)
    subprocess.run([python, "-m", "compileall", "-q", str(installed)], check=True)
    packed = build(folder / "ndpbr.pyz", python)
    other = build(folder / "other.pyz")
    return [[python, str(path)] for path in (installed / "ndpbr", packed, other)]


def _end(words: Sequence[str]) -> None:
    status = subprocess.run(words, capture_output=True, check=False).returncode
    assert status in (0, 3), f"expected status 0, or 3 of a `show` without a daemon, got {status}: {' '.join(words)}"


def _compared(variants: list[list[str]], command: str) -> list[str]:
    elapsed: list[list[float]] = [[] for _ in variants]
    for _ in range(_RUNS):  # in turn, because the machine's speed drifts
        for variant, times in zip(variants, elapsed, strict=True):
            words = [*variant, *command.split()]
            times.append(timed(partial(_end, words)))
    installed, packed, other = (median(times) or 0 for times in elapsed)
    row = [ms(installed, 0)]
    for value in (packed, other):
        row += [ms(value, 0), f"{value / installed:.2f}"]
    return row
