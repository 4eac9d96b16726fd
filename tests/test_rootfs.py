"""The tests' root file system has what a small router has, and no more."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab import Host, Lab
from tests.rootfs import copy, enter


@pytest.fixture
def router(lab: Lab) -> Host:
    """Return a host."""
    return lab.host("router")


def test_ip_is_that_of_iproute2(router: Host, bare_root: Path) -> None:
    """The ip on PATH is iproute2's, with all its libraries."""
    assert router.run(*enter(bare_root), "ip", "-V").stdout.startswith("ip utility, iproute2-")


def test_everything_else_is_busybox(router: Host, bare_root: Path) -> None:
    """There is no other shell, ls or ping, and no other program but Python."""
    programs = "find /bin /sbin /usr/bin /usr/sbin ! -type d -exec readlink -f {} \\;"

    assert set(router.run(*enter(bare_root), "sh", "-c", programs).stdout.split()) - {"/sbin/ip"} == {
        "/bin/busybox",
        str((bare_root / "usr/bin/python3").readlink()),
    }


@pytest.mark.parametrize("library", ["sh", "structlog", "pip", "ndpbr_py"])
def test_python_has_no_packages(router: Host, bare_root: Path, library: str) -> None:
    """Python works, without ndpbr's dependencies."""
    ended = router.run(*enter(bare_root), "python3", "-c", f"import asyncio, ctypes, ssl; import {library}")

    assert ended.stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named '{library}'"


def test_commands_run_on_the_host_they_are_given_to(router: Host, bare_root: Path) -> None:
    """Inside, links and settings are those of the host."""
    router.sysctl("net/ipv6/conf/all/forwarding", 1)

    printed = router.run(*enter(bare_root), "sh", "-c", "cat /proc/sys/net/ipv6/conf/all/forwarding; /sbin/ip -o link")
    assert printed.stdout.splitlines()[0] == "1"
    assert [line.split()[1] for line in printed.stdout.splitlines()[1:]] == ["lo:"]


@pytest.mark.parametrize("compiler", ["cc", "musl-gcc"])
def test_program_is_copied_with_its_c_library(router: Host, tmp_path: Path, compiler: str) -> None:
    """A copied program runs in a root that has nothing else, whether it was built for glibc or for musl."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = tmp_path / "hello"
    source = '#include <stdio.h>\nint main(void) { puts("hello"); }'
    subprocess.run([compiler, "-xc", "-", "-o", program], input=source, text=True, check=True)
    root = tmp_path / "root"
    root.mkdir()

    copy(root, str(program), as_path="/hello")

    assert router.run("chroot", str(root), "/hello").stdout == "hello\n"
