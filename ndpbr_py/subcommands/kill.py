"""ndpbr kill: the pid file -> SIGTERM for its daemon, and a wait until it has cleaned up."""

from __future__ import annotations

import argparse
import os
import select
import signal
from pathlib import Path

from ndpbr_py import lock
from ndpbr_py.errors import NdpbrError

_PATIENCE = 30.0  # s; cleaning up takes far less


def main(arguments: argparse.Namespace) -> int:
    """Stop the daemon."""
    path = Path(arguments.pidfile)
    pid = lock.running(path)
    if pid is None:
        raise NdpbrError(f"a running ndpbr was wanted, none holds the pid file {path}")
    try:
        descriptor = os.pidfd_open(pid)
        # Between reading the number and opening the process it might have ended, and another got the number.
        if lock.running(path) != pid:
            return 0
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except ProcessLookupError:
        return 0
    except PermissionError as error:
        raise NdpbrError(f"ndpbr, pid {pid}, could not be stopped: {error.strerror}") from error
    if not select.select([descriptor], [], [], _PATIENCE)[0]:
        raise NdpbrError(f"ndpbr, pid {pid}, has not ended within {_PATIENCE:g} s")
    return 0
