"""The keyboard -> the end of a wait, and whether the user wants to quit."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator


class Keyboard:
    """Standard input, and changes of the terminal's size."""

    def __init__(self) -> None:
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)

    @contextlib.contextmanager
    def unbuffered(self) -> Iterator[None]:
        """Read each key as it is pressed, and do not print it; afterwards the terminal is as before."""
        signal.signal(signal.SIGWINCH, lambda *_: None)  # without a handler it would wake nothing
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        if not sys.stdin.isatty():
            yield
            return
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the size changes, a key is pressed or the time is over; return whether the key was `q`."""
        inputs = [self._woken, *([sys.stdin] if sys.stdin.isatty() else [])]
        ready, _, _ = select.select(inputs, (), (), timeout_s)
        if self._woken in ready:
            self._woken.recv(4096)
        return sys.stdin in ready and os.read(sys.stdin.fileno(), 64).lower().startswith(b"q")
