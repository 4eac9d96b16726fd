"""The source, the libraries, and the Pythons to compile for -> ndpbr.pyz, one file that python3 runs.

usage: python3 packaging/pyz.py OUTPUT LIBRARIES PYTHON...

The build is reproducible.  ndpbr.pyz contains start.py as __main__.py; ndpbr_py, sh and structlog as source, and as
bytecode in one folder per Python; and the licences.
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
_LIBRARY_FILES = ("*.py", "METADATA", "licenses/*")  # without pip's own records


def main(output: str, libraries: str, *pythons: str) -> None:
    """Write *output*."""
    with tempfile.TemporaryDirectory() as folder:
        source, whole = Path(folder, "source"), Path(folder, "whole")
        collect(source, Path(libraries))
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


def collect(source: Path, libraries: Path) -> None:
    """Copy the program and the libraries to *source*."""
    for root, patterns in ((HERE.parent, ("ndpbr_py/**/*.py",)), (libraries, _LIBRARY_FILES)):
        for pattern in patterns:
            for path in root.glob(f"**/{pattern}" if root is libraries else pattern):
                target = source / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)


def compile_by(python: str, source: Path, target: Path) -> None:
    """Compile the modules in *source* with *python*."""
    if shutil.which(python) is None:
        sys.exit(f"expected a Python to compile for, got {python!r}, which does not exist")
    # No hash seed and no site packages: nothing of this machine gets into the bytecode.
    words = (python, "-s", "-S", str(HERE / "bytecode.py"), str(source), str(target))
    clean = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", os.defpath)}
    ended = subprocess.run(words, env=clean, check=False)
    if ended.returncode:
        sys.exit(f"{python} could not compile ndpbr")


if __name__ == "__main__":
    main(*sys.argv[1:])
