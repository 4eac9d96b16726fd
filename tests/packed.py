"""Pythons -> ndpbr.pyz with bytecode for them; and the Pythons of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.program import ROOT

LIBRARIES = ROOT / "build/libraries"
# Before PATH, which has pyenv's slow shims.
_FOLDERS = ("/usr/bin", "/usr/local/bin", *map(str, Path.home().glob(".pyenv/versions/*/bin")))


def cannot_build() -> str | None:
    """Return what is missing here to build it, or None."""
    return None if LIBRARIES.is_dir() else f"{LIBRARIES} is missing: make build/libraries"


def build(output: Path, *pythons: str) -> Path:
    """Build *output* for *pythons*; return it."""
    builder = (sys.executable, str(ROOT / "packaging/pyz.py"))
    subprocess.run([*builder, str(output), str(LIBRARIES), *pythons], check=True)
    return output


@cache
def pythons() -> dict[str, str]:
    """Return the Pythons of this machine that are new enough: version -> path."""
    found: dict[str, str] = {}
    for folder in (*_FOLDERS, *os.environ.get("PATH", "").split(":")):
        for path in sorted(Path(folder).glob("python3.[0-9]*")):
            version = _version(str(path)) if re.fullmatch(r"python3\.\d+", path.name) else None
            if version is not None and tuple(map(int, version.split(".")[:2])) >= (3, 11):
                found.setdefault(version, str(path))
    return found


def _version(python: str) -> str | None:
    say = (python, "-I", "-c", "import platform; print(platform.python_version())")
    ended = subprocess.run(say, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else None  # a shim may fail
