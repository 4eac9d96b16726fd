"""PATH -> the ip(8) of iproute2."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import program
from tests.scripts import script

BUSYBOX = 'echo "BusyBox v1.35.0 (Debian) multi-call binary." >&2; exit 1'
VERSIONS = {
    "ip utility, iproute2-6.1.0, libbpf 1.1.2": ((6, 1), "6.1.0", True, True),
    "ip utility, iproute2-7.1.0": ((7, 1), "7.1.0", True, True),
    "ip utility, iproute2-5.16.0": ((5, 16), "5.16.0", True, True),
    "ip utility, iproute2-5.15.0, libbpf 0.5.0": ((5, 15), "5.15.0", False, True),
    "ip utility, iproute2-5.3.0": ((5, 3), "5.3.0", False, True),
    "ip utility, iproute2-ss4.20.0": ((4, 20), "4.20.0", False, False),
    "ip utility, iproute2-6.10-rc1": ((6, 10), "6.10-rc1", True, True),
}


@pytest.mark.parametrize(("output", "known"), VERSIONS.items())
def test_features_follow_from_the_version(
    output: str, known: tuple[tuple[int, int], str, bool, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output of `ip -V` of any version is understood."""
    path = script(tmp_path, f"echo '{output}'")
    monkeypatch.setenv("PATH", str(tmp_path))

    found = program.find()

    assert found.path == path
    assert (found.version, found.text, found.has_use, found.has_numeric) == known


def test_busybox_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If busybox's ip comes first on PATH, iproute2's is found behind it."""
    for name in ("busybox", "iproute2"):
        (tmp_path / name).mkdir()
    script(tmp_path / "busybox", BUSYBOX)
    path = script(tmp_path / "iproute2", "echo 'ip utility, iproute2-6.1.0'")
    monkeypatch.setenv("PATH", f"{tmp_path}/busybox::{tmp_path}/none:{tmp_path}/iproute2")

    assert program.find().path == path


def test_ip_that_cannot_be_executed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the first ip on PATH is for another processor, the next one is used; if there is none, the error says why."""
    for name in ("broken", "iproute2"):
        (tmp_path / name).mkdir()
    broken = Path(script(tmp_path / "broken"))
    broken.write_bytes(b"\x7fELF\x02\x01\x01")
    path = script(tmp_path / "iproute2", "echo 'ip utility, iproute2-6.1.0'")
    monkeypatch.setenv("PATH", f"{tmp_path}/broken:{tmp_path}/iproute2")
    found = program.find("").path
    monkeypatch.setenv("PATH", f"{tmp_path}/broken")
    with pytest.raises(NdpbrError) as error:
        program.find("")

    assert found == path
    assert str(error.value).startswith(f"{broken} could not be started: ")
    assert os.strerror(errno.ENOEXEC) in str(error.value) and "  " not in str(error.value)


def test_busybox_only_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which package is expected, and what was found instead."""
    path = script(tmp_path, BUSYBOX)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NdpbrError) as error:
        program.find("")

    expected = "ndpbr needs the ip command of the iproute2 package"
    assert str(error.value) == f"{expected}, got {path}, which is another (busybox's?)"
