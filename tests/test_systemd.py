"""The unit under real systemd on the lab's router: its sandbox allows what the daemon needs, and no more."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.claim import claim
from tests.echo import ask, echo
from tests.home import INET, LAN, Home
from tests.lab import until
from tests.observed import clean, proxies, settings
from tests.program import ROOT
from tests.systemd import Systemd, booted

UNIT = ROOT / "packaging/systemd/ndpbr.service"
TWO = 'interfaces="wan0 lan0"'
NET_ADMIN_AND_RAW = f"{1 << 12 | 1 << 13:016x}"


@pytest.fixture
def router(home: Home, tmp_path: Path) -> Iterator[Systemd]:
    """Return the home's router, booted by systemd."""
    with booted(home.router, tmp_path / "groups") as it:
        yield it


def test_unit_serves_and_leaves_nothing(home: Home, router: Systemd) -> None:
    """With two capabilities and no root the unit answers a first datagram; a stop cleans up."""
    before = settings(home.router, "wan0", "lan0")
    echo(home.inet, delay=0.02)
    _start(router, f'{TWO}\nlog_options="--log-level debug"')
    status = (router.root / "proc" / router.shown("MainPID") / "status").read_text()
    rights = dict(line.split(":\t", 1) for line in status.splitlines())

    assert ask(home.lan, INET, timeout=10.0) is not None
    assert "0" not in rights["Uid"].split()
    assert {rights[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {NET_ADMIN_AND_RAW}
    assert (rights["NoNewPrivs"], rights["Seccomp"]) == ("1", "2")
    assert router.run("ps", "-o", "ni=", "-p", router.shown("MainPID")).stdout.strip() == "-10"
    shown, second = router.run("ndpbr", "show"), router.run("ndpbr", "run", "wan0", "lan0")
    assert shown.returncode == 0
    assert f"{LAN} lan0 -> wan0\n" in shown.stdout
    assert second.returncode == 1
    assert "protocol 135 is already in use by another ndpbr" in second.stdout
    assert "a daemon runs, and will put its entries back" in router.run("ndpbr", "flush").stdout
    assert settings(home.router, "wan0", "lan0") != before
    assert router.systemctl("stop", "ndpbr").returncode == 0
    assert router.shown("Result") == "success"
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before
    assert list((router.run_folder / "private/ndpbr").iterdir()) == []
    assert "event=monitor-unfiltered" not in router.log()
    warnings = [line for line in router.log().splitlines() if "level=warning" in line]
    assert [it for it in warnings if "event=host-repaired" not in it] == []  # after the flush


def test_killed_daemon_is_started_again_and_adopts(home: Home, router: Systemd) -> None:
    """After kill -9 the next daemon adopts the entries and the saved settings."""
    before = settings(home.router, "wan0", "lan0")
    _start(router)
    claim(home.lan, LAN)
    router.wait_for(f"event=host-learned address={LAN}")
    router.run("kill", "-KILL", router.shown("MainPID"))
    router.wait_for("event=started", 2)

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert [int(hosts) > 0 for hosts in re.findall(r"event=started .*\bhosts=(\d+)", router.log())] == [False, True]
    router.systemctl("stop", "ndpbr")
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before


@pytest.mark.parametrize("announced", [False, True])
def test_restart(home: Home, router: Systemd, announced: bool) -> None:
    """A restart cleans up, and the next daemon finds the hosts; after SIGUSR2 no packet of a known host is lost."""
    echo(home.lan)
    _start(router)
    claim(home.lan, LAN)
    until(lambda: ask(home.inet, LAN), what="the host is reached")
    if announced:
        words = ("kill", "--kill-who=main", "--signal=USR2", "ndpbr")
        until(lambda: router.systemctl(*words).returncode == 0, what="systemd has sent the signal")
    restarting = Thread(target=router.systemctl, args=("restart", "ndpbr"))
    restarting.start()
    answers = []
    while restarting.is_alive() or router.log().count("event=started") < 2:
        answers.append(ask(home.inet, LAN, timeout=10.0 if announced else 0.5))
    restarting.join()

    assert f"entries_removed={'false' if announced else 'true'}" in router.log()
    assert announced is (None not in answers)
    until(lambda: ask(home.inet, LAN), what="the host is reached again")


def test_reload_reads_the_tables(home: Home, router: Systemd) -> None:
    """A flushed entry is restored after a reload."""
    _start(router, f'{TWO}\nrun_options="--resync-interval 86400"')
    claim(home.lan, LAN)
    until(lambda: proxies(home.router), what="the host is learned")
    home.router.ip("-6 neigh flush proxy")

    assert router.systemctl("reload", "ndpbr").returncode == 0
    until(lambda: proxies(home.router), what="the host is answered for once more")


def test_wrong_configuration_is_not_tried_again(router: Systemd) -> None:
    """A mistake in the configuration ends the unit with one sentence, without a restart."""
    router.configure('interfaces="wan0"')
    router.systemctl("start", "ndpbr")
    until(lambda: router.shown("ActiveState") == "failed", what="the unit has failed")

    assert (router.shown("ExecMainStatus"), router.shown("NRestarts")) == ("2", "0")
    assert router.log() == "ndpbr: run needs at least two interfaces, for example: ndpbr run wan0 lan0\n"


def test_kill_is_no_failure(home: Home, router: Systemd) -> None:
    """`ndpbr kill` ends the unit like a stop; systemd restarts it only after a failure."""
    _start(router)
    without = router.run("ndpbr", "kill")
    assert without.returncode == 1
    assert without.stdout.startswith("ndpbr: no process holds /run/ndpbr.pid, but ndpbr runs: stop its service, or ")
    killed = router.run("ndpbr", "--pidfile", "/run/ndpbr/ndpbr.pid", "kill")
    until(lambda: router.shown("ActiveState") == "inactive", what="the unit has ended")

    assert (killed.returncode, killed.stdout) == (0, "")
    assert router.shown("Result") == "success"
    assert clean(home.router)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze not installed")
def test_unit_stays_sandboxed() -> None:
    """systemd rates the sandbox 2.3 of 10, where less is better; other versions may differ."""
    words = ("systemd-analyze", "security", "--offline=yes", "--threshold=25", str(UNIT))
    judged = subprocess.run(words, capture_output=True, text=True, check=False)

    assert judged.returncode == 0, judged.stdout


def test_pattern_in_the_environment_file(home: Home, router: Systemd) -> None:
    """systemd passes it unexpanded, also where a file in the working directory matches, too."""
    (router.run_folder / "here").mkdir()
    (router.run_folder / "here/lan9").touch()
    drop_in = router.root / "lib/systemd/system/ndpbr.service.d/here.conf"
    drop_in.write_text("[Service]\nWorkingDirectory=/run/here\n")
    assert router.systemctl("daemon-reload").returncode == 0
    _start(router, 'interfaces="wan0 lan*"')
    pid = router.shown("MainPID")
    assert os.readlink(router.root / "proc" / pid / "cwd") == "/run/here"
    claim(home.lan, LAN)

    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is proxied")


def _start(router: Systemd, text: str = TWO) -> None:
    """Start the unit and wait until the daemon is ready."""
    router.configure(text)
    assert router.systemctl("start", "ndpbr").returncode == 0
    router.wait_for("event=started")
