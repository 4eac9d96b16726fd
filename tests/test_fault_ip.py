"""An ip(8) that cannot be started, or never ends: the daemon still cleans up."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, Host, until
from tests.observed import clean, proxies, routes, settings
from tests.program import PROGRAM, ROOT, children

DEVS = ("wan0", "lan0")
# Each process is the real ip, but a batch that receives a route command does nothing more, and never ends.
STUCK = """#!/bin/sh
case "$*" in *-batch*) ;; *) exec {ip} "$@" ;; esac
count=0
while read -r words; do
    count=$((count + 1))
    case "$words" in
        "route add "*) sleep 1000 ;;
        @*) printf 'Object "%s" is unknown, try "ip help".\\nCommand failed -:%s\\n' "$words" "$count" >&2 ;;
        *) {ip} -6 $words || exit ;;
    esac
done
"""
# The real ip, but its first two commands `flush` fail.
FAILS_TWICE = """#!/bin/sh
case "$*" in *flush*)
    for n in 1 2; do [ -e "$0.$n" ] || {{ touch "$0.$n"; exit 1; }}; done ;;
esac
exec {ip} "$@"
"""
HANGS_AT_THE_STOP = """#!/bin/sh
case "$*" in *flush*) touch "$0.hangs"; exec sleep 1000 ;; esac
exec {ip} "$@"
"""
# The real ip, unless a file beside it says otherwise.
BROKEN = """#!/bin/sh
if [ -e "$0.broken" ]; then
    HOW
fi
exec {ip} "$@"
"""
GARBAGE = r"""printf '\377\n2001:db8:64::11 dev lan0 FAI\ngarbage dev lan0 lladdr\n\0'; echo '@' >&2; exit 0"""
PASSED_ON = '#!/bin/sh\nexec {ip} "$@"\n'


class Running:
    """A daemon whose ip(8) is a script of the test."""

    def __init__(self, host: Host, folder: Path, script: str, *before: str) -> None:
        (folder / "bin").mkdir()
        self.ip = folder / "bin" / "ip"
        self.ip.write_text(script.format(ip=shutil.which("ip")))
        self.ip.chmod(0o755)
        self._log = folder / "log"
        words = (
            "--log-format",
            "json",
            "-v",
            "--pidfile",
            str(folder / "pid"),
            "run",
            "--no-discover",
            "--state-dir",
            str(folder),
        )
        shell = 'PATH="$0:$PATH"; exec "$@"'
        with self._log.open("w") as log:
            self.process = host.spawn(
                "sh", "-c", shell, str(self.ip.parent), *before, *PROGRAM, *words, *DEVS, stderr=log, cwd=ROOT
            )

    def events(self) -> list[str]:
        """Return the names of the events logged so far."""
        return [json.loads(line)["event"] for line in self.text().splitlines() if line.startswith("{")]

    def text(self) -> str:
        """Return the whole log."""
        return self._log.read_text()


def test_signal_stops_a_daemon_whose_first_batch_hangs(home: Home, tmp_path: Path) -> None:
    """A daemon whose `ip -batch` hangs during startup stops on SIGTERM, and restores everything."""
    before = settings(home.router, *DEVS)
    home.router.ip(f"-6 neigh add {LAN} lladdr {home.lan.mac('eth0')} dev lan0 nud permanent")
    running = Running(home.router, tmp_path, STUCK)
    until(lambda: "host-learned" in running.events(), what="the host is learned")
    running.process.terminate()

    assert running.process.wait(TIMEOUT_S) == 0
    assert "started" not in running.events()
    assert running.events()[-1] == "stopped"
    assert settings(home.router, *DEVS) == before


def test_settings_are_restored_without_ip(home: Home, tmp_path: Path) -> None:
    """If ip stays missing at stop, the entries that remain are logged, the settings restored, and the status is 1."""
    before = settings(home.router, *DEVS)
    running = Running(home.router, tmp_path, PASSED_ON)
    until(lambda: "started" in running.events(), what="the daemon has started")
    running.ip.chmod(0o644)
    running.process.terminate()

    assert running.process.wait(TIMEOUT_S) == 1
    events = running.events()
    assert events.count("flush-failed") == 2
    assert max(n for n, event in enumerate(events) if event == "setting-restored") < events.index("flush-failed")
    assert events[-1] == "stopped"
    last = running.text().splitlines()[-1]
    assert last == "ndpbr: not all entries could be removed; `ndpbr flush` removes them"
    assert settings(home.router, *DEVS) == before


def test_settings_are_restored_before_an_ip_that_hangs(home: Home, tmp_path: Path) -> None:
    """A service manager that kills the daemon while ip hangs at the stop finds them restored."""
    before = settings(home.router, *DEVS)
    running = Running(home.router, tmp_path, HANGS_AT_THE_STOP)
    until(lambda: "started" in running.events(), what="the daemon has started")
    running.process.terminate()
    until((tmp_path / "bin/ip.hangs").exists, what="ip hangs")

    assert settings(home.router, *DEVS) == before
    assert "stopped" not in running.events()
    running.process.kill()


def test_commands_that_fail_at_the_stop_are_repeated(home: Home, tmp_path: Path) -> None:
    """If ip cannot be used for a moment at stop, everything is cleaned up nevertheless."""
    running = Running(home.router, tmp_path, FAILS_TWICE)
    until(lambda: "started" in running.events(), what="the daemon has started")
    claim(home.lan, LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is learned")
    running.process.terminate()

    assert running.process.wait(TIMEOUT_S) == 0
    assert "flush-failed" not in running.events()
    assert clean(home.router)


@pytest.mark.parametrize(
    ("how", "event"),
    [("exec sleep 1000", "monitor-unresponsive"), ("exit 1", "read-failed"), (GARBAGE, "read-failed")],
    ids=["hangs", "fails", "garbage"],
)
def test_ip_that_is_broken_for_a_while_loses_no_host(home: Home, tmp_path: Path, how: str, event: str) -> None:
    """Each process that starts hangs, fails or prints garbage; when ip works again, old and new hosts are served."""
    before = settings(home.router, *DEVS)
    new = "2001:db8:64::12"
    home.lan.ip(f"address add {new}/64 dev eth0 nodad")
    running = Running(home.router, tmp_path, BROKEN.replace("HOW", how))
    until(lambda: "started" in running.events(), what="the daemon has started")
    claim(home.lan, LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is learned")
    broken = running.ip.with_name("ip.broken")
    broken.touch()
    for child in children(running.process.pid):
        os.kill(child, signal.SIGKILL)
    claim(home.lan, new)
    running.process.send_signal(signal.SIGHUP)
    until(lambda: event in running.events(), 20, what="the daemon has noticed")
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    broken.unlink()
    entries = {f"{address} dev wan0 proto 135" for address in (LAN, new)}
    until(lambda: entries <= proxies(home.router), what="both hosts are served")
    running.process.terminate()

    assert running.process.wait(TIMEOUT_S) == 0
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_reason_for_giving_up_is_in_the_log(home: Home, tmp_path: Path) -> None:
    """If the daemon lacks the right to change this namespace, a record says so before it cleans up."""
    unshare = ("unshare", "-U", "-r")
    if home.router.run(*unshare, "true").returncode != 0:
        pytest.skip("no user namespaces here")
    before = settings(home.router, *DEVS)
    running = Running(home.router, tmp_path, PASSED_ON, *unshare)

    assert running.process.wait(TIMEOUT_S) == 1
    events = running.events()
    assert "failed" in events
    assert events.index("failed") < events.index("stopped")
    assert running.text().splitlines()[-1].startswith("ndpbr: ")
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_daemon_works_without_markers(home: Home, tmp_path: Path) -> None:
    """If `lo` refuses the marker neighbor, the daemon logs that once, and learns hosts."""
    home.router.sysctl("net/ipv6/conf/lo/disable_ipv6", 1)
    running = Running(home.router, tmp_path, PASSED_ON)
    until(lambda: "started" in running.events(), what="the daemon has started")
    claim(home.lan, LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is learned")
    running.process.terminate()

    assert running.process.wait(TIMEOUT_S) == 0
    assert running.events().count("marker-refused") == 1
    assert "monitor-unresponsive" not in running.events()


def test_hundreds_of_hosts_are_pinged(home: Home, ndpbr: Run) -> None:
    """More hosts than the kernel queues answers for all get their times, with silent hosts among them."""
    hosts = [f"2001:db8:64::{number:x}" for number in range(0x1000, 0x1000 + 500)]
    silent = [f"2001:db8:64::{number:x}" for number in range(0x2000, 0x2000 + 20)]
    home.lan.lay(*(f"address add {address}/128 dev eth0 nodad" for address in hosts))
    home.router.lay(
        *(f"route add {address}/128 dev lan0 proto 135" for address in (*hosts, *silent)),
        *(f"neigh add proxy {address} dev wan0 proto 135" for address in (*hosts, *silent)),
    )
    assert len(proxies(home.router)) == len(hosts) + len(silent)
    shown = ndpbr(home.router, "show", "--ping", "--json")
    rtts = {host["address"]: host["rtt_ms"] for host in json.loads(shown.stdout)["hosts"]}

    assert [address for address in hosts if rtts[address] is None] == []
    assert [address for address in silent if rtts[address] is not None] == []


@pytest.mark.parametrize("words", [("show",), ("show", "--json")])
def test_output_that_cannot_be_written_is_one_sentence(home: Home, words: tuple[str, ...]) -> None:
    """On a full disk the user gets one sentence, and nothing else."""
    home.router.lay(f"route add {LAN}/128 dev lan0 proto 135", f"neigh add proxy {LAN} dev wan0 proto 135")
    shell = 'unset PYTHONUNBUFFERED; exec "$@" >/dev/full'
    ended: subprocess.CompletedProcess[str] = home.router.run("sh", "-c", shell, "sh", *PROGRAM, *words, cwd=ROOT)

    assert (ended.returncode, ended.stderr) == (
        1,
        f"ndpbr: standard output could not be written: {os.strerror(errno.ENOSPC)}\n",
    )
