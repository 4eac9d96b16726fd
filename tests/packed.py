"""Pythons -> ndpbr.pyz with bytecode for them, or all that `make dist` builds; and the Pythons of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.effort import QUICK
from tests.program import ROOT

LIBRARIES = ROOT / "build/libraries"
# Before PATH: Debian's own Python is the one that users have.
_FOLDERS = ("/usr/bin", "/usr/local/bin", *map(str, Path.home().glob(".pyenv/versions/*/bin")))


def cannot_build() -> str | None:
    """Return what is missing here to build it, or None."""
    return None if LIBRARIES.is_dir() else f"{LIBRARIES} is missing: make build/libraries"


def build(output: Path, *pythons: str) -> Path:
    """Build *output* for *pythons*; return it."""
    builder = (sys.executable, str(ROOT / "packaging/pyz.py"))
    subprocess.run([*builder, str(output), str(LIBRARIES), *pythons], check=True)
    return output


def make_dist(folder: Path, umask: int, seed: str, age: int) -> dict[str, bytes]:
    """Return the products of `make dist` in a copy of the tree whose files are *age* seconds older."""
    out = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=out)
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode & ~umask)
        os.utime(path, times=(path.stat().st_mtime - age,) * 2)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "build").mkdir()
    (folder / "build/libraries").symlink_to(LIBRARIES)
    # --old-file: do not rebuild these because of the copy's file times.
    words = ("make", "--old-file=.venv/run", "--old-file=.venv/tools", "--old-file=build/libraries", "dist")
    env = {**os.environ, "PYTHONHASHSEED": seed}
    ended = subprocess.run(words, cwd=folder, env=env, umask=umask, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


def pythons() -> dict[str, str]:
    """Return the Pythons of this machine that are new enough: minor version -> path; bytecode is the same for each.

    With NDPBR_QUICK it is one: compiling all modules takes seconds.
    """
    found: dict[str, str] = {}
    for folder in (*_FOLDERS, *os.environ.get("PATH", "").split(":")):
        for path in sorted(Path(folder).glob("python3.[0-9]*")):
            name = re.fullmatch(r"python(3\.(\d+))", path.name)
            if name and int(name[2]) >= 11 and not _is_script(path):
                found.setdefault(name[1], str(path))
    return dict(list(found.items())[:1]) if QUICK else found


def _is_script(path: Path) -> bool:
    """Whether it is pyenv's shim, which may fail."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"
