"""A home whose router runs the daemon with the default log level; and the kernel's entries with ndpbr's tag."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.home import Home, home, leave_a_route
from tests.lab import Host, Lab, until
from tests.program import resident_bytes

ROOT = Path(__file__).parent.parent
TAG = "proto 135"


@dataclass(slots=True)
class Site:
    """The home, and the daemon that runs on its router."""

    home: Home
    process: subprocess.Popen[str]
    log: Path

    def records(self, event: str) -> int:
        """Return how many records of *event* were logged until now."""
        return self.log.read_text().count(f"event={event} ")

    def stop(self) -> float:
        """Send SIGTERM, return the seconds until the daemon had ended."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - started

    def tree(self) -> list[int]:
        """Return the pids of the daemon and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def rss(self) -> float:
        """Return the resident memory of the daemon, in MiB."""
        return rss_mib(self.process.pid)

    def cpu(self) -> float:
        """Return the seconds of CPU that the daemon and its children have used until now."""
        return sum(map(cpu_s, self.tree()))


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that all threads of a process have used until now."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    return resident_bytes(pid) / (1 << 20)


@contextmanager
def site(*options: str, interfaces: tuple[str, ...] = ("wan0", "lan0")) -> Iterator[Site]:
    """Set up a home, start the daemon on its router, and wait until it is ready."""
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        yield start(home(lab), Path(folder), *options, interfaces=interfaces)


def start(
    where: Home, folder: Path, *options: str, interfaces: tuple[str, ...] = ("wan0", "lan0"), module: str = "ndpbr_py"
) -> Site:
    """Start the daemon on the router of *where*, and wait until it is ready."""
    # Otherwise each verified host is advertised to all nodes in the first minute, which answers waiting modems, too.
    leave_a_route(where)
    log = folder / "log"
    argv = (sys.executable, "-m", module, "--log-format", "logfmt", "--pidfile", f"{folder}/pid", "run")
    with log.open("w") as stderr:
        process = where.router.spawn(
            *argv, "--no-discover", "--state-dir", f"{folder}/state", *options, *interfaces, stderr=stderr, cwd=ROOT
        )
    running = Site(where, process, log)
    until(lambda: running.records("started") or process.poll() is not None, timeout=30)
    return running


def address(number: int) -> str:
    """Return the number-th address of a LAN host."""
    return f"2001:db8:64::{1 + (number >> 16):x}:{number & 0xFFFF:x}"


def lladdr(number: int) -> str:
    """Return the lladdr of the number-th LAN host."""
    return f"02:00:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def neighbors(count: int, state: str = "reachable", dev: str = "lan0") -> str:
    """Return commands that make *count* neighbors appear."""
    return "".join(
        f"neigh replace {address(n)} lladdr {lladdr(n)} dev {dev} nud {state}\n" for n in range(1, count + 1)
    )


def commands(count: int) -> str:
    """Return the commands that ndpbr runs for *count* neighbors that are REACHABLE."""
    return "".join(
        f"route add {address(n)}/128 dev lan0 {TAG} metric 4096\nneigh add proxy {address(n)} dev wan0 {TAG}\n"
        for n in range(1, count + 1)
    )


def batch(host: Host, text: str) -> float:
    """Run *text* through `ip -6 -batch FILE` on *host*; return the seconds it took."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        started = time.monotonic()
        host.run("ip", "-6", "-force", "-batch", file.name, timeout=120)
        return time.monotonic() - started


def alone(host: Host, text: str, count: int) -> float:
    """Return how long `ip -6 -batch FILE` takes for *text*, measured until the last host is proxied."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        started = time.monotonic()
        child = host.spawn("ip", "-6", "-batch", file.name)
        elapsed_s = installed(host, count) - started
        child.wait(60)
        return elapsed_s


def counts(host: Host) -> tuple[int, int]:
    """Return how many host routes and proxy entries with the tag the kernel has."""
    routes = host.ip(f"-6 route show {TAG}").count("\n")
    return routes, host.ip(f"-6 neigh show proxy {TAG}").count("\n")


def installed(host: Host, count: int, timeout: float = 60.0) -> float:
    """Wait until the last of *count* hosts is proxied; return the time then, in seconds (monotonic)."""

    def is_proxied() -> bool:
        with suppress(Exception):
            host.ip("-6", "neigh", "get", "proxy", address(count), "dev", "wan0")
            return True
        return False

    end = time.monotonic() + timeout
    while not is_proxied():
        if time.monotonic() > end:
            raise AssertionError(
                f"expected {count} hosts installed within {timeout:g} s, got {counts(host)} (routes, proxy entries)"
            )
        time.sleep(0.004)
    return time.monotonic()


def sender(host: Host, kind: str, rate: int, duration_s: float) -> subprocess.Popen[str]:
    """Start packet_sender.py on *host*, which sends so many packets of a *kind* a second, and prints how many."""
    words = (str(Path(__file__).with_name("packet_sender.py")), kind, str(rate), str(duration_s))
    return host.spawn(sys.executable, *words, stdout=subprocess.PIPE)


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that *call* takes."""
    started = time.monotonic()
    call()
    return time.monotonic() - started
