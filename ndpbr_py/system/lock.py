"""Locks: one daemon per pid file, per interface and per protocol number.

A daemon holds a lock on its pid file for as long as it runs.  A pid file without a lock is stale, whatever process
has its number now.  The lock is a POSIX record lock for writing: only a process that may write the file can take it
(every process that may read the file can take one with flock()).  The kernel names the holder, so the file's content
is never trusted.  Source: fcntl_locking(2).

Interfaces and protocol numbers are locked by abstract Unix sockets.  These are per network namespace, as interfaces
are, and vanish with their process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from ndpbr_py.errors import NdpbrError

_MAX_PENDING_CONNECTIONS = 128  # asking for the owner's pid uses up one for good: none is ever accepted
_FLOCK = struct.Struct("@hhqqi0q")  # struct flock: type, whence, start, length, pid
_TRANSITION = 1 << 60  # the byte whose lock lets only one instance read and change a shared setting


class PidFile:
    """The pid file of this process, locked."""

    def __init__(self, path: Path) -> None:
        """Write and lock *path*.

        Raises:
            NdpbrError: A running daemon holds it, or it cannot be written.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._descriptor = _locked(path)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise NdpbrError(f"cannot write the pid file {path}: {error.strerror}") from error

    def remove(self) -> None:
        """Remove the file and its lock."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self._descriptor)


def _locked(path: Path) -> int:
    """Return the descriptor that holds the lock; the lock is lost if this process opens and closes the file again.

    Only the owner may read the file, because a lock for reading would keep us from taking ours.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last owner may have removed the file between open and lock.  Then the name is another file's, or free.
            if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False)):
                return descriptor
        except BlockingIOError:
            if (pid := _holder(descriptor, fcntl.F_WRLCK)) is not None:
                os.close(descriptor)
                raise NdpbrError(f"ndpbr is already running, pid {pid} ({path})") from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the owner has just ended: try again


def _holder(descriptor: int, kind: int) -> int | None:
    """Return the pid of a process whose lock conflicts with a lock of this *kind*; None if there is none."""
    lock = _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0)
    found, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, lock))
    return None if found == fcntl.F_UNLCK else int(pid)


def running(path: Path) -> int | None:
    """Return the pid of the daemon that holds the pid file *path*; None if none does.

    The daemon itself must not call this: closing the file would release its lock.

    Raises:
        NdpbrError: The file exists but cannot be read, or its holder has no pid here.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NdpbrError(f"cannot read the pid file {path}: {error.strerror}") from error
    try:
        pid = _holder(descriptor, fcntl.F_RDLCK)  # which conflicts only with a lock for writing
    finally:
        os.close(descriptor)
    if pid is not None and pid < 1:
        raise NdpbrError(f"the pid file {path} is held by a process in another pid namespace")
    return pid


class NamespaceLocks:
    """Names that only one process of this network namespace can hold, e.g. ``interface wan0``."""

    def __init__(self, names: Iterable[str]) -> None:
        """Lock *names*.

        Raises:
            NdpbrError: Another ndpbr holds one of them.
        """
        self._sockets: list[socket.socket] = []
        for name in names:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            self._sockets.append(lock)
            try:
                lock.bind(f"\0ndpbr/{name}")
                lock.listen(_MAX_PENDING_CONNECTIONS)
            except OSError:
                self.release()
                raise NdpbrError(f"{name} is already in use by another ndpbr, pid {_owner(name)}") from None

    def release(self) -> None:
        """Unlock the names."""
        for lock in self._sockets:
            lock.close()


def _owner(name: str) -> int | str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as client:
        client.setblocking(False)  # connect() would block forever if too many connections are pending
        try:
            client.connect(f"\0ndpbr/{name}")
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return "unknown"
    return int(struct.unpack("3i", credentials)[0]) or "unknown"  # 0: in another pid namespace


class SharedSettingLock:
    """Which running instances need a setting of the whole network namespace, and the value that each of them found.

    Each instance holds a record lock on the setting's own file under /proc, at the byte VALUE * 256 + PROTOCOL.  The
    file is per network namespace, as the setting is.  Only a process that may change the setting can take a lock for
    writing, and the kernel drops the lock with the process.  Instances with different mounts of /proc do not see each
    other.  Source: fcntl_locking(2), open file description locks.
    """

    def __init__(self, path: Path, protocol: int) -> None:
        self._path = path
        self._protocol = protocol
        self._descriptor: int | None = None  # stays None if the setting cannot be written

    @contextlib.contextmanager
    def transition(self) -> Iterator[None]:
        """Keep other instances from reading and changing the setting meanwhile."""
        if self._descriptor is None:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self._fcntl(fcntl.F_OFD_SETLKW, fcntl.F_WRLCK, _TRANSITION)
        try:
            yield
        finally:
            self._fcntl(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, _TRANSITION)

    def join(self, found: int) -> None:
        """Tell other instances that this one needs the setting, and which value it found."""
        self._fcntl(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, 0, _TRANSITION)
        self._fcntl(fcntl.F_OFD_SETLK, fcntl.F_WRLCK, abs(found) * 256 + self._protocol)

    def others(self, found: int | None = None) -> bool:
        """Whether another instance needs the setting; with *found*, one that found this value."""
        start, length = (0, _TRANSITION) if found is None else (abs(found) * 256, 256)
        return self._fcntl(fcntl.F_OFD_GETLK, fcntl.F_RDLCK, start, length) == fcntl.F_WRLCK

    def leave(self) -> None:
        """Tell other instances that this one no longer needs the setting."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _fcntl(self, command: int, kind: int, start: int, length: int = 1) -> int:
        if self._descriptor is None:
            return fcntl.F_UNLCK
        lock = _FLOCK.pack(kind, os.SEEK_SET, start, length, 0)
        return int(_FLOCK.unpack(fcntl.fcntl(self._descriptor, command, lock))[0])
