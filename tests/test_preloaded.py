"""A preloaded process is what an executed one would be, as far as the program can tell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import Host, Lab, until
from tests.preloaded import Process
from tests.program import PROGRAM, ROOT, ndpbr

DEVS = ("wan0", "lan0")


def test_output_and_status_are_those_of_an_executed_program(lab: Lab) -> None:
    """Both streams and the exit status, for a command that is done, a mistake, and a command that fails."""
    host = lab.host("router")

    for words in (["--version"], ["nonsense"], ["show", "--state-dir", "/nowhere"]):
        preloaded, executed = ndpbr(host, *words), host.run(*PROGRAM, *words, cwd=ROOT)
        assert (preloaded.returncode, preloaded.stdout) == (executed.returncode, executed.stdout)
        assert preloaded.stderr == executed.stderr


def test_it_is_in_the_host_with_the_environment_of_the_test(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network namespace, its /sys, the folder, the environment; no descriptor but the standard streams."""
    ip = tmp_path / "ip"
    ip.write_text(f'#!/bin/sh\necho "$NDPBR_TEST" >>{tmp_path}/environment\nexec {shutil.which("ip")} "$@"\n')
    ip.chmod(0o755)
    monkeypatch.setenv("NDPBR_TEST", "is set")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    host = _host(lab)
    process = _stays(host, tmp_path)
    own = Path("/proc", str(process.pid))

    until((tmp_path / "environment").exists)
    assert "is set" in (tmp_path / "environment").read_text()
    network = os.stat("/run/netns/router")
    assert os.stat(own / "ns/net").st_ino == network.st_ino
    assert {path.name for path in (own / "root/sys/class/net").iterdir()} == {"lo", *DEVS}
    assert (own / "cwd").resolve() == ROOT
    assert not any("socket" in os.readlink(own / "fd" / number) for number in "012")


def test_signal_and_timeout(lab: Lab, tmp_path: Path) -> None:
    """A process that runs has no status; one that was killed has the signal's; a signal after its end goes nowhere."""
    process = _stays(_host(lab), tmp_path)

    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    process.kill()
    assert process.wait() == process.poll() == -signal.SIGKILL
    process.terminate()


def test_signal_to_a_process_whose_status_is_on_its_way() -> None:
    """The process that forks has waited for it, and the status is not here yet: as if it had ended before."""
    with subprocess.Popen("false") as ended:
        pass
    answer, written = os.pipe()
    os.write(written, ended.pid.to_bytes(4, sys.byteorder))
    process = Process(answer, ())

    process.kill()
    assert process.poll() is None
    os.write(written, (1 << 8).to_bytes(4, sys.byteorder))
    os.close(written)
    assert process.wait() == 1


def _host(lab: Lab) -> Host:
    host = lab.host("router")
    other = lab.host("other")
    for dev in DEVS:
        lab.link(host, dev, other, f"to-{dev}")
        host.ip(f"link set {dev} up")
    return host


def _stays(host: Host, folder: Path) -> Process:
    with (folder / "log").open("w") as log:
        process = host.spawn_preloaded("record", str(folder / "recording"), *DEVS, stdout=None, stderr=log)
    until(lambda: (folder / "recording").exists() or process.poll() is not None)
    assert process.poll() is None, (folder / "log").read_text()
    return process
