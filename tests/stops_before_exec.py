"""The program, whose next child that is about to execute ip with a word is stopped: between fork and exec.

The word is in the file that the environment variable FLAG names; the file is gone once a child is stopped.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAG = "NDPBR_STOPS_BEFORE_EXEC"
PROGRAM = (sys.executable, "-m", "tests.stops_before_exec")


def install() -> None:
    """Stop children of this process as the environment says."""
    if (name := os.environ.get(FLAG)) is None:
        return
    flag = Path(name)

    def stopping(execute: Callable[..., Any]) -> Callable[..., None]:
        def stop(path: str, words: list[str], *rest: object) -> None:
            if flag.exists() and os.fsencode(flag.read_text()) in map(os.fsencode, words):
                flag.unlink()
                os.kill(os.getpid(), signal.SIGSTOP)
            execute(path, words, *rest)

        return stop

    for name in ("execv", "execve"):
        setattr(os, name, stopping(getattr(os, name)))


if __name__ == "__main__":
    install()
    sys.argv[0] = "ndpbr"
    runpy.run_module("ndpbr_py", run_name="__main__")
