"""`ndpbr show` lists the proxied hosts."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, Home
from tests.lab import PATIENCE, Host
from tests.program import PROGRAM, ROOT, Daemon


@pytest.fixture
def both(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified a host on each LAN."""
    running = daemon(home.router, "wan0", "lan0", "lan1")
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
    return running


@pytest.mark.usefixtures("both")
def test_show_prints_one_line_per_host(home: Home, ndpbr: Run) -> None:
    """A line has the address, the interface of the host, an arrow, and the interfaces with proxy entries."""
    shown = ndpbr(home.router, "show")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == [f"{LAN} lan0 -> lan1 wan0", f"{LAN2} lan1 -> lan0 wan0"]


def test_show_without_a_daemon_says_so(home: Home, both: Daemon, ndpbr: Run) -> None:
    """Without a daemon a sentence says whether entries are left over, and the exit status is 3."""
    both.process.send_signal(signal.SIGKILL)
    both.process.wait(PATIENCE)
    left = ndpbr(home.router, "show")
    ndpbr(home.router, "flush", "--state-dir", str(both.state))
    nothing = ndpbr(home.router, "show")

    assert left.stdout.splitlines() == [f"{LAN} lan0 -> lan1 wan0", f"{LAN2} lan1 -> lan0 wan0"]
    assert left.stderr == "ndpbr is not running; these 8 entries are left over (ndpbr flush)\n"
    assert (nothing.stdout, nothing.stderr) == ("", "ndpbr is not running and nothing is proxied\n")
    assert (left.returncode, nothing.returncode) == (3, 3)


def test_show_json_prints_one_object(home: Home, both: Daemon, ndpbr: Run) -> None:
    """--json prints one object, with the daemon's counters if a daemon answers."""
    with_daemon = json.loads(ndpbr(home.router, "show", "--json", "--state-dir", str(both.state)).stdout)
    without = json.loads(ndpbr(home.router, "show", "--json", "--state-dir", "/run/none").stdout)

    assert without == {
        "hosts": [
            {"address": LAN, "dev": "lan0", "proxies": ["lan1", "wan0"]},
            {"address": LAN2, "dev": "lan1", "proxies": ["lan0", "wan0"]},
        ],
        "daemon": None,
    }
    assert with_daemon["hosts"] == without["hosts"]
    assert (with_daemon["daemon"]["counters"]["hosts_learned"], with_daemon["daemon"]["counters"]["hosts"]) == (2, 2)


def test_show_json_is_as_documented(home: Home, both: Daemon, ndpbr: Run) -> None:
    """The example in docs/log.md has the keys that the program prints, and values of the same types."""
    example = re.search(r"```json\n(.*?)```", (ROOT / "docs/log.md").read_text(), re.DOTALL)
    shown = ndpbr(home.router, "show", "--json", "--ping", "--state-dir", str(both.state)).stdout

    assert example is not None
    assert _shape(json.loads(example.group(1))) == _shape(json.loads(shown))


@pytest.mark.usefixtures("both")
def test_show_ping_prints_round_trip_times(home: Home, ndpbr: Run) -> None:
    """With --ping a host that answers has its round-trip time; one that does not is FAILED."""
    home.lan2.sysctl("net/ipv6/icmp/echo_ignore_all", 1)
    answers, drops = ndpbr(home.router, "show", "--ping").stdout.splitlines()

    assert re.fullmatch(rf"{LAN} lan0 -> lan1 wan0 \(RTT \d+(\.\d+)? ms\)", answers)
    assert drops == f"{LAN2} lan1 -> lan0 wan0 (FAILED)"


@pytest.mark.usefixtures("both")
def test_show_json_ping_has_round_trip_times(home: Home, ndpbr: Run) -> None:
    """With --json and --ping the time is in milliseconds, and null for a host that does not answer."""
    home.lan2.sysctl("net/ipv6/icmp/echo_ignore_all", 1)
    answers, drops = json.loads(ndpbr(home.router, "show", "--json", "--ping").stdout)["hosts"]

    assert 0 < answers["rtt_ms"] < 1000
    assert drops["rtt_ms"] is None


def test_show_works_without_a_daemon(home: Home, ndpbr: Run) -> None:
    """show prints the kernel's entries with ndpbr's tag, even if no daemon runs."""
    assert ndpbr(home.router, "show").stdout == ""
    home.router.lay(
        f"route add {LAN}/128 dev lan0 proto 135",
        f"neigh add proxy {LAN} dev wan0 proto 135",
        f"route add {LAN2}/128 dev lan1",
        f"neigh add proxy {LAN2} dev wan0",
    )

    assert ndpbr(home.router, "show").stdout == f"{LAN} lan0 -> wan0\n"


class Terminal:
    """A terminal of 100 columns and 24 lines, and the program that writes to it."""

    def __init__(self, host: Host, *argv: str) -> None:
        self._ours, theirs = pty.openpty()
        self.drawn = ""
        with os.fdopen(theirs, "w") as stdout:
            environment = {**os.environ, "COLUMNS": "100", "LINES": "24"}
            self.process = host.spawn(*PROGRAM, *argv, stdout=stdout, stderr=subprocess.PIPE, cwd=ROOT, env=environment)

    def until(self, condition: Callable[[str], bool], timeout: float = PATIENCE) -> str:
        """Return the first complete frame that fulfills *condition*."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                self.drawn += os.read(self._ours, 1 << 16).decode()
            frames = self.drawn.split("\x1b[H")[1:]
            for frame in frames:
                if frame.endswith("\x1b[J") and condition(frame):
                    return frame
        raise AssertionError(f"not drawn within {timeout:g} s; drawn was {self.drawn[-2000:]!r}")


def test_watch_shows_changes(home: Home, daemon: Start) -> None:
    """A learned host appears on the terminal, with the time since it was confirmed; Ctrl-C ends with status 0."""
    running = daemon(home.router, "wan0", "lan0", "lan1")
    terminal = Terminal(home.router, "show", "--watch", "0.5", "--state-dir", str(running.state))
    terminal.until(lambda frame: " 0 hosts; 0 learned" in frame)
    claim(home.lan, LAN)
    frame = terminal.until(lambda frame: LAN in frame)
    terminal.process.send_signal(signal.SIGINT)

    assert re.search(rf"^{LAN} lan0 -> lan1 wan0  (reachable|unverified, seen|confirmed)", frame, re.MULTILINE)
    assert " 1 hosts; 1 learned" in frame
    assert terminal.process.wait(PATIENCE) == 0
    assert terminal.process.stderr is not None
    assert terminal.process.stderr.read() == ""


def test_watch_needs_no_daemon(home: Home, tmp_path: Path) -> None:
    """The kernel's entries are shown even if no daemon runs."""
    home.router.lay(f"route add {LAN}/128 dev lan0 proto 135", f"neigh add proxy {LAN} dev wan0 proto 135")
    terminal = Terminal(home.router, "show", "--watch", "--state-dir", str(tmp_path))

    assert f"{LAN} lan0 -> wan0" in terminal.until(lambda frame: frame.startswith("no daemon answers"))


def _shape(value: Any) -> Any:
    """Return the types in *value*; for a list those of its first item."""
    if isinstance(value, dict):
        return {key: _shape(it) for key, it in value.items()}
    if isinstance(value, list):
        return [_shape(it) for it in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
