"""Arguments -> a child process and our ends of its pipes; the only module that uses sh.

sh gets descriptors for all three streams, so it reads nothing and starts no reader threads.  Its one remaining thread
sleeps until the child ends, instead of waking once a second.  Start children from the main thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import sh

from ndpbr_py.errors import NdpbrError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_START_TIMEOUT_S = 5.0  # for fork and exec: the file system of ip(8) may hang
_KILL_TIMEOUT_S = 1.0  # until a child that has been killed is abandoned: it is in an uninterruptible sleep
_abandoned: list[int] = []  # pids


class _StartTimeout(Exception):
    """The child was started, and has not executed its program in time."""


@dataclass(slots=True)
class Child:
    """A running child, and our ends of its pipes (None if there is no pipe)."""

    _running: sh.RunningCommand
    stdin: int | None
    stdout: int | None
    stderr: int | None

    @property
    def pid(self) -> int:
        """The process id."""
        return int(self._running.pid)

    def fd(self, stream: Literal["stdin", "stdout", "stderr"]) -> int:
        """Return our end of a pipe, which must be open."""
        descriptor: int | None = getattr(self, stream)
        if descriptor is None:
            raise ValueError(f"expected an open {stream}, got a closed one")
        return descriptor

    def signal(self, number: int) -> None:
        """Send a signal, if the child is still there."""
        # Until the child is reaped no other process gets its pid; sh reaps only in is_alive() and wait().
        with contextlib.suppress(ProcessLookupError):
            if self._running.is_alive():
                self._running.signal(number)

    def wait(self) -> int:
        """Wait until the child ends; return its status (negative: the signal that ended it)."""
        return int(self._running.process.wait())

    def close(self) -> None:
        """Close our ends of its pipes."""
        for name in ("stdin", "stdout", "stderr"):
            descriptor = getattr(self, name)
            setattr(self, name, None)
            if descriptor is not None:
                os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that has ended.

    Attributes:
        status: Its exit status; negative: the signal that ended it.
        stdout: Everything that it printed.
        stderr: Everything that it printed on standard error.
    """

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The text of stderr without the last newline; how the process ended if it wrote nothing there."""
        ending = f"killed by signal {-self.status}" if self.status < 0 else f"ended with status {self.status}"
        return self.stderr.decode(errors="replace").strip() or ending


def start(path: str, *arguments: str, stdin: bool = False, stdout: bool = False) -> Child:
    """Start *path* with a pipe from its stderr, and to its stdin and from its stdout if these are true.

    Raises:
        NdpbrError: It could not be started, or was not executed within 5 s.
    """
    if not os.access(path, os.X_OK):
        # sh has a page of text for it.
        raise NdpbrError(f"{path} could not be started: it is missing, or not executable")
    our_ends: list[int | None] = []
    child_ends: list[int] = []
    before: set[int] | None = None
    try:
        before = _descriptors()
        for number, piped in enumerate((stdin, stdout, True)):
            if piped:
                read, write = os.pipe()
                our_ends.append(write if number == 0 else read)
                child_ends.append(read if number == 0 else write)
            else:
                our_ends.append(None)
                child_ends.append(os.open(os.devnull, os.O_RDWR))
        with _time_limit():
            running = _command(path)(*arguments, **_options(child_ends))
    except (sh.ForkException, sh.CommandNotFound, OSError, RuntimeError, ValueError, _StartTimeout) as error:
        _close(*child_ends, *our_ends)
        _kill_half_started(error, before)
        gc.enable()  # sh leaves it disabled if fork() fails
        why = error.strerror if isinstance(error, OSError) else " ".join(str(error).strip().splitlines()[-1].split())
        raise NdpbrError(f"{path} could not be started: {why}") from error
    _close(*child_ends)
    _stop_polling(running)
    for descriptor in our_ends:
        if descriptor is not None:
            os.set_blocking(descriptor, False)
    return Child(running, *our_ends)


def output(path: str, *arguments: str, timeout_s: float = 10.0) -> Ended:
    """Run *path* until it ends, killed after *timeout_s* seconds; a time-out is noted in its stderr."""
    end = time.monotonic() + timeout_s
    child = start(path, *arguments, stdout=True)
    unfinished: dict[int, bytearray] = {fd: bytearray() for fd in (child.stdout, child.stderr) if fd is not None}
    streams = list(unfinished.values())
    poll = select.poll()
    for descriptor in unfinished:
        poll.register(descriptor, select.POLLIN)
    while unfinished and (left_s := end - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left_s * 1000):
            chunk = os.read(descriptor, 1 << 16)
            unfinished[descriptor] += chunk
            if not chunk:
                poll.unregister(descriptor)
                del unfinished[descriptor]
    if unfinished:
        child.signal(signal.SIGKILL)
        streams[1] += f"no answer within {timeout_s:g} s\n".encode()
    status = child.wait()
    child.close()
    return Ended(status, bytes(streams[0]), bytes(streams[1]))


def _options(streams: Sequence[int]) -> dict[str, Any]:
    return {
        "_in": streams[0],
        "_out": streams[1],
        "_err": streams[2],
        "_bg": True,
        "_bg_exc": False,
        "_new_group": True,  # Ctrl-C in a terminal must not reach the child
        "_close_fds": False,  # Python opens all descriptors close-on-exec
        "_return_cmd": True,
        "_ok_code": list(range(-64, 256)),
        "_preexec_fn": _die_with(os.getpid()),
    }


def _close(*descriptors: int | None) -> None:
    for descriptor in descriptors:
        if descriptor is not None:
            os.close(descriptor)


def _descriptors() -> set[int]:
    """Return the open descriptors, maybe with that of the directory itself, which is closed again."""
    return set(map(int, os.listdir("/proc/self/fd")))


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Raise _StartTimeout after a while: sh waits for the exec in a read, which would block the daemon forever.

    A signal, because the child's pid is not known before: a thread could not tell which child to kill.
    """

    def on_alarm(*_: object) -> None:
        raise _StartTimeout(f"it was not executed within {_START_TIMEOUT_S:g} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, _START_TIMEOUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _kill(pid: int) -> None:
    """Kill and reap a child; abandon it if it does not die, and reap those that were abandoned before."""
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + _KILL_TIMEOUT_S
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() >= end:
            _abandoned.append(pid)
            break
        time.sleep(0.01)
    _abandoned[:] = [pid for pid in _abandoned if os.waitpid(pid, os.WNOHANG)[0] == 0]


def _kill_half_started(error: Exception, before: set[int] | None) -> None:
    """Clean up after sh: when it fails it leaves up to seven descriptors open, and maybe a child."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        pid = getattr(frame.f_locals.get("self"), "pid", None)
        if isinstance(pid, int) and pid > 0:
            with contextlib.suppress(OSError):
                _kill(pid)
    if before is None:
        return  # sh was not called
    with contextlib.suppress(OSError):
        for descriptor in _descriptors() - before:
            with contextlib.suppress(OSError):
                os.close(descriptor)


@cache
def _command(path: str) -> sh.Command:
    return sh.Command(path)


def _die_with(parent: int) -> Callable[[], None]:
    def die_with_parent() -> None:
        # No child may outlive a daemon that was killed with SIGKILL.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)

    return die_with_parent


def _stop_polling(running: sh.RunningCommand) -> None:
    pid = running.pid

    def until_it_ends(timeout: float | None = None) -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # does not reap

    # Not part of sh's interface.  If it is missing the thread wakes once a second, and everything else works.
    with contextlib.suppress(AttributeError):
        running.process._quit_threads.wait = until_it_ends  # type: ignore[attr-defined]
