"""What lies under /run: links in the way, settings of interfaces that are away, a second daemon's files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, until
from tests.observed import proxies, routes, settings
from tests.program import PROGRAM, ROOT, Daemon

DEVS = ("wan0", "lan0")
PROXY = f"{LAN} dev wan0 proto 135"
ALL = "net/ipv6/conf/all/proxy_ndp"


def test_pid_file_that_is_a_link_is_refused(home: Home, daemon: Start, ndpbr: Run, tmp_path: Path) -> None:
    """A link in the place of the pid file is an error: what it leads to is neither written nor read."""
    before = settings(home.router, *DEVS)
    victim = tmp_path / "victim"
    victim.write_text("1\n")
    (tmp_path / "ndpbr.pid").symlink_to(victim)
    words = ("--pidfile", str(tmp_path / "ndpbr.pid"))
    refused = [
        ndpbr(home.router, *words, "run", "--state-dir", str(tmp_path / "state"), *DEVS),
        ndpbr(home.router, *words, "kill"),
    ]

    assert [(ended.returncode, ended.stderr.count("\n")) for ended in refused] == [(1, 1), (1, 1)]
    assert victim.read_text() == "1\n"
    assert settings(home.router, *DEVS) == before


def test_settings_file_that_is_a_link_is_not_followed(home: Home, daemon: Start, tmp_path: Path) -> None:
    """The file of the values found is neither read nor written through a link."""
    before = settings(home.router, *DEVS)
    victim = tmp_path / "victim"
    kernel = f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.stat('/run/netns/router').st_ino}"
    index = home.router.inside(lambda: socket.if_nametoindex(DEVS[0]))
    forged = json.dumps({"version": 1, "kernel": kernel, "original": {index: {"neigh/{}/proxy_delay": "4711"}}})
    victim.write_text(forged)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "settings-135.json").symlink_to(victim)

    assert daemon(home.router, *DEVS).stop() == 0
    assert settings(home.router, *DEVS) == before
    assert victim.read_text() == forged


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_settings_of_a_renamed_interface_are_restored(home: Home, daemon: Start, number: signal.Signals) -> None:
    """An interface that was renamed gets back what was found, at the stop or, after a crash, from the next run."""
    before = settings(home.router, *DEVS)
    running = daemon(home.router, *DEVS)
    home.router.lay("link set lan0 down", "link set lan0 name old0", "link set old0 up")
    running.process.send_signal(number)
    running.process.wait(10.0)
    if number == signal.SIGKILL:
        assert daemon(home.router, "wan0", "lan1").stop() == 0

    renamed = {path.replace("/lan0/", "/old0/"): value for path, value in before.items()}
    assert settings(home.router, "wan0", "old0") == renamed
    assert not (running.state / "settings-135.json").exists()


def test_settings_of_a_hidden_name_are_restored_after_a_crash(home: Home, daemon: Start) -> None:
    """An interface whose name begins with a dot may be listed, and the next run restores what a killed one found."""
    home.router.lay("link set lan0 down", "link set lan0 name .lan", "link set .lan up")
    devs = ("wan0", ".lan")
    before = settings(home.router, *devs)
    running = daemon(home.router, *devs)
    running.process.kill()
    running.process.wait(10.0)

    assert daemon(home.router, *devs).stop() == 0
    assert settings(home.router, *devs) == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the first stops first", "the second stops first"])
def test_last_instance_restores_what_both_need(home: Home, tmp_path: Path, order: tuple[int, int]) -> None:
    """conf/all/proxy_ndp stays on while one of two instances runs; the last restores the value found."""
    before = settings(home.router, "wan0", "lan0", "lan1")
    home.router.lay("link add wan1 type veth peer name wan1p", "link set wan1 up")
    instances = [_instance(home, tmp_path, 0, "wan0", "lan0"), _instance(home, tmp_path, 1, "wan1", "lan1")]
    first, last = (instances[number] for number in order)
    first_devs = ("wan0", "lan0") if order[0] == 0 else ("lan1",)

    assert first.stop() == 0
    between = settings(home.router, *first_devs)
    assert between.pop(ALL) == "1"
    assert between == {path: before[path] for path in between}
    assert home.router.sysctl(f"net/ipv6/conf/{'lan1' if order[0] == 0 else 'lan0'}/proxy_ndp") == "1"
    assert last.stop() == 0
    assert settings(home.router, "wan0", "lan0", "lan1") == before


def test_flush_while_another_instance_runs_says_what_stays(home: Home, tmp_path: Path, ndpbr: Run) -> None:
    """Only the crashed instance knows the value found of conf/all: a flush after the other's stop restores it."""
    before = settings(home.router, "wan0", "lan0", "lan1")
    crashed = _instance(home, tmp_path, 0, "wan0", "lan0")
    crashed.process.kill()
    crashed.process.wait(TIMEOUT_S)
    other = _instance(home, tmp_path, 1, "lan1", "wan1")
    flushed = ndpbr(home.router, "flush", "--state-dir", str(crashed.state))
    between = settings(home.router, "wan0", "lan0")

    assert (flushed.returncode, flushed.stderr) == (
        0,
        "ndpbr: conf/all/proxy_ndp stays on, because another ndpbr needs it; flush again when that has stopped\n",
    )
    assert between == {**{path: before[path] for path in between}, ALL: "1"}
    assert other.stop() == 0
    again = ndpbr(home.router, "flush", "--state-dir", str(crashed.state))
    assert (again.returncode, again.stderr) == (0, "")
    assert settings(home.router, "wan0", "lan0", "lan1") == before


@pytest.mark.parametrize("order", ["kept first", "kept last"])
def test_original_value_outlives_an_instance_that_keeps_its_settings(home: Home, tmp_path: Path, order: str) -> None:
    """One instance stops with --keep, another one without: the settings are all restored once the first is back."""
    before = settings(home.router, "wan0", "lan0", "lan1")
    kept = _instance(home, tmp_path, 0, "--keep", "wan0", "lan0")
    other = _instance(home, tmp_path, 1, "lan1", "wan1")
    claim(home.lan, LAN)
    kept.wait_for("host-verified", address=LAN)
    for instance in (kept, other) if order == "kept first" else (other, kept):
        assert instance.stop() == 0
    assert {PROXY} <= proxies(home.router)
    assert home.router.sysctl("net/ipv6/conf/wan0/proxy_ndp") == "1"
    back = _instance(home, tmp_path, 0, "wan0", "lan0")
    assert home.router.sysctl(ALL) == "1"

    assert back.stop() == 0
    assert settings(home.router, "wan0", "lan0", "lan1") == before
    assert proxies(home.router) == set()


def test_second_daemon_needs_a_state_directory_of_its_own(
    home: Home, daemon: Start, ndpbr: Run, tmp_path: Path
) -> None:
    """Else `show` would ask the wrong one: it is refused with one sentence, and changes nothing."""
    first = daemon(home.router, *DEVS)
    before = settings(home.router, *DEVS, "lan1")
    words = ("--pidfile", str(tmp_path / "second.pid"), "run", "--state-dir", str(first.state), "--protocol", "136")
    refused = ndpbr(home.router, *words, "lan1", "later0")

    sentence = f"ndpbr: another ndpbr uses {first.state}; for a second instance use another --state-dir\n"
    assert (refused.returncode, refused.stderr) == (1, sentence)
    assert settings(home.router, *DEVS, "lan1") == before


def _instance(home: Home, folder: Path, number: int, *words: str) -> Daemon:
    """Return a running daemon with a protocol number, a pid file, a state directory and a log of its own."""
    own = folder / str(number)
    own.mkdir(exist_ok=True)
    running = Daemon(home.router, "--protocol", str(135 + number), *words, folder=own)
    running.wait_for("started", timeout=10.0)
    return running


def test_second_daemon_needs_interfaces_and_a_tag_of_its_own(
    home: Home, daemon: Start, ndpbr: Run, tmp_path: Path
) -> None:
    """The same protocol number on other interfaces is refused with the pid of the first; another number is not."""
    first = daemon(home.router, *DEVS)
    words = ("--pidfile", str(tmp_path / "second.pid"), "run", "--state-dir", str(tmp_path / "second"))
    refused = ndpbr(home.router, *words, "lan1", "later0")
    second = home.router.spawn(
        *PROGRAM, *words, "--protocol", "136", "lan1", "later0", stderr=subprocess.DEVNULL, cwd=ROOT
    )
    until((tmp_path / "second" / "settings-136.json").exists, what="the second has begun")
    claim(home.lan, LAN)
    until(lambda: PROXY in proxies(home.router), what="the first learns")
    second.terminate()

    assert refused.returncode == 1
    assert refused.stderr == f"ndpbr: protocol 135 is already in use by another ndpbr, pid {first.process.pid}\n"
    assert second.wait(TIMEOUT_S) == 0
    assert PROXY in proxies(home.router)
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
