"""Locks: one daemon per pid file, per interface and per protocol number.

A daemon holds a lock on its pid file for as long as it runs.  A pid file without a lock is stale, whatever process
has its number now.  The lock is a POSIX record lock for writing: only a process that may write the file can take it
(every process that may read the file can take one with flock()).  The kernel names the holder, so the file's content
is never trusted.  Source: fcntl_locking(2).

All other locks are per network namespace, as interfaces and settings are.  They are locks on two files below /proc/sys
that the kernel opens only for root and for processes with CAP_NET_ADMIN in this namespace: daemons with different uids
see each other, and no other user can take a lock.  The content of the files is neither read nor written.  Daemons with
different mounts of /proc do not see each other.  Source: net_ctl_permissions() in net/sysctl_net.c, flock(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from ndpbr_py.errors import NdpbrError

_FLOCK = struct.Struct("@hhqqi0q")  # struct flock: type, whence, start, length, pid
# Two files: a record lock is lost when its process closes any descriptor of the file.
NAMES, SETTINGS = "conf/all/stable_secret", "conf/default/stable_secret"  # below /proc/sys/net/ipv6
_PROC_SYS = Path("/proc/sys/net/ipv6")


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

    Only the owner may read the file, because a reader's lock would keep us from taking ours.
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
                raise NdpbrError(
                    f"already running (pid {pid}); for a second instance use another --protocol, --pidfile, --state-dir"
                ) from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the owner has just ended: try again


def _holder(descriptor: int, kind: int, start: int = 0, length: int = 0) -> int | None:
    """Return the pid of a process whose lock conflicts with one of this *kind*; None if there is none."""
    lock = _FLOCK.pack(kind, os.SEEK_SET, start, length, 0)
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
    """Names that only one process of this network namespace can hold, e.g. ``interface wan0``.

    Each name locks the byte at its CRC.  A process without CAP_NET_ADMIN holds nothing, and changes nothing.
    """

    def __init__(self, names: Iterable[str], path: Path = _PROC_SYS / NAMES) -> None:
        """Lock *names*.

        Raises:
            NdpbrError: Another ndpbr holds one of them, or they cannot be locked.
        """
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # keeps others from locking names meanwhile
            for name in names:
                self._lock(name)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        except PermissionError:
            pass
        except OSError as error:
            raise NdpbrError(f"cannot lock {path}: {error.strerror}") from error
        except NdpbrError:
            self.release()
            raise

    def add(self, name: str) -> None:
        """Lock another name.

        Raises:
            NdpbrError: Another ndpbr holds it, or it cannot be locked.
        """
        if self._descriptor is None:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._lock(name)
        except OSError as error:
            raise NdpbrError(f"cannot lock {name}: {error.strerror}") from error
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def remove(self, name: str) -> None:
        """Unlock one name."""
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _byte(name))

    def release(self) -> None:
        """Unlock the names."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _lock(self, name: str) -> None:
        assert self._descriptor is not None
        byte = _byte(name)
        if (pid := _holder(self._descriptor, fcntl.F_WRLCK, byte, 1)) is not None:
            # Not positive: in another pid namespace.
            raise NdpbrError(f"{name} is already in use by another ndpbr, pid {pid if pid > 0 else 'unknown'}")
        # For reading: where /proc/sys is read-only the file cannot be opened for writing.
        fcntl.lockf(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, byte)


def locked(names: Iterable[str], proc: Path = Path("/proc")) -> list[str]:
    """Return those of *names* that a process of this network namespace holds; this requires no privilege.

    Source: proc(5): TYPE, ADVISORY, READ, pid, MAJOR:MINOR:INODE in hexadecimal and decimal, start, end.
    """
    try:
        file = os.stat(proc / "sys/net/ipv6" / NAMES)
        lines = (proc / "locks").read_text().splitlines()
    except OSError:
        return []
    device = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    held = {words[6] for line in lines if len(words := line.split()) == 8 and words[5] == device}
    return [name for name in names if str(_byte(name)) in held]


def daemon_runs(protocol: int | None = None, proc: Path = Path("/proc")) -> bool:
    """Whether a daemon with the number *protocol* (None: any) runs in this network namespace."""
    return bool(locked((f"protocol {number}" for number in (range(256) if protocol is None else [protocol])), proc))


def _byte(name: str) -> int:
    return zlib.crc32(name.encode())


class SharedSettingLock:
    """Which running instances need a setting of the whole network namespace, and the original value that each knows.

    Each instance holds a lock on the byte VALUE * 256 + PROTOCOL of the file *path*, until it ends.  Source:
    fcntl_locking(2), open file description locks.
    """

    def __init__(self, path: Path, protocol: int) -> None:
        self._path = path
        self._protocol = protocol
        self._descriptor: int | None = None  # stays None if this process may not change settings

    @contextlib.contextmanager
    def transition(self) -> Iterator[None]:
        """Keep other instances from reading and changing the setting meanwhile."""
        if self._descriptor is None:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def join(self, original: int) -> None:
        """Tell other instances that this one needs the setting, and its original value."""
        self._fcntl(fcntl.F_OFD_SETLK, fcntl.F_UNLCK)
        self._fcntl(fcntl.F_OFD_SETLK, fcntl.F_RDLCK, abs(original) * 256 + self._protocol, 1)

    def others(self, original: int | None = None) -> bool:
        """Whether another instance needs the setting; with *original*, one that knows this value."""
        start, length = (0, 0) if original is None else (abs(original) * 256, 256)
        return self._fcntl(fcntl.F_OFD_GETLK, fcntl.F_WRLCK, start, length) == fcntl.F_RDLCK

    def leave(self) -> None:
        """Tell other instances that this one no longer needs the setting."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _fcntl(self, command: int, kind: int, start: int = 0, length: int = 0) -> int:
        if self._descriptor is None:
            return fcntl.F_UNLCK
        lock = _FLOCK.pack(kind, os.SEEK_SET, start, length, 0)
        return int(_FLOCK.unpack(fcntl.fcntl(self._descriptor, command, lock))[0])
