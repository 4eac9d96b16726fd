"""Where log records go: standard error in each format, and syslog."""

from __future__ import annotations

import platform
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ndpbr_py import __version__
from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, Host, until
from tests.program import LATER, PROGRAM, ROOT, Daemon

LINE = re.compile(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ndpbr\[(\d+)\]: (.*)")
DEVS = ("wan0", "lan0")
DAEMON_INFO = "30"  # facility 3, severity 6


class Syslogd:
    """A syslogd that has its socket in a folder, which hosts see as /dev."""

    def __init__(self, folder: Path) -> None:
        self.dev = folder
        (folder / "null").touch()
        self.lines: list[str] = []
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start receiving, like a new syslogd."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self.dev / "log"))

    def stop(self) -> None:
        """Stop; a connected program gets ECONNREFUSED."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            (self.dev / "log").unlink()

    def received(self) -> list[str]:
        """Return all datagrams received so far."""
        while self._socket is not None:
            try:
                self.lines.append(self._socket.recv(8192).decode())
            except BlockingIOError:
                break
        return self.lines

    def run(self, host: Host, *argv: str) -> subprocess.Popen[str]:
        """Start a program on *host*, with the folder mounted as /dev."""
        mount = 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && exec "$@"'
        return host.spawn("sh", "-c", mount, str(self.dev), *argv, stderr=subprocess.PIPE, cwd=ROOT)


@pytest.fixture
def syslogd(tmp_path: Path) -> Iterator[Syslogd]:
    """Return a syslogd that is not running yet."""
    folder = tmp_path / "dev"
    folder.mkdir()
    it = Syslogd(folder)
    yield it
    it.stop()


def test_syslog_gets_one_short_line_per_record(home: Home, syslogd: Syslogd, tmp_path: Path) -> None:
    """With -l records go to /dev/log, one datagram each, facility daemon, name and pid; stderr is empty."""
    syslogd.start()
    running = syslogd.run(home.router, *_daemon(tmp_path))
    until(lambda: _has_record(syslogd, "event=started"), what="syslog has the start")
    claim(home.lan, LAN)
    until(lambda: _has_record(syslogd, f"event=host-learned address={LAN} dev=lan0"), what="syslog has the host")
    running.terminate()
    _, stderr = running.communicate(timeout=TIMEOUT_S)
    matches = [LINE.fullmatch(line) for line in syslogd.received()]

    assert (running.returncode, stderr) == (0, "")
    assert {match and match.group(2) for match in matches} == {str(running.pid)}
    assert {match and match.group(1) for match in matches} == {DAEMON_INFO}
    assert max(len(line.encode()) for line in syslogd.received()) <= 1000
    assert _has_record(syslogd, "event=stopped")


def test_syslogd_that_reads_short_lines_gets_whole_fields(home: Home, syslogd: Syslogd, tmp_path: Path) -> None:
    """With --syslog-bytes no line is longer, and none is cut inside a field; the fix has a record of its own."""
    syslogd.start()
    home.router.lay("route flush root ::/0", "address flush dev wan0 scope global")
    for dev in ("wan0", "lan0"):
        home.router.sysctl(f"net/ipv6/conf/{dev}/accept_ra", 0)
    running = syslogd.run(home.router, *_daemon(tmp_path, "--syslog-bytes", "150"))
    fix = 'event=fix check=prefix fix="ip -6 address add ADDRESS/64 dev wan0"'
    until(lambda: _has_record(syslogd, fix), what="syslog has the fix")
    running.terminate()
    running.wait(TIMEOUT_S)
    lines = syslogd.received()

    assert max(len(line.encode()) for line in lines) <= 150
    assert all(line.count('"') % 2 == 0 for line in lines)
    assert _has_record(syslogd, "event=stopped")


def test_start_and_stop_are_summaries(home: Home, daemon: Start, tmp_path: Path) -> None:
    """The first record says what was started and how; hosts at the start and at the stop are in it only at debug."""
    claim(home.lan, LAN)
    (tmp_path / "options").write_text("--max-hosts 99  # enough\n")
    running = daemon(home.router, f"@{tmp_path / 'options'}", "--upstream", "wan0", *DEVS)
    running.stop()
    records = running.log()
    first, started, stopped = records[0], running.wait_for("started"), running.wait_for("stopped")

    assert first["event"] == "starting"
    assert (first["version"], first["pid"], first["interfaces"]) == (__version__, running.process.pid, [*DEVS])
    assert (first["python"], first["options"][-4:]) == (platform.python_version(), ["--upstream", "wan0", *DEVS])
    assert first["file_options"] == ["--max-hosts", "99"]
    assert (started["hosts"], started["prefixes"], started["default_routes"]) == (1, ["2001:db8:64::/64"], ["wan0"])
    assert (stopped["hosts"], stopped["entries_removed"]) == (1, True)
    about = [(it["event"], it["level"]) for it in records if it.get("address") == LAN]
    assert [it for it in about if it[0] in ("host-learned", "host-forgotten")] == [
        ("host-learned", "debug"),
        ("host-forgotten", "debug"),
    ]


def test_state_is_logged_once_an_hour(home: Home, tmp_path: Path) -> None:
    """A quiet log is not taken for that of a dead daemon."""
    later = tmp_path / "later"
    words = ("--resync-interval", "1", *DEVS)
    running = Daemon(home.router, *words, folder=tmp_path, program=(*LATER, str(later), "3600"))
    running.wait_for("started")
    before = running.logged("state")
    later.write_bytes(b"1")

    assert before == []
    assert running.wait_for("state")["prefixes"] == ["2001:db8:64::/64"]


def test_syslogd_that_starts_late_or_restarts_loses_nothing(home: Home, syslogd: Syslogd, tmp_path: Path) -> None:
    """Records wait until syslogd is up, at startup and after its restart."""
    running = syslogd.run(home.router, *_daemon(tmp_path))
    until(lambda: (tmp_path / "state" / "settings-135.json").exists(), what="the daemon has begun")
    syslogd.start()
    until(lambda: _has_record(syslogd, "event=started"), what="the queued records are delivered")
    syslogd.stop()
    claim(home.lan, LAN)
    until(lambda: LAN in home.router.ip("-6 route show"), what="the host is learned")
    syslogd.start()

    until(lambda: _has_record(syslogd, f"event=host-learned address={LAN}"), what="the queued records are delivered")
    assert running.poll() is None


def test_refused_start_is_in_syslog_too(home: Home, daemon: Start, syslogd: Syslogd, tmp_path: Path) -> None:
    """The reason of a refused start is in syslog and on standard error."""
    syslogd.start()
    daemon(home.router, "wan0", "lan1")
    refused = syslogd.run(home.router, *_daemon(tmp_path / "second"))
    _, stderr = refused.communicate(timeout=TIMEOUT_S)

    assert refused.returncode == 1
    assert stderr.startswith("ndpbr: protocol 135 is already in use by another ndpbr, pid ")
    assert _has_record(syslogd, 'event=failed error="protocol 135 is already in use by another ndpbr, pid ')


def test_full_log_does_not_stop_the_daemon(home: Home, tmp_path: Path) -> None:
    """A daemon whose standard error no process reads continues to learn, and stops on SIGTERM."""
    words = (*PROGRAM, "-v", "--pidfile", str(tmp_path / "pid"), "run", "--state-dir", str(tmp_path / "state"))
    running = home.router.spawn(*words, "wan0", "lan0", stderr=subprocess.PIPE, cwd=ROOT)
    addresses = [f"2001:db8:64::{number:x}" for number in range(0x1000, 0x1180)]
    until(lambda: (tmp_path / "state" / "settings-135.json").exists(), what="the daemon has begun")
    for number, address in enumerate(addresses):
        claim(home.lan, address, lladdr=f"02:00:00:00:{number // 256 + 16:02x}:{number % 256:02x}")

    until(lambda: addresses[-1] in home.router.ip("-6 route show"), what="the last host is learned")
    running.terminate()
    assert running.wait(TIMEOUT_S) == 0


def test_life_of_a_host_is_one_grep(home: Home, daemon: Start) -> None:
    """Every record and command about a host contains its address in the same form."""
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    running.stop()
    life = [line for line in running.logfile.read_text().splitlines() if LAN in line]
    events = [event for line in life for event in re.findall(r'"event": "([^"]+)"', line)]

    # The modem may have asked before the start, and the other links are asked at first sight.
    others = {"command", "host-advertised", "lookup-started"}
    assert [it for it in events if it not in others] == ["host-learned", "host-verified", "host-forgotten"]
    assert events.count("command") >= 3
    assert "not-a-record" not in {record["event"] for record in running.log()}


@pytest.mark.parametrize("word", ["--log-format=xml", "--log-level=loud"])
def test_unknown_format_or_level_is_refused(home: Home, ndpbr: Run, word: str) -> None:
    """An unknown log format or level is wrong usage."""
    ended = ndpbr(home.router, word, "run", "wan0", "lan0")

    assert ended.returncode == 2
    assert re.fullmatch(r"ndpbr: --log-(format|level): expected one of .*, got '(xml|loud)'\n", ended.stderr)


def _daemon(folder: Path, *words: str) -> tuple[str, ...]:
    # With this interval the daemon tries syslogd again twice a second.
    options = ("--expire-interval", "50", "--state-dir", str(folder / "state"))
    return (*PROGRAM, "-l", *words, "--pidfile", str(folder / "ndpbr.pid"), "run", *options, "wan0", "lan0")


def _has_record(syslogd: Syslogd, words: str) -> bool:
    return any(words in line for line in syslogd.received())
