"""A folder of modules -> another folder with their bytecode, for the Python that runs this.

usage: python3 -s -S packaging/bytecode.py SOURCE TARGET
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from py_compile import PycInvalidationMode, compile


def main(source: Path, target: Path) -> None:
    """Compile all modules below *source* in a fixed order, and write the version of Python to a file."""
    for module in sorted(source.rglob("*.py")):
        name = module.relative_to(source)
        # Reproducible: no modification time of the source, no path of this machine.
        compile(
            str(module),
            str(target / name.with_suffix(".pyc")),
            dfile=str(name),
            doraise=True,
            optimize=0,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
    (target / "VERSION").write_text(f"{platform.python_version()}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) / str(sys.implementation.cache_tag))
