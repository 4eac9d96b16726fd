"""Names and links -> hosts in network namespaces that take words for ip(8), programs and settings.

All that a Lab laid or started goes with it.  Run under tests/isolated, which gives a /run of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from tests import namespace
from tests.preloaded import Preloaded, Process

T = TypeVar("T")
# Nothing fails for being slow: this is how long a test waits for what would otherwise never come.
TIMEOUT_S = 120.0  # s
FLUSHES = 10  # tries; among hosts that come and go all the time a second one has failed, too
PRELOADED = Preloaded()
SIOCSIFFLAGS, IFF_UP = 0x8914, 1  # linux/sockios.h, net/if.h
QUIET = {"accept_dad": 0, "accept_ra": 0, "router_solicitations": 0}


class LabError(Exception):
    """A command that lays the lab failed; its stderr."""


def can_lay() -> str | None:
    """Return why namespaces cannot be laid here, or None if they can."""
    if reason := os.environ.get("NDPBR_NO_NAMESPACES"):
        return reason
    # Outside, hosts would land among the machine's own namespaces.
    return None if os.environ.get("NDPBR_ISOLATED") == "1" else "not run under tests/isolated (make test)"


def until(condition: Callable[[], T], timeout: float = TIMEOUT_S, what: str = "") -> T:
    """Return the first true value of *condition*, which is called repeatedly.

    Raises:
        AssertionError: It was not true within *timeout* seconds; says *what* and the last value.
    """
    start = time.monotonic()
    while not (value := condition()):
        if time.monotonic() >= start + timeout:
            raise AssertionError(f"not within {timeout:g} s: {what or condition}; last value {value!r}")
        pause_since(start)
    return value


def pause_since(start: float) -> None:
    """Pause between two looks of a wait that began at *start*: long waits look less often, since many start ip(8)."""
    time.sleep(min(max(0.01, (time.monotonic() - start) / 10), 0.1))


class Host:
    """A network namespace, seen as a machine."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spawned: list[subprocess.Popen[str] | Process] = []

    def ip(self, *words: str) -> str:
        """Return what ``ip`` prints for *words* on this host; one string of words will do."""
        argv = ("-n", self.name, *(words[0].split() if len(words) == 1 else words))
        # ip(8) lists the entries and then deletes them: one that went in between is an error, and the rest stays.
        for _ in range(FLUSHES - 1 if "flush" in argv else 0):
            with suppress(LabError):
                return _output(*argv)
        return _output(*argv)

    def lay(self, *lines: str, options: Sequence[str] = ()) -> str:
        """Run *lines* as one batch of ip(8), one process for many commands; return what it prints."""
        return _output("-n", self.name, *options, "-batch", "-", feed="\n".join(lines) + "\n")

    def run(self, *argv: str, timeout: float = TIMEOUT_S, **kw: Any) -> subprocess.CompletedProcess[str]:
        """Return how a program ended on this host, with all it printed."""
        return subprocess.run(self._argv(argv), capture_output=True, text=True, timeout=timeout, check=False, **kw)

    def spawn(self, *argv: str, **kw: Any) -> subprocess.Popen[str]:
        """Start a program on this host, under the pid returned; it is killed with the lab."""
        child = subprocess.Popen(self._argv(argv), text=True, **kw)
        self.spawned.append(child)
        return child

    def spawn_preloaded(
        self, *argv: str, stdout: IO[str] | None, stderr: IO[str], environment: Mapping[str, str] = os.environ
    ) -> Process:
        """Start ``ndpbr ARGV`` on this host without the cost of a start; it is killed with the lab."""
        child = PRELOADED.start(self.name, *argv, stdout=stdout, stderr=stderr, environment=environment)
        self.spawned.append(child)
        return child

    def inside(self, call: Callable[[], T]) -> T:
        """Return what *call* returns when called on this host; a socket it makes stays on this host."""
        return namespace.inside(self.name, call)

    def sysctl(self, path: str, value: str | int | None = None) -> str:
        """Return a setting under /proc/sys, e.g. ``net/ipv6/conf/lan0/proxy_ndp``, after setting it to *value*."""
        file = Path("/proc/sys", path)
        if value is not None:
            self.inside(lambda: file.write_text(f"{value}\n"))
        return self.inside(file.read_text).strip()

    def mac(self, dev: str) -> str:
        """Return the link-layer address of *dev*."""
        words = self.ip("-o", "link", "show", "dev", dev).split()
        return words[words.index("link/ether") + 1]

    def remove(self) -> None:
        """Kill what was spawned, and what that has left behind; delete the namespace."""
        for child in self.spawned:
            with child:
                child.kill()
        for pid in namespace.pids(self.name):
            with suppress(ProcessLookupError):  # it has ended on its own
                os.kill(pid, signal.SIGKILL)
        namespace.delete(self.name)

    def _argv(self, argv: tuple[str, ...]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *argv]


class Lab:
    """Hosts and links, which go when the ``with`` ends, however it ends; *prefix* tells two labs' hosts apart."""

    def __init__(self, prefix: str = "") -> None:
        self.links = 0
        self._prefix = prefix
        self._removal = ExitStack()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._removal.close()

    def host(self, name: str) -> Host:
        """Return a new host without links; its addresses are usable immediately; it ignores router advertisements."""
        host = Host(self._prefix + name)
        namespace.create(host.name)
        self._removal.callback(host.remove)
        host.inside(_start_up)
        return host

    def link(self, a: Host, a_dev: str, b: Host, b_dev: str) -> None:
        """Lay the lab's n-th cable, MAC 02:00:00:00:0n:0a at *a* and 02:00:00:00:0n:0b at *b*; both ends are down."""
        self.links += 1
        mac = f"02:00:00:00:{self.links:02x}"
        peer = f"name {b_dev} netns {b.name} address {mac}:0b"
        a.ip(f"link add {a_dev} address {mac}:0a type veth peer {peer}")


def _start_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    # "all" too: for accept_dad the kernel takes the greater of it and the interface's own.
    for where in ("all", "default"):
        for name, value in QUIET.items():
            Path("/proc/sys/net/ipv6/conf", where, name).write_text(f"{value}\n")


@cache
def _ip(path: str) -> str:
    """Return the ip(8) of a PATH: with only its name each start would look for it in each folder."""
    return shutil.which("ip", path=path) or "ip"


def _output(*words: str, feed: str | None = None) -> str:
    argv = (_ip(os.environ["PATH"]), *words)
    done = subprocess.run(argv, input=feed, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
