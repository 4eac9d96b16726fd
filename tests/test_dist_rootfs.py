"""The program in one file, on a router with only busybox, ip and python3."""

from __future__ import annotations

import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.claim import claim
from tests.echo import ask, echo
from tests.home import INET, LAN, Home
from tests.observed import clean, proxies, routes, settings
from tests.program import Daemon
from tests.rootfs import enter


class Bare:
    """The program on the router of a home, in the tests' root file system."""

    def __init__(self, home: Home, root: Path, pyz: Path, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.program = (*enter(root), "/ndpbr.pyz")
        shutil.copy(pyz, root / "ndpbr.pyz")
        # The same path inside and outside.
        Path(f"{root}{folder}").mkdir(parents=True)

    def start(self, *options: str) -> Daemon:
        """Return the daemon when it is ready."""
        running = Daemon(self.home.router, *options, "wan0", "lan0", folder=self.folder, program=self.program)
        running.wait_for("started")
        return running

    def ndpbr(self, *argv: str) -> CompletedProcess[str]:
        """Run a command; return its result."""
        return self.home.router.run(*self.program, "--pidfile", f"{self.folder}/ndpbr.pid", *argv)


@pytest.fixture
def bare(home: Home, bare_root: Path, pyz: Path, tmp_path: Path) -> Bare:
    """Return the program on its router."""
    return Bare(home, bare_root, pyz, tmp_path)


def test_first_datagram_is_answered_and_shown(bare: Bare) -> None:
    """A new host's first datagram is answered; show lists it with its round-trip time."""
    echo(bare.home.inet, delay=0.02)
    running = bare.start()

    assert ask(bare.home.lan, INET, timeout=10.0) is not None
    running.wait_for("host-learned", address=LAN)
    assert f"{LAN} lan0 -> wan0\n" in bare.ndpbr("show").stdout
    assert f"{LAN} lan0 -> wan0 (RTT " in bare.ndpbr("show", "--ping").stdout


def test_kill_leaves_nothing(bare: Bare) -> None:
    """After `ndpbr kill` the router's tables and settings are as before."""
    before = settings(bare.home.router, "wan0", "lan0")
    running = bare.start()
    claim(bare.home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    ended = bare.ndpbr("kill")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert running.process.wait(10) == 0
    assert clean(bare.home.router)
    assert settings(bare.home.router, "wan0", "lan0") == before


def test_flush_removes_what_a_killed_daemon_left(bare: Bare) -> None:
    """After SIGKILL `ndpbr flush` removes the daemon's entries."""
    running = bare.start()
    claim(bare.home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    running.process.kill()
    running.process.wait(10)
    left = proxies(bare.home.router) | routes(bare.home.router)
    ended = bare.ndpbr("flush")

    assert left == {f"{LAN} dev wan0 proto 135", f"{LAN} dev lan0 proto 135"}
    assert ended.returncode == 0, ended.stderr
    assert clean(bare.home.router)
