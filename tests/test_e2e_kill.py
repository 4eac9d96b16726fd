"""`ndpbr kill` stops the running daemon, waits for its clean-up, and signals no other program."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S
from tests.observed import clean, settings


def test_kill_returns_when_the_daemon_has_cleaned_up(home: Home, daemon: Start, ndpbr: Run) -> None:
    """When kill returns, no entry is left, every setting is restored, and the pid file is gone."""
    before = settings(home.router, "wan0", "lan0")
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    killed = ndpbr(home.router, "--pidfile", str(running.pidfile), "kill")

    assert (killed.returncode, killed.stdout, killed.stderr) == (0, "", "")
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before
    assert not running.pidfile.exists()
    assert running.process.wait(TIMEOUT_S) == 0


def test_kill_says_that_none_runs(home: Home, ndpbr: Run, tmp_path: Path) -> None:
    """Without a pid file kill fails with one sentence."""
    pidfile = tmp_path / "none.pid"
    killed = ndpbr(home.router, "--pidfile", str(pidfile), "kill")

    assert (killed.returncode, killed.stdout) == (1, "")
    assert killed.stderr == f"ndpbr: ndpbr is not running (no process holds {pidfile})\n"


def test_pid_file_of_a_crashed_daemon_is_stale(home: Home, daemon: Start, ndpbr: Run) -> None:
    """The pid file of a killed daemon does not count as a running daemon."""
    running = daemon(home.router, "wan0", "lan0")
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(TIMEOUT_S)
    killed = ndpbr(home.router, "--pidfile", str(running.pidfile), "kill")

    assert running.pidfile.exists()
    assert killed.returncode == 1
    assert "ndpbr is not running" in killed.stderr


def test_process_with_a_stale_pid_is_not_signalled(home: Home, ndpbr: Run, tmp_path: Path) -> None:
    """If the pid in the file belongs to another program now, kill does not signal it."""
    other = home.router.spawn("sleep", "600")
    pidfile = tmp_path / "stale.pid"
    pidfile.write_text(f"{other.pid}\n")
    killed = ndpbr(home.router, "--pidfile", str(pidfile), "kill")

    assert killed.returncode == 1
    assert "ndpbr is not running" in killed.stderr
    assert other.poll() is None


def test_stale_pid_file_does_not_keep_a_daemon_from_starting(home: Home, daemon: Start, tmp_path: Path) -> None:
    """A daemon takes over a stale pid file, whatever it contains, and removes it at its end."""
    (tmp_path / "ndpbr.pid").write_text("1\nand a longer line than a number\n")
    running = daemon(home.router, "wan0", "lan0")

    assert running.pidfile.read_text() == f"{running.process.pid}\n"
    assert running.stop() == 0
    assert not running.pidfile.exists()
