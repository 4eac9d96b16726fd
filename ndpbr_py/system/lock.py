"""One daemon a pid file, one an interface, one a protocol number.

A pid file is locked for as long as its daemon lives: an unlocked one is stale, whatever process has its number now.
The lock is a POSIX record lock for writing, which nobody can take who may not write the file (flock() anybody can who
may read it); the kernel tells whose it is, so that nothing in the file is believed.  Source: fcntl_locking(2).
Interfaces and protocol numbers are locked by abstract Unix sockets, which are one set a network namespace, as the
interfaces are, and vanish with their process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from ndpbr_py.errors import NdpbrError

_ASKERS = 128  # each that asks for the owner's pid takes one for good: nobody accepts them
_FLOCK = struct.Struct("@hhqqi0q")  # struct flock: type, whence, start, length, pid


class PidFile:
    """The pid file of this process, locked."""

    def __init__(self, path: Path) -> None:
        """Write and lock *path*.

        Raises:
            NdpbrError: A running daemon has it, or it cannot be written.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._descriptor = _locked(path)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise NdpbrError(f"the pid file {path} could not be written: {error.strerror}") from error

    def remove(self) -> None:
        """Remove the file, and the lock with it."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self._descriptor)


def _locked(path: Path) -> int:
    """Return the descriptor that holds the lock.  A process that opens and closes the file once more has it no longer.

    Others may not even read the file: a lock for reading would be in our way, too.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last owner may have removed it between open and lock: then another file has that name, or none.
            if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False)):
                return descriptor
        except BlockingIOError:
            if (pid := _holder(descriptor, fcntl.F_WRLCK)) is not None:
                os.close(descriptor)
                raise NdpbrError(f"ndpbr runs already, as pid {pid} ({path})") from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # and once more: its owner has just ended


def _holder(descriptor: int, against: int) -> int | None:
    """Return the pid of the process whose lock stands *against* a lock of ours; None if none does."""
    asked = _FLOCK.pack(against, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(pid)


def running(path: Path) -> int | None:
    """Return the pid of the daemon that holds the pid file *path*; None if none does.

    Not for the daemon itself: it would lose its lock.

    Raises:
        NdpbrError: The file is there, but cannot be read, or its holder not be named.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NdpbrError(f"the pid file {path} could not be read: {error.strerror}") from error
    try:
        pid = _holder(descriptor, fcntl.F_RDLCK)  # only a lock for writing stands against it
    finally:
        os.close(descriptor)
    if pid is not None and pid < 1:
        raise NdpbrError(f"the pid file {path} is held by a process of another pid namespace")
    return pid


class NamespaceLocks:
    """Names that one process of this network namespace has."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take *names*.

        Raises:
            NdpbrError: Another ndpbr has one of them.
        """
        self._sockets: list[socket.socket] = []
        for name in names:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            self._sockets.append(lock)
            try:
                lock.bind(f"\0ndpbr/{name}")
                lock.listen(_ASKERS)
            except OSError:
                self.release()
                raise NdpbrError(f"another ndpbr, pid {_owner(name)}, has {name} already") from None

    def release(self) -> None:
        """Give the names back."""
        for lock in self._sockets:
            lock.close()


def _owner(name: str) -> int | str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asker:
        asker.setblocking(False)  # where there is no more room, connect() would wait for it for ever
        try:
            asker.connect(f"\0ndpbr/{name}")
            credentials = asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return "unknown"
    return int(struct.unpack("3i", credentials)[0]) or "unknown"  # 0: of another pid namespace
