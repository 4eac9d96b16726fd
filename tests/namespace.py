"""The name of a network namespace and a function -> the function's result inside the namespace.

No process is started, so a call takes well under a millisecond.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NAMESPACES = Path("/run/netns")  # where ip-netns(8) names them
CLONE_NEWNET = 0x40000000  # linux/sched.h
LIBC = ctypes.CDLL(None, use_errno=True)  # os.setns() is Python 3.12


def inside(name: str, call: Callable[[], T]) -> T:
    """Return what *call* returns in the namespace; a socket created there belongs to it."""
    result: list[T] = []
    raised: list[BaseException] = []

    def entered() -> None:
        try:
            enter(name)
            result.append(call())
        except BaseException as error:  # raised again for the caller, below
            raised.append(error)

    # A namespace belongs to a thread: this thread enters it and ends there, so other threads are not affected.
    thread = threading.Thread(target=entered)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return result[0]


def enter(name: str) -> None:
    """Put this thread into the namespace."""
    with open(NAMESPACES / name) as namespace:
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
