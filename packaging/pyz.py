"""The source, the libraries and the Pythons to compile for -> ndpbr.pyz: one file that a router's python3 runs.

usage: python3 packaging/pyz.py OUTPUT LIBRARIES PYTHON...

The same source, libraries and Pythons make the same file.  In it: __main__.py, which is start.py; ndpbr_py, sh and
structlog as source; the same as bytecode, in a folder for each of the Pythons; the licences.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from archive import zipped

HERE = Path(__file__).resolve().parent
SHEBANG = b"#!/usr/bin/env python3\n"
_WANTED = ("*.py", "METADATA", "licenses/*")  # of a library; not what pip notes down


def main(output: str, libraries: str, *pythons: str) -> None:
    """Make *output*."""
    with tempfile.TemporaryDirectory() as folder:
        source, whole = Path(folder, "source"), Path(folder, "whole")
        gather(source, Path(libraries))
        for python in pythons:
            compile_by(python, source, whole)
        shutil.copytree(source, whole, dirs_exist_ok=True)
        shutil.copy(HERE / "start.py", whole / "__main__.py")
        shutil.copy(HERE.parent / "LICENSE", whole)
        names = sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file())
        content = zipped({name: (whole / name).read_bytes() for name in names})
    target = Path(output)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(SHEBANG + content)
    target.chmod(0o755)


def gather(source: Path, libraries: Path) -> None:
    """Copy the program and the libraries to *source*."""
    for root, patterns in ((HERE.parent, ("ndpbr_py/**/*.py",)), (libraries, _WANTED)):
        for pattern in patterns:
            for path in root.glob(f"**/{pattern}" if root is libraries else pattern):
                target = source / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)


def compile_by(python: str, source: Path, target: Path) -> None:
    """Have *python* compile what is in *source*."""
    if shutil.which(python) is None:
        sys.exit(f"a Python to compile for was wanted, got {python!r}, which is not there")
    # Without a seed and without packages, nothing of this machine gets into the bytecode.
    words = (python, "-s", "-S", str(HERE / "bytecode.py"), str(source), str(target))
    clean = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", os.defpath)}
    ended = subprocess.run(words, env=clean, check=False)
    if ended.returncode:
        sys.exit(f"{python} could not compile ndpbr")


if __name__ == "__main__":
    main(*sys.argv[1:])
