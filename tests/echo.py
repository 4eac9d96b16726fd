"""A datagram -> the same datagram, back after a delay; and the round-trip time.

Run by path (``echo.py PORT DELAY``) it is the server, and needs only Python.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab import Host

PORT = 7  # RFC 862


def echo(host: Host, delay: float = 0.0, port: int = PORT) -> subprocess.Popen[str]:
    """Start a server on *host* that answers each datagram after *delay* seconds; return it when it is ready."""
    # -I -S: a bare interpreter is ready in half the time.
    child = host.spawn(sys.executable, "-I", "-S", __file__, str(port), str(delay), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n", "the echo server did not start"
    return child


def ask(host: Host, address: str, timeout: float = 1.0, source: str | None = None, port: int = PORT) -> float | None:
    """Send a datagram from *host* to *address*; return the round-trip time in seconds, None if no answer."""
    question = os.urandom(8)
    with host.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as sender:
        if source is not None:
            sender.bind((source, 0))
        sent = time.monotonic()
        try:
            sender.sendto(question, (address, port))
            while (left := sent + timeout - time.monotonic()) > 0:
                sender.settimeout(left)
                if sender.recv(len(question)) == question:
                    return time.monotonic() - sent
        except OSError:  # no route, or nothing in time: either way no answer
            return None
    return None


def serve(port: int, delay: float) -> None:
    """Answer each datagram after *delay* seconds, for ever."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.bind(("::", port))
        print("ready", flush=True)
        answers: deque[tuple[float, bytes, tuple[str, int, int, int]]] = deque()
        while True:
            wait = max(0.0, answers[0][0] - time.monotonic()) if answers else None
            if select.select([server], [], [], wait)[0]:
                datagram, peer = server.recvfrom(65535)
                answers.append((time.monotonic() + delay, datagram, peer))
            while answers and answers[0][0] <= time.monotonic():
                _, datagram, peer = answers.popleft()
                # Without a route the answer is lost, as on any host.
                with suppress(OSError):
                    server.sendto(datagram, peer)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
