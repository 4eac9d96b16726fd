"""Fixtures: a lab, the home, the program in it.  And a count at the end of the tests which need a kernel."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

import pytest
from hypothesis import settings

from ndpbr_py.config import HOSTS_FILE
from tests import packed, program, rootfs
from tests.effort import examples
from tests.home import Home
from tests.home import home as lay_home
from tests.lab import TIMEOUT_S, Host, Lab, can_lay

# No test passes or fails by the time it takes: a busy machine is no bug.
settings.register_profile("ndpbr", deadline=None, max_examples=examples(100))
settings.load_profile("ndpbr")

# A shell that runs the suite in the background has SIGINT ignored, and every program that a test starts inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Run(Protocol):
    """``ndpbr(host, "show")``."""

    def __call__(self, host: Host, *argv: str, timeout: float = TIMEOUT_S) -> CompletedProcess[str]: ...


class Start(Protocol):
    """``daemon(host, "wan0", "lan0")``; with ``ready=False`` it does not wait for the event "started"."""

    def __call__(self, host: Host, *argv: str, ready: bool = True) -> program.Daemon: ...


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return an empty lab."""
    if reason := can_lay():
        pytest.skip(reason)
    with Lab() as laid:
        yield laid
    shutil.rmtree(HOSTS_FILE.parent, ignore_errors=True)  # tests/isolated has its own; with it doctor expects a daemon


@pytest.fixture
def home(lab: Lab) -> Home:
    """Return the standard situation."""
    return lay_home(lab)


@pytest.fixture
def ndpbr(lab: Lab) -> Run:
    """Return a function that runs the program on a host, and returns how it ended."""
    return program.ndpbr


@pytest.fixture
def daemon(lab: Lab, tmp_path: Path) -> Start:
    """Return a function that starts the daemon on a host; all of a test's daemons share pid file and state."""

    def start(host: Host, *argv: str, ready: bool = True) -> program.Daemon:
        started = program.Daemon(host, *argv, folder=tmp_path)
        if ready:
            started.wait_for("started")
        return started

    return start


@pytest.fixture(scope="session")
def bare_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root file system as bare as a router's."""
    if reason := can_lay() or rootfs.cannot_build():
        pytest.skip(reason)
    root = tmp_path_factory.mktemp("bare") / "root"
    rootfs.build(root)
    return root


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program in one file, with bytecode for each Python of this machine."""
    if reason := packed.cannot_build():
        pytest.skip(reason)
    return packed.build(tmp_path_factory.mktemp("pyz") / "ndpbr.pyz", *packed.pythons().values())


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the products of `make dist`."""
    if reason := packed.cannot_build():
        pytest.skip(reason)
    return packed.make_dist(tmp_path_factory.mktemp("built") / "a", umask=0o022, seed="1", age=0)


# Tests with any of these stay on one worker of pytest-xdist, so that what takes long is made once.
MADE_ONCE = {"bare_root", "built", "pyz"}
# Started before all others, so that no worker is left with them at the end.
LONGEST_TESTS = (
    "test_fault_random",
    "test_proxy_property",
    "test_dist",
    "test_fault_kill",
    "test_fault_growth",
    "test_fault_ip",
)


@pytest.hookimpl(tryfirst=True)  # before pytest makes the folder
def pytest_configure(config: pytest.Config) -> None:
    """Have an isolated worker of pytest-xdist keep its files in its own /run, which goes when it ends."""
    if hasattr(config, "workerinput") and os.environ.get("NDPBR_ISOLATED") == "1":
        config.option.basetemp = None


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that lays a lab, and those that share what is made once; put the longest tests first."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "lab" in names or "bare_root" in names:
            item.add_marker("namespaces")
        if not MADE_ONCE.isdisjoint(names):
            item.add_marker(pytest.mark.xdist_group("made-once"))
    items.sort(
        key=lambda item: LONGEST_TESTS.index(item.path.stem) if item.path.stem in LONGEST_TESTS else len(LONGEST_TESTS)
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that should have used the kernel and did not."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    ran, skipped = _counts(reporter)
    if os.environ.get("NDPBR_REQUIRE_NAMESPACES") == "1" and skipped and not ran:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests the kernel took part in; the reasons why others did not are in pytest's own summary."""
    ran, skipped = _counts(terminalreporter)
    if ran or skipped:
        terminalreporter.write_line(f"in namespaces: {ran} ran{f', {skipped} skipped' if skipped else ''}")


def _counts(reporter: Any) -> tuple[int, int]:
    def tests_that(*ends: str) -> set[str]:
        reports = [report for end in ends for report in (reporter.stats.get(end, []) if reporter else [])]
        return {report.nodeid for report in reports if "namespaces" in getattr(report, "keywords", ())}

    return len(tests_that("passed", "failed", "error", "xfailed", "xpassed")), len(tests_that("skipped"))
