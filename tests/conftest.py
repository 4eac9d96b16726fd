"""Fixtures: a lab, the home, the program in it.  And a count at the end of the tests which need a kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

import pytest
from hypothesis import settings

from tests import packed, program, rootfs
from tests.home import Home
from tests.home import home as lay_home
from tests.lab import Host, Lab, can_lay

# No test passes or fails by the time it takes: a busy machine is no bug.
settings.register_profile("ndpbr", deadline=None)
settings.load_profile("ndpbr")


class Run(Protocol):
    """``ndpbr(host, "show")``."""

    def __call__(self, host: Host, *argv: str, timeout: float = 30.0) -> CompletedProcess[str]: ...


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


@pytest.fixture
def home(lab: Lab) -> Home:
    """Return the standard situation."""
    return lay_home(lab)


@pytest.fixture
def ndpbr(lab: Lab) -> Run:
    """Return what runs the program on a host and says how it ended."""
    return program.ndpbr


@pytest.fixture
def daemon(lab: Lab, tmp_path: Path) -> Start:
    """Return what starts the daemon on a host; all of a test's daemons share pid file and state."""

    def start(host: Host, *argv: str, ready: bool = True) -> program.Daemon:
        started = program.Daemon(host, *argv, folder=tmp_path)
        if ready:
            started.wait_for("started", timeout=10.0)
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


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that lays a lab."""
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker("namespaces")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that should have used the kernel and did not."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    ran, skipped = _counts(reporter)
    if os.environ.get("NDPBR_REQUIRE_NAMESPACES") == "1" and skipped and not ran:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests the kernel took part in."""
    ran, skipped = _counts(terminalreporter)
    if ran or skipped:
        why = f", {skipped} skipped: {can_lay() or 'see above'}" if skipped else ""
        terminalreporter.write_line(f"in namespaces: {ran} ran{why}")


def _counts(reporter: Any) -> tuple[int, int]:
    def tests_that(*ends: str) -> set[str]:
        reports = [report for end in ends for report in (reporter.stats.get(end, []) if reporter else [])]
        return {report.nodeid for report in reports if "namespaces" in getattr(report, "keywords", ())}

    return len(tests_that("passed", "failed", "error", "xfailed", "xpassed")), len(tests_that("skipped"))
