"""The tests need no root: a user's own namespaces are enough, if the kernel allows them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.program import ROOT

TEST = "tests/test_e2e_learn.py::test_first_datagram_of_a_new_host_is_answered"
# PR_CAPBSET_DROP: 21 is CAP_SYS_ADMIN, 12 CAP_NET_ADMIN.  Root keeps what the map of its own user takes.
WITHOUT_RIGHTS = """import ctypes, os, sys
for capability in (12, 21):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
NOBODY = """import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.usefixtures("lab")  # skips where even root cannot lay one
@pytest.mark.parametrize("become", [NOBODY, WITHOUT_RIGHTS], ids=["nobody", "root-without-rights"])
def test_lab_and_daemon_work_without_root(become: str) -> None:
    """For a user, and for root without capabilities, the lab works and the first datagram is answered."""
    probe = _as(become, sys.executable, "-c", "print('here')")
    if probe.returncode:
        pytest.skip(f"nobody cannot be, or cannot run this Python ({probe.stderr.strip().splitlines()[-1]})")
    inner = _as(become, "tests/isolated", "/bin/sh", "-c", "echo ${NDPBR_NO_NAMESPACES:-}")
    if reason := inner.stdout.strip():
        pytest.skip(reason)
    pytest_words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST)
    ended = _as(become, "tests/isolated", *pytest_words)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "in namespaces: 1 ran" in ended.stdout


def _as(become: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Return how a program ended that was run from the repository with reduced privileges."""
    environment = {**os.environ, "NDPBR_REQUIRE_NAMESPACES": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    program, *rest = argv
    path = program if program.startswith("/") else str(ROOT / program)
    words = [sys.executable, "-c", become, path, *rest]
    return subprocess.run(words, capture_output=True, text=True, timeout=60.0, check=False, cwd=ROOT, env=environment)
