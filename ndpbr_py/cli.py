"""Words of the command line -> subcommand -> exit status: 0 done, 1 failed, 2 bad usage or configuration.

A subcommand is imported when it is called, so that --help loads neither sh nor structlog.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from ndpbr_py import config
from ndpbr_py.errors import NdpbrError
from ndpbr_py.options import parser

_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def log_config(arguments: argparse.Namespace) -> config.LogConfig:
    """Return where records go, and which.

    Raises:
        ConfigError: An unknown format or level.
    """
    level = config.choice("a log level", arguments.log_level, config.LOG_LEVELS)
    return config.LogConfig(
        format=config.choice("a log format", arguments.log_format, config.LOG_FORMATS),
        level="debug" if arguments.verbose else level,
        syslog=arguments.syslog,
    )


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
        if error.errno not in _UNWRITABLE:
            raise
        if error.errno != errno.EPIPE:  # otherwise whoever read our output has seen enough
            _complain(f"standard output could not be written: {error.strerror}")
        # What is left must not fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _called(argv: Sequence[str] | None) -> int:
    top = parser()
    arguments = top.parse_args(argv)
    if arguments.command is None:
        top.print_help()
        return 0
    log_config(arguments)
    subcommand: Callable[[argparse.Namespace], int]
    subcommand = import_module(f"ndpbr_py.commands.{arguments.command}").main
    return subcommand(arguments)


def _complain(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(f"ndpbr: {sentence}", file=sys.stderr)


def _open_standard_streams() -> None:
    """Open what was closed: otherwise the next file opened would get the number of standard error, say."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
