"""Words of the command line -> a command and its options -> exit status: 0 done, 1 failed, 2 bad usage.

A command is imported when it is called: --help needs neither sh nor structlog.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence

from ndpbr_py.errors import NdpbrError
from ndpbr_py.options import parser

_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with *argv* (without its name); return the exit status."""
    _open_standard_streams()
    os.umask(0o022)
    try:
        try:
            return _called(argv)
        finally:
            if sys.stdout is not None:  # closed at our start
                sys.stdout.flush()
    except NdpbrError as error:
        _complain(str(error))
        return error.status
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            raise
        if error.errno != errno.EPIPE:  # a closed pipe means that its reader has seen enough
            _complain(f"standard output could not be written: {error.strerror}")
        # Python flushes once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _called(argv: Sequence[str] | None) -> int:
    top = parser()
    arguments = top.parse_args(argv)
    if "command" not in arguments:
        top.print_help()
        return 0
    return _function(arguments.command)(arguments)


def _function(command: str) -> Callable[[argparse.Namespace], int]:
    """Return the function of *command*.  No other command is imported: the daemon keeps what it has loaded."""
    match command:
        case "run":
            from ndpbr_py.commands.run import main
        case "check":
            from ndpbr_py.commands.check import main
        case "show":
            from ndpbr_py.commands.show import main
        case "flush":
            from ndpbr_py.commands.flush import main
        case "kill":
            from ndpbr_py.commands.kill import main
        case "record":
            from ndpbr_py.commands.record import main
        case "report":
            from ndpbr_py.commands.report import main
        case "refresh":
            from ndpbr_py.commands.refresh import main
        case "doctor":
            from ndpbr_py.commands.doctor import main
        case "explain":
            from ndpbr_py.commands.explain import main
        case "lookup":
            from ndpbr_py.commands.lookup import main
        case "replay":
            from ndpbr_py.commands.replay import main
    return main


def _complain(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(f"ndpbr: {sentence}", file=sys.stderr)


def _open_standard_streams() -> None:
    """Open the standard streams that are closed: otherwise the next file opened could become standard error."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
