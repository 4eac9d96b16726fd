"""Attach a socket filter to a running `ip monitor`: the kernel no longer tells it about routes that ndpbr adds.

Each of them would be a line, which ip(8) formats and the daemon discards (`make bench ARGS=routes`), and would fill the
buffer sooner.  ip(8) has no option for it, so the filter is attached to its socket from outside.  Routes of ours that
are deleted are still reported.

Source: pidfd_getfd(2), linux/rtnetlink.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from pathlib import Path

from ndpbr_py.system import bpf
from ndpbr_py.system.bpf import BYTE, EQUAL, HALF, RETURN

_LIBC = ctypes.CDLL(None, use_errno=True)
_PIDFD_GETFD = 438  # MIPS has no system call with that number
_NEW_ROUTE = 24  # RTM_NEWROUTE
_TYPE, _PREFIX_LENGTH, _PROTOCOL = 4, 17, 21  # offsets: nlmsg_type, and two of the struct rtmsg behind the header
_WHOLE = 0xFFFFFFFF


def program(protocol: int) -> bpf.Program:
    """Return the filter that refuses only messages about added /128 routes with this protocol number."""
    return (
        (HALF, 0, 0, _TYPE),
        (EQUAL, 0, 5, socket.htons(_NEW_ROUTE)),  # netlink has the machine's byte order
        (BYTE, 0, 0, _PREFIX_LENGTH),
        (EQUAL, 0, 3, 128),
        (BYTE, 0, 0, _PROTOCOL),
        (EQUAL, 0, 1, protocol),
        (RETURN, 0, 0, 0),
        (RETURN, 0, 0, _WHOLE),
    )


def hide(pid: int, protocol: int) -> None:
    """Attach the filter to the monitor *pid*, our child, which must listen already.

    Raises:
        OSError: This system does not let us (before Linux 5.6, or in a sandbox), or *pid* does not listen.
    """
    pidfd = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            with _duplicate(pidfd, int(entry.name)) as receiver:
                if receiver.family == socket.AF_NETLINK and receiver.getsockname()[1]:  # the groups that it listens to
                    bpf.attach(program(protocol), receiver)
                    return
    finally:
        os.close(pidfd)
    raise OSError(errno.ENOTCONN, "it has no socket that listens")


def _duplicate(pidfd: int, descriptor: int) -> socket.socket:
    ours = _LIBC.syscall(_PIDFD_GETFD, pidfd, descriptor, 0)
    if ours < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return socket.socket(fileno=ours)
