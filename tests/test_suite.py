"""The test suite itself: what it says and how it ends where namespaces cannot be made."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.program import ROOT

ALONE = ("tests/isolated", sys.executable, "-m", "pytest")
PARALLEL = (sys.executable, "-m", "pytest", "--tx", f"popen//python=tests/isolated {sys.executable}", "--dist", "load")


@pytest.mark.parametrize("runner", [ALONE, PARALLEL], ids=["alone", "parallel"])
def test_run_without_namespaces_fails_if_they_are_required(runner: tuple[str, ...]) -> None:
    """The tests that need them are skipped, with the reason; the run fails, though no test has."""
    if runner is PARALLEL:
        pytest.importorskip("xdist")
    environment = {**os.environ, "NDPBR_NO_NAMESPACES": "no such luck", "NDPBR_REQUIRE_NAMESPACES": "1"}
    words = (*runner, "-q", "-p", "no:cacheprovider", "tests/test_e2e_forget.py")
    ended = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(r"SKIPPED .* no such luck", ended.stdout)
    assert re.search(r"in namespaces: 0 ran, \d+ skipped", ended.stdout)
