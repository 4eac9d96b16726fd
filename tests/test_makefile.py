"""What a target of the Makefile needs; test_dist.py and test_install.py have what it makes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.program import ROOT


def test_dist_needs_no_development_packages(tmp_path: Path) -> None:
    """A packager needs the libraries and packaging/tools.txt: the development packages have no wheels for musl."""
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "packaging/tools.txt", "packaging/libraries.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    words = ("make", "--dry-run", "dist")
    commands = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "-r packaging/tools.txt" in commands
    assert "[dev]" not in commands


def test_check_takes_the_shellcheck_of_the_distribution(tmp_path: Path) -> None:
    """Where the virtual environment has none (musl), the one on PATH checks the scripts."""
    ours, others = tmp_path / "venv", tmp_path / "bin"
    for program in (ours / "ruff", ours / "mypy", others / "shellcheck"):
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >>{tmp_path}/log\n')
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{others}:{os.environ['PATH']}"}
    words = ("make", "--old-file=.venv/dev", "check", f"BIN={ours}")
    subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=True)
    checked = [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("shellcheck ")]

    assert "openrc/ndpbr.initd" in checked[0]
    assert "packaging/alpine/APKBUILD" in checked[1]
