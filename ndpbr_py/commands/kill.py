"""ndpbr kill: the pid file -> SIGTERM for its daemon, and a wait until it has cleaned up."""

from __future__ import annotations

import argparse
import os
import select
import signal
from pathlib import Path

from ndpbr_py.errors import NdpbrError
from ndpbr_py.system import lock

_PATIENCE = 30.0  # s; cleaning up takes far less
_SUPERVISOR = "supervise-daemon"  # OpenRC's starts again whatever ends, also with status 0


def main(arguments: argparse.Namespace) -> int:
    """Stop the daemon.

    Raises:
        NdpbrError: None runs, it may not be stopped, it has not ended, or it would be started again at once.
    """
    path = Path(arguments.pidfile)
    pid = lock.running(path)
    if pid is None:
        raise NdpbrError(f"a running ndpbr was wanted, none holds the pid file {path}")
    service = _openrc_service(pid)
    if service is not None:
        raise NdpbrError(f"`rc-service {service} stop` was wanted: OpenRC would start ndpbr, pid {pid}, again")
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


def _openrc_service(pid: int) -> str | None:
    """Return the service that the supervisor of process *pid* supervises; None if OpenRC's does not.

    Source: proc(5); supervise-daemon(8): the service is its first word.
    """
    try:
        # The name of the program, in brackets, may hold anything: also a bracket.
        parent = Path("/proc", str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        words = Path("/proc", parent, "cmdline").read_text(errors="replace").split("\0")
    except OSError:  # ended meanwhile
        return None
    return words[1] if len(words) > 1 and Path(words[0]).name == _SUPERVISOR else None
