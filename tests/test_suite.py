"""The test suite itself: what it says and how it ends where namespaces cannot be made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT

SERIAL = ("tests/isolated", sys.executable, "-m", "pytest")
PARALLEL = (sys.executable, "-m", "pytest", "--tx", f"popen//python=tests/isolated {sys.executable}", "--dist", "load")
GROUPED = """
import pytest

@pytest.mark.parametrize("number", range(6))
@pytest.mark.xdist_group("one")
def test_number(number):
    pass
"""


@pytest.mark.parametrize("runner", [SERIAL, PARALLEL], ids=["alone", "parallel"])
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


def test_tests_of_a_group_stay_on_one_worker(tmp_path: Path) -> None:
    """Fixtures that are made once are not made by each worker; pytest-xdist does not say if it cannot group."""
    pytest.importorskip("xdist")
    (tmp_path / "test_group.py").write_text(GROUPED)
    words = (
        *SERIAL[1:],
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
        "--tx",
        "2*popen",
        "--dist",
        "loadgroup",
        "-v",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
    )
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(set(re.findall(r"^\[(gw\d+)\]", ended.stdout, re.MULTILINE))) == 1
