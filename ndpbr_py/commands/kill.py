"""ndpbr kill: the pid file -> SIGTERM to its daemon, and a wait until the daemon has cleaned up."""

from __future__ import annotations

import argparse
import os
import select
import signal
from pathlib import Path

from ndpbr_py.errors import NdpbrError
from ndpbr_py.system import lock

_TIMEOUT_S = 30.0  # cleaning up takes far less
_SUPERVISOR = "supervise-daemon"  # OpenRC's, which restarts a daemon that ends, also with status 0


def main(arguments: argparse.Namespace) -> int:
    """Stop the daemon.

    Raises:
        NdpbrError: No daemon runs, it cannot be stopped, it has not ended in time, or OpenRC would restart it.
    """
    path = arguments.pidfile
    needed = "kill requires root, or the user that runs ndpbr"
    # Not Path.exists(), which raises PermissionError below a directory of another user.
    if os.path.exists(path) and not os.access(path, os.R_OK):
        raise NdpbrError(needed)
    pid = lock.running(path)
    if pid is None:
        if lock.daemon_runs():
            raise NdpbrError(f"no process holds {path}, but ndpbr runs: stop its service, or name its --pidfile")
        if os.geteuid() != 0:  # /proc may hide another user's daemon
            raise NdpbrError(f"no process that this user can see holds {path}: {needed}")
        raise NdpbrError(f"ndpbr is not running (no process holds {path})")
    service = _openrc_service(pid)
    if service is not None:
        raise NdpbrError(f"use `rc-service {service} stop`: OpenRC would restart ndpbr (pid {pid})")
    try:
        descriptor = os.pidfd_open(pid)
        # The process may have ended after its pid was read, and another may have that pid now.
        if lock.running(path) != pid:
            return 0
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except ProcessLookupError:
        return 0
    except PermissionError as error:
        raise NdpbrError(f"ndpbr (pid {pid}) could not be stopped: {error.strerror}") from error
    if not select.select([descriptor], [], [], _TIMEOUT_S)[0]:
        raise NdpbrError(f"ndpbr (pid {pid}) has not ended within {_TIMEOUT_S:g} s")
    return 0


def _openrc_service(pid: int) -> str | None:
    """Return the OpenRC service whose supervise-daemon is the parent of *pid*; None if there is none.

    Source: proc(5); supervise-daemon(8): its first argument is the service.
    """
    try:
        # The program's name, in brackets, may contain anything, including a bracket.
        parent = Path("/proc", str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        words = Path("/proc", parent, "cmdline").read_text(errors="replace").split("\0")
    except OSError:  # ended meanwhile
        return None
    return words[1] if len(words) > 1 and Path(words[0]).name == _SUPERVISOR else None
