"""`ndpbr show` lists the proxied hosts."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, Home
from tests.lab import TIMEOUT_S, Host, until
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
    both.process.wait(TIMEOUT_S)
    left = ndpbr(home.router, "show")
    ndpbr(home.router, "flush", "--state-dir", str(both.state))
    nothing = ndpbr(home.router, "show")

    assert left.stdout.splitlines() == [f"{LAN} lan0 -> lan1 wan0", f"{LAN2} lan1 -> lan0 wan0"]
    assert left.stderr == "ndpbr is not running; these 8 entries are left over (ndpbr flush)\n"
    assert (nothing.stdout, nothing.stderr) == ("", "ndpbr is not running and nothing is proxied\n")
    assert (left.returncode, nothing.returncode) == (3, 3)


def test_show_without_a_host_says_so(home: Home, daemon: Start, ndpbr: Run) -> None:
    """A daemon that has just been started is not taken for one that does not work."""
    daemon(home.router, "wan0", "lan0")
    shown = ndpbr(home.router, "show")

    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "no host is proxied yet\n")


def test_show_json_prints_one_object(home: Home, both: Daemon, ndpbr: Run) -> None:
    """--json prints one object, with the daemon's counters if a daemon answers."""
    with_daemon = json.loads(ndpbr(home.router, "show", "--json", "--state-dir", str(both.state)).stdout)
    without = json.loads(ndpbr(home.router, "show", "--json", "--state-dir", "/run/none").stdout)

    ages = [(host.pop("known_for_s"), host.pop("last_seen_s")) for host in with_daemon["hosts"]]
    assert all(known >= seen >= 0 for known, seen in ages)
    about = {"name": None, "lladdr": home.lan.mac("eth0"), "state": "REACHABLE"}
    assert with_daemon["hosts"][0] == {"address": LAN, "dev": "lan0", "proxies": ["lan1", "wan0"], **about}
    assert without["hosts"][1]["lladdr"] == home.lan2.mac("eth0")
    assert (without["hosts"][1]["known_for_s"], without["daemon"]) == (None, None)
    assert (with_daemon["daemon"]["counters"]["hosts_learned"], with_daemon["daemon"]["counters"]["hosts"]) == (2, 2)


def test_show_json_is_as_documented(home: Home, both: Daemon, ndpbr: Run, names: Path) -> None:
    """The example in docs/log.md has the keys that the program prints, and values of the same types."""
    example = re.search(r"```json\n(.*?)```", (ROOT / "docs/log.md").read_text(), re.DOTALL)
    words = ("show", "--json", "--ping", "--state-dir", str(both.state), "--names", str(names))
    shown = json.loads(ndpbr(home.router, *words).stdout)
    assert example is not None
    documented = json.loads(example.group(1))
    for it in (documented, shown):
        it["daemon"]["counters"]["check_failed"] = list(it["daemon"]["counters"]["check_failed"].values())
    shown["daemon"]["problem"] = shown["daemon"]["problem"] or documented["daemon"]["problem"]

    assert _shape(documented) == _shape(shown)


@pytest.mark.usefixtures("both")
def test_show_ping_prints_round_trip_times(home: Home, ndpbr: Run) -> None:
    """With --ping a host that answers has its round-trip time; one that does not is FAILED."""
    home.lan2.sysctl("net/ipv6/icmp/echo_ignore_all", 1)
    ended = ndpbr(home.router, "show", "--ping")
    answers, drops = ended.stdout.splitlines()

    assert (ended.returncode, ended.stderr) == (1, "2 hosts: 1 answered, 1 failed\n")
    assert re.fullmatch(rf"{LAN} lan0 -> lan1 wan0 \(RTT \d+\.\d\d\d ms\)", answers)
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
    """A terminal (tmux) of some size on a host, and the program in it."""

    def __init__(self, host: Host, folder: Path, columns: int, rows: int, command: Sequence[str]) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("tmux is not installed")
        self._host = host
        self._tmux = ("tmux", "-S", str(folder / "tmux"))
        self._run("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), *command)
        self._run("set", "status", "off")

    def _run(self, *words: str) -> str:
        return self._host.run(*self._tmux, *words, cwd=ROOT).stdout

    def lines(self, *options: str) -> list[str]:
        """Return what is on the screen."""
        return self._run("capture-pane", "-p", *options).rstrip("\n").split("\n")

    def until(self, *texts: str) -> list[str]:
        """Return the lines of the screen when it has all of *texts*."""
        until(lambda: all(text in "\n".join(self.lines()) for text in texts), what=f"the screen has {texts}")
        return self.lines()

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def press(self, key: str) -> None:
        self._run("send-keys", key)

    @property
    def ended(self) -> bool:
        """Whether the program has ended, and tmux with it."""
        return self._host.run(*self._tmux, "list-sessions", cwd=ROOT).returncode != 0


@pytest.fixture
def names(tmp_path: Path, home: Home) -> Path:
    """Return a file with the name of the first host."""
    file = tmp_path / "names"
    file.write_text(f"{home.lan.mac('eth0')} phone\n")
    return file


@pytest.mark.parametrize(("columns", "rows"), [(40, 8), (80, 24), (200, 50)])
def test_watch_in_a_terminal(home: Home, both: Daemon, tmp_path: Path, names: Path, columns: int, rows: int) -> None:
    """Top line, heads, and every host with its state and no cut line; a new host appears; q quits."""
    words = ("show", "--watch", "0.5", "--state-dir", str(both.state), "--names", str(names))
    terminal = Terminal(home.router, tmp_path, columns, rows, (*PROGRAM, *words))
    shown = terminal.until("STATE", "phone", "reachable")
    home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
    claim(home.lan, "2001:db8:64::12")
    later = terminal.until("64::12 ")
    terminal.press("q")

    assert shown[0].startswith("ndpbr ")
    heads = next(line for line in shown if "STATE" in line)
    assert heads.split()[:3] == (["NAME", "IFACE", "ADDRESS"] if columns == 40 else ["NAME", "LLADDR", "IFACE"])
    assert len([line for line in later if re.search("reachable|stale|delay|probe|unverified", line[-60:])]) >= 3
    assert "wan0 up" in " ".join(shown) or columns == 40
    until(lambda: terminal.ended, what="the program has ended")


def test_watch_follows_the_size_of_the_terminal(home: Home, both: Daemon, tmp_path: Path) -> None:
    """After a resize the table has other columns, long before the next interval, and nothing is left of the old."""
    words = ("--color", "never", "show", "--watch", "3600", "--state-dir", str(both.state))
    terminal = Terminal(home.router, tmp_path, 200, 50, (*PROGRAM, *words))
    terminal.until("LLADDR", LAN2)
    terminal.resize(60, 12)
    until(lambda: "LLADDR" not in " ".join(terminal.lines()), what="the table is narrow")
    narrow = terminal.until("STATE", LAN2)
    terminal.resize(200, 50)
    terminal.until("LLADDR", LAN2)
    terminal.press("C-c")

    assert sum("STATE" in line for line in narrow) == 1
    assert len([line for line in narrow if LAN in line]) == 1
    until(lambda: terminal.ended, what="the program has ended")


@pytest.mark.parametrize(("color", "colored"), [("auto", True), ("never", False)])
def test_watch_has_colors(home: Home, both: Daemon, tmp_path: Path, color: str, *, colored: bool) -> None:
    """The state is colored, unless --color never, NO_COLOR or TERM=dumb say otherwise."""
    words = ("--color", color, "show", "--watch", "--state-dir", str(both.state))
    terminal = Terminal(home.router, tmp_path, 80, 24, (*PROGRAM, *words))
    terminal.until("STATE", LAN2)

    assert any("\x1b[" in line for line in terminal.lines("-e")) == colored
    terminal.press("q")


def test_watch_says_what_happens(home: Home, daemon: Start, tmp_path: Path) -> None:
    """An interface that goes down, the last problem, also on 40x8, and a daemon that is gone are at the top."""
    running = daemon(home.router, "wan0", "lan0", "lan1")
    words = ("show", "--watch", "0.5", "--state-dir", str(running.state))
    terminal = Terminal(home.router, tmp_path, 200, 50, (*PROGRAM, *words))
    terminal.until("lan0 up", "0 hosts, 0 reachable")
    home.router.ip("link set lan1 down")
    terminal.until("lan1 DOWN")
    terminal.until("last problem", "check-failed")  # it may come after that of the setting otherwise, and replace it
    home.router.sysctl("net/ipv6/conf/lan0/proxy_ndp", 0)
    terminal.until("last problem", "setting-changed")
    terminal.resize(40, 8)
    small = terminal.until("last problem", "setting-changed")
    running.process.kill()
    terminal.until("no daemon answers")
    terminal.press("q")

    assert max(map(len, small)) <= 40


def test_table_on_a_terminal_and_with_long(home: Home, both: Daemon, ndpbr: Run, tmp_path: Path, names: Path) -> None:
    """A terminal gets the table; --long prints it in a pipe, too."""
    words = ("show", "--state-dir", str(both.state), "--names", str(names))
    shell = ("sh", "-c", '"$@"; exec sleep 60', "sh", *PROGRAM, *words)
    shown = Terminal(home.router, tmp_path, 80, 24, shell).until("STATE", LAN2)
    heads, phone, other = ndpbr(home.router, *words, "--long").stdout.splitlines()

    assert [line.split()[0] for line in shown] == ["NAME", "phone", home.lan2.mac("eth0")]
    assert heads.split() == ["NAME", "LLADDR", "IFACE", "ADDRESS", "STATE", "LAST", "SEEN", "SINCE"]
    assert phone.split()[:4] == ["phone", home.lan.mac("eth0"), "lan0", LAN]
    assert other.split()[:3] == [home.lan2.mac("eth0"), "lan1", LAN2]


@pytest.mark.usefixtures("both")
def test_filters(home: Home, ndpbr: Run, names: Path) -> None:
    """Address, interface, name or lladdr; without a match a sentence and status 1."""
    shown = [
        ndpbr(home.router, "show", word, "--names", str(names)).stdout
        for word in (LAN, "lan0", "phone", home.lan.mac("eth0"))
    ]
    none = ndpbr(home.router, "show", "wan0", "nobody")

    assert set(shown) == {f"{LAN} lan0 -> lan1 wan0\n"}
    assert (none.returncode, none.stdout, none.stderr) == (1, "", "no host matches wan0 nobody\n")


def _shape(value: Any) -> Any:
    """Return the types in *value*; for a list those of its first item."""
    if isinstance(value, dict):
        return {key: _shape(it) for key, it in value.items()}
    if isinstance(value, list):
        return [_shape(it) for it in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
