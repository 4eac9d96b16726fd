"""The name of a network namespace -> the namespace, made, entered or deleted as ip-netns(8) does it.

No process is started, so a call takes well under a millisecond.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

T = TypeVar("T")
NAMESPACES = Path("/run/netns")  # where ip-netns(8) names them
CLONE_NEWNET, MS_BIND, MNT_DETACH = 0x40000000, 0x1000, 2  # linux/sched.h, linux/mount.h
_OWN = "/proc/thread-self/ns/net"
LIBC = ctypes.CDLL(None, use_errno=True)  # os.setns() is Python 3.12


def create(name: str) -> None:
    """Make a namespace; tests/isolated has made the folder of all of them."""
    (NAMESPACES / name).touch(exist_ok=False)
    with open(_OWN) as own:
        checked(LIBC.unshare(CLONE_NEWNET))
        try:
            checked(LIBC.mount(_OWN.encode(), bytes(NAMESPACES / name), None, MS_BIND, None))
        finally:
            _enter(own)


def delete(name: str) -> None:
    """Delete a namespace; it goes with its last process."""
    checked(LIBC.umount2(bytes(NAMESPACES / name), MNT_DETACH))
    (NAMESPACES / name).unlink()


def pids(name: str) -> list[int]:
    """Return the processes in a namespace."""
    found, namespace = [], (NAMESPACES / name).stat()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if os.path.samestat((process / "ns/net").stat(), namespace):
                found.append(int(process.name))
    return found


def inside(name: str, call: Callable[[], T]) -> T:
    """Return what *call* returns in the namespace; a socket created there belongs to it."""
    # A namespace belongs to a thread: other threads are not affected.
    with open(_OWN) as own:
        enter(name)
        try:
            return call()
        finally:
            _enter(own)


def enter(name: str) -> None:
    """Put this thread into the namespace."""
    with open(NAMESPACES / name) as namespace:
        _enter(namespace)


def _enter(namespace: IO[str]) -> None:
    checked(LIBC.setns(namespace.fileno(), CLONE_NEWNET))


def checked(result: int) -> None:
    """Raise OSError if a call of the C library has failed."""
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
