"""A namespace and words -> ``ndpbr WORDS`` running there, forked from a process that has already imported its modules.

The tests start the program a thousand times, and most of what a start costs is Python and its imports.  A process made
here differs from an executed one in its parent and in /proc/PID/cmdline; whatever depends on these, and on how Python
starts, executes the program instead.

As a program it is the process that forks: a request is a datagram of JSON with four descriptors (standard input, output
and error, and a pipe for the answer); the answer is the pid and, when the process has ended, its wait status, 4 bytes
each.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO

from tests import stops_before_exec
from tests.namespace import LIBC, MNT_DETACH, checked, enter

ROOT = Path(__file__).parent.parent
MAX_REQUEST = 1 << 16  # bytes; an environment and words
CLONE_NEWNS, MS_REC, MS_SLAVE = 0x20000, 0x4000, 0x80000  # linux/sched.h, linux/mount.h
_INTEGER = 4  # bytes


class Preloaded:
    """Starts processes; one for each pytest process, when first used."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None

    def start(
        self,
        namespace: str,
        *argv: str,
        stdout: IO[str] | None,
        stderr: IO[str],
        environment: Mapping[str, str],
    ) -> Process:
        """Return ``ndpbr ARGV`` in the namespace, with the environment."""
        requests = self._requests = self._requests or _server()
        words = {"namespace": namespace, "argv": argv, "environment": dict(environment)}
        with ExitStack() as stack:
            nothing = stack.enter_context(open(os.devnull, "r+"))
            answer, written = os.pipe()
            stack.callback(os.close, written)
            descriptors = [nothing.fileno(), (stdout or nothing).fileno(), stderr.fileno(), written]
            socket.send_fds(requests, [json.dumps(words).encode()], descriptors)
        return Process(answer, argv)


class Process:
    """What `subprocess.Popen` is for a process that another process has forked."""

    def __init__(self, answer: int, argv: tuple[str, ...]) -> None:
        self.args = argv
        self.returncode: int | None = None
        self._answer = answer
        self.pid = self._read()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.wait()

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        if self.returncode is None and select.select([self._answer], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status as soon as there is one.

        Raises:
            subprocess.TimeoutExpired: There was none within *timeout* seconds.
        """
        if self.returncode is None and not select.select([self._answer], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._ended() if self.returncode is None else self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended after poll(): its status is on its way
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self) -> int:
        self.returncode = os.waitstatus_to_exitcode(self._read())
        os.close(self._answer)
        return self.returncode

    def _read(self) -> int:
        data = os.read(self._answer, _INTEGER)
        assert len(data) == _INTEGER, "the process that forks has ended"
        return int.from_bytes(data, sys.byteorder)


def _server() -> socket.socket:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MAX_REQUEST)
    with its:
        subprocess.Popen(
            [sys.executable, "-m", "tests.preloaded"], stdin=its.fileno(), stdout=subprocess.DEVNULL, cwd=ROOT
        )
    return ours


def _serve(requests: socket.socket) -> list[str]:
    """Fork for each request; return in the child, with its words.  Ends with the process that sends requests."""
    children = selectors.DefaultSelector()
    children.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in children.select():
            if key.fileobj is not requests:
                pid, pidfd, answer = key.data
                children.unregister(pidfd)
                _answer(answer, os.waitpid(pid, 0)[1])
                os.close(answer)
                os.close(pidfd)
                continue
            request, descriptors, _flags, _address = socket.recv_fds(requests, MAX_REQUEST, 4)
            if not request:
                sys.exit()
            if (pid := os.fork()) == 0:
                children.close()
                requests.detach()  # its descriptor becomes standard input
                return _become(json.loads(request), descriptors)
            *standard, answer = descriptors
            for descriptor in standard:
                os.close(descriptor)
            _answer(answer, pid)
            pidfd = os.pidfd_open(pid)
            children.register(pidfd, selectors.EVENT_READ, (pid, pidfd, answer))


def _answer(descriptor: int, number: int) -> None:
    with suppress(BrokenPipeError):  # no process waits for it any more
        os.write(descriptor, number.to_bytes(_INTEGER, sys.byteorder))


def _become(request: dict[str, object], descriptors: list[int]) -> list[str]:
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    os.closerange(3, 1 << 20)
    environment, argv = request["environment"], request["argv"]
    assert isinstance(environment, dict) and isinstance(argv, list)
    os.environ.clear()
    os.environ.update(environment)
    _enter_as_ip_does(str(request["namespace"]))
    return argv


def _enter_as_ip_does(namespace: str) -> None:
    """Enter a namespace with mounts of its own and its own /sys, as ``ip netns exec`` does."""
    enter(namespace)
    checked(LIBC.unshare(CLONE_NEWNS))
    checked(LIBC.mount(b"", b"/", b"none", MS_SLAVE | MS_REC, None))
    LIBC.umount2(b"/sys", MNT_DETACH)  # refused in a user namespace, where the new one is mounted over it
    checked(LIBC.mount(namespace.encode(), b"/sys", b"sysfs", 0, None))


if __name__ == "__main__":
    for module in pkgutil.walk_packages([str(ROOT / "ndpbr_py")], "ndpbr_py."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    from ndpbr_py.cli import main

    gc.freeze()
    sys.argv = ["ndpbr", *_serve(socket.socket(fileno=0))]
    stops_before_exec.install()
    sys.exit(main())
