"""bench/raised: the limits of the neighbor table are raised while a command runs, and restored after the last one."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.program import ROOT

ORIGINAL = ("128", "512", "1024")
RAISED = ("65536",) * 3


class Limits:
    """Three files in the place of the kernel's, and where the script saves what was in them."""

    def __init__(self, folder: Path) -> None:
        self.files = [folder / f"gc_thresh{number}" for number in (1, 2, 3)]
        for file, value in zip(self.files, ORIGINAL, strict=True):
            file.write_text(f"{value}\n")
        self.environment = {**os.environ, "NDPBR_LIMITS": str(folder), "NDPBR_SAVED": str(folder / "saved")}

    def now(self) -> tuple[str, ...]:
        """Return the three limits."""
        return tuple(file.read_text().strip() for file in self.files)

    def run(self) -> subprocess.Popen[str]:
        """Start a run; return when its command runs, which ends with its standard input."""
        words = (str(ROOT / "bench/raised"), "sh", "-c", "echo; cat; exit 3")
        it = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        assert it.stdout is not None
        assert it.stdout.readline() == "\n"
        return it


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    """Return limits of their own."""
    return Limits(tmp_path)


def ended(run: subprocess.Popen[str]) -> int:
    """End the command of *run*; return the exit status."""
    run.communicate()
    return run.returncode


def test_limits_are_raised_while_the_command_runs(limits: Limits) -> None:
    """The limits are as before when the command has ended, and its exit status is passed on."""
    run = limits.run()

    assert limits.now() == RAISED
    assert ended(run) == 3
    assert limits.now() == ORIGINAL


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first-ends-first", "second-ends-first"])
def test_last_of_several_runs_restores_the_limits(limits: Limits, order: tuple[int, int]) -> None:
    """The second run must not take the raised limits for the original ones."""
    runs = [limits.run(), limits.run()]

    ended(runs[order[0]])
    assert limits.now() == RAISED
    ended(runs[order[1]])
    assert limits.now() == ORIGINAL


def test_run_that_is_interrupted_restores_the_limits(limits: Limits) -> None:
    """Ctrl-C reaches the command, too."""
    run = limits.run()
    os.killpg(run.pid, signal.SIGINT)

    assert ended(run) == 130
    assert limits.now() == ORIGINAL


def test_next_run_restores_what_a_killed_one_left(limits: Limits) -> None:
    """The limits that were saved first count."""
    run = limits.run()
    os.killpg(run.pid, signal.SIGKILL)
    ended(run)

    assert limits.now() == RAISED
    ended(limits.run())
    assert limits.now() == ORIGINAL


def test_command_runs_where_the_limits_cannot_be_raised(limits: Limits) -> None:
    """As in a container, which does not see them."""
    limits.files[2].unlink()
    words = (str(ROOT / "bench/raised"), "echo", "here")
    done = subprocess.run(words, env=limits.environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "here\n")
    assert "cannot be raised" in done.stderr
