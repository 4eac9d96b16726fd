"""A host of the lab and words -> the program run on it; a daemon whose log can be read while it runs."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import Any

from tests import stops_before_exec
from tests.lab import TIMEOUT_S, Host, pause_since
from tests.preloaded import Process

ROOT = Path(__file__).parent.parent
PROGRAM = (sys.executable, "-m", "ndpbr_py")
# Whether the program, where it is started without others around it, is forked from tests/preloaded.py.
PRELOAD = os.environ.get("NDPBR_PRELOAD") != "0"
NET_ADMIN, NET_RAW = 12, 13  # linux/capability.h
_WITHOUT = """import ctypes, os, sys
for number in sys.argv[1].split(","):
    ctypes.CDLL(None).prctl(24, int(number), 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.argv[2], sys.argv[2:])
"""
_LATER = """import sys, time
from pathlib import Path
from ndpbr_py.cli import main
later, seconds = Path(sys.argv.pop(1)), float(sys.argv.pop(1))
def ahead():
    return seconds * later.stat().st_size if later.exists() else 0.0
for name in ("monotonic", "clock_gettime"):
    setattr(time, name, lambda *clock, now=getattr(time, name): now(*clock) + ahead())
sys.exit(main())
"""
# Followed by a file and seconds: the program, whose clock is ahead by so much for each byte of the file.
LATER = (sys.executable, "-c", _LATER)
Record = dict[str, Any]


def ndpbr(host: Host, *argv: str, timeout: float = TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    """Return how ``ndpbr ARGV`` ended on *host*."""
    if not PRELOAD:
        return host.run(*PROGRAM, *argv, timeout=timeout, cwd=ROOT)
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        process = host.spawn_preloaded(*argv, stdout=out, stderr=err)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(argv, status, out.read(), err.read())


def without(*capabilities: int) -> tuple[str, ...]:
    """Return the words before root's command that take *capabilities* from it, as in a container.

    exec does not grant what the bounding set lacks.  Not setpriv(1), which cannot do this in busybox.
    """
    return sys.executable, "-c", _WITHOUT, ",".join(map(str, capabilities))


def can_become_a_user() -> bool:
    """Whether setpriv(1) is that of util-linux; busybox's changes no user."""
    words = ("sh", "-c", "setpriv --help 2>&1")
    return "--reuid" in subprocess.run(words, capture_output=True, text=True, check=False).stdout


def with_ip(host: Host, ip: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Return how a program ended on *host* with the file *ip* mounted over every ip(8) there."""
    directories = f"{os.environ['PATH']}:/usr/sbin:/sbin:/usr/bin:/bin".split(":")
    found = {os.path.realpath(path) for path in (shutil.which("ip", path=d) for d in directories) if path}
    # A program on a host of the lab has its own mounts, which end with it.
    binds = " && ".join(f"mount --bind '{ip}' '{path}'" for path in sorted(found))
    return host.run("sh", "-c", f'{binds} && exec "$@"', "sh", *argv, cwd=ROOT)


def children(pid: int, word: str | None = None) -> list[int]:
    """Return the children of a process; only those that have *word* among their arguments, unless it is None."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if word is None or word.encode() in Path("/proc", child, "cmdline").read_bytes().split(b"\0"):
                found.append(int(child))
    return found


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


class Daemon:
    """``ndpbr run ARGV`` on a host, with its pid file, state and log under *folder*; or another command that stays.

    *program* replaces ours, and *environment* is added to that of the tests.  Without --discover among the words it
    asks no host: a test's hosts are unknown before they speak.
    """

    def __init__(
        self,
        host: Host,
        *argv: str,
        folder: Path,
        program: Sequence[str] = PROGRAM,
        command: str = "run",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.pidfile = folder / "ndpbr.pid"
        self.state = folder / "state"
        self.hosts = folder / "lib" / "hosts"
        # One log per daemon: a test may start several daemons with the same state.
        self.logfile = folder / f"ndpbr-{len(list(folder.glob('ndpbr-*.log'))) + 1}.log"
        options = ("--log-format", "json", "--log-level", "debug", "--pidfile", str(self.pidfile))
        files = ("--state-dir", str(self.state), "--hosts-file", str(self.hosts), "--no-discover")
        with self.logfile.open("w") as log:
            words = (*options, command, *(files if command == "run" else ()), *argv)
            self.process: subprocess.Popen[str] | Process
            environment = {**os.environ, **environment}
            if program in (PROGRAM, stops_before_exec.PROGRAM) and PRELOAD:
                self.process = host.spawn_preloaded(*words, stdout=None, stderr=log, environment=environment)
            else:
                self.process = host.spawn(*program, *words, stderr=log, cwd=ROOT, env=environment)

    def log(self) -> list[Record]:
        """Return the records logged so far; a line that is no record has the event ``not-a-record``."""
        lines = self.logfile.read_text().split("\n")[:-1]  # the last line is empty or incomplete
        return [_record(line) for line in lines]

    def logged(self, event: str, **fields: object) -> list[Record]:
        """Return the records of *event* whose *fields* read like these."""
        expected = {"event": event, **fields}
        return [r for r in self.log() if all(k in r and str(r[k]) == str(v) for k, v in expected.items())]

    def wait_for(self, event: str, timeout: float = TIMEOUT_S, **fields: object) -> Record:
        """Return the first record of *event* whose *fields* read like these, as soon as it is logged.

        Raises:
            AssertionError: There was none in time, or the daemon ended without; says the log's end.
        """
        start = time.monotonic()
        while True:
            status = self.process.poll()  # before the log is read: records from its end count
            if found := self.logged(event, **fields):
                return found[0]
            if status is not None or time.monotonic() >= start + timeout:
                break
            pause_since(start)
        expected = " ".join([event, *(f"{name}={value}" for name, value in fields.items())])
        state = "is running" if status is None else f"ended with {status}"
        tail = "\n".join(self.logfile.read_text().splitlines()[-25:])
        raise AssertionError(f"no record of {expected}; the daemon {state}; the end of its log:\n{tail}")

    def stop(self, timeout: float = TIMEOUT_S) -> int:
        """Send SIGTERM; return the exit status, negative for a signal, once it has ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


def _record(line: str) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"event": "not-a-record", "line": line}
