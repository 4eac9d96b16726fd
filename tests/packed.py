"""Pythons -> ndpbr.pyz with bytecode for them; and the Pythons of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

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


def pythons() -> dict[str, str]:
    """Return the Pythons of this machine that are new enough: minor version -> path; bytecode is the same for each."""
    found: dict[str, str] = {}
    for folder in (*_FOLDERS, *os.environ.get("PATH", "").split(":")):
        for path in sorted(Path(folder).glob("python3.[0-9]*")):
            name = re.fullmatch(r"python(3\.(\d+))", path.name)
            if name and int(name[2]) >= 11 and not _is_script(path):
                found.setdefault(name[1], str(path))
    return found


def _is_script(path: Path) -> bool:
    """Whether it is pyenv's shim, which may fail."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"
