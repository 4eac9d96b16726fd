"""`ndpbr record` writes one file from which `ndpbr replay` derives what the daemon did."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, Home
from tests.lab import TIMEOUT_S, Host, until
from tests.observed import shorten_neighbor_timers
from tests.program import PROGRAM, ROOT, Record, without

ABSENT = "2001:db8:64::dead"  # no host's
DEVS = ("wan0", "lan0", "lan1")
DECISIONS = ("host-learned", "host-verified", "host-moved", "host-forgotten")


def test_replay_of_a_recording_decides_what_the_daemon_decided(
    home: Home, daemon: Start, ndpbr: Run, tmp_path: Path
) -> None:
    """Hosts appear, move and leave; the replay has the same decisions, reasons and times."""
    shorten_neighbor_timers(home.router, *DEVS)
    file = tmp_path / "recording"
    recorder = _recording(home.router, str(file))
    until(lambda: file.exists() and "# monitor: " in file.read_text(), what="the recorder has begun")
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)
    claim(home.lan, ABSENT)
    running.wait_for("host-forgotten", address=ABSENT)
    _carry(home, LAN)
    running.wait_for("host-moved", address=LAN)
    running.wait_for("host-verified", address=LAN, dev="lan1")
    logged = _decisions(running.log())
    until(lambda: f"{LAN} dev lan1 lladdr {home.lan.mac('eth0')} REACHABLE" in file.read_text(), what="it is recorded")
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(TIMEOUT_S) == 0
    replayed = ndpbr(home.router, "--log-format", "json", "--log-level", "debug", "replay", str(file))

    assert replayed.returncode == 0, replayed.stderr
    replayed_records = [json.loads(line) for line in replayed.stderr.splitlines()]
    assert _decisions(replayed_records)[: len(logged)] == logged
    assert replayed_records[0]["ts"][:14] <= running.log()[-1]["ts"]
    assert f"ip -6 route add {LAN}/128 dev lan1 proto 135 metric 4096" in replayed.stdout.splitlines()
    assert re.search(r"\n# ended: \[.*\]\n$", file.read_text())


def test_recording_describes_the_machine(home: Home, daemon: Start, tmp_path: Path) -> None:
    """The header has versions, interfaces, settings, tables, and the running daemon's state."""
    home.router.ip(f"-6 neigh replace {LAN} lladdr 02:00:00:00:03:0b dev lan0 nud stale")
    running = daemon(home.router, *DEVS)
    running.wait_for("host-learned", address=LAN)
    done = home.router.run(
        *PROGRAM, "record", "-", "--seconds", "1", "--state-dir", str(running.state), *DEVS, cwd=ROOT
    )
    lines = done.stdout.splitlines()
    values = dict(re.findall(r"^# ([\w/.-]+): (.*)$", done.stdout, re.MULTILINE))

    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "# ndpbr-recording: 1"
    assert values["interfaces"] == "wan0,lan0,lan1"
    assert values["conf/wan0/proxy_ndp"] == "1"
    assert values["conf/all/forwarding"] == "1"
    assert values["iproute2"] in home.router.ip("-V")
    assert values["kernel"].startswith("Linux ")
    assert json.loads(values["daemon"])["counters"]["hosts_learned"] == 1
    assert any(line.startswith(f"# proxy: {LAN} dev wan0 ") for line in lines)
    assert any(line.startswith("# route: 2001:db8:64::/64 dev wan0") for line in lines)
    assert any(line.startswith(f"{LAN} dev lan0 lladdr 02:00:00:00:03:0b ") for line in lines)


def test_record_needs_no_root(home: Home, tmp_path: Path) -> None:
    """A user without any capability can record."""
    file = tmp_path / "recording"
    words = (*PROGRAM, "record", str(file), "--seconds", "1", *DEVS)
    done = home.router.run(*without(*range(41)), *words, cwd=ROOT)

    assert (done.returncode, done.stderr.startswith("recording for 1 s, or until Ctrl-C\n")) == (0, True)
    assert f"{file} is written; attach it to an issue at https" in done.stderr
    assert "# monitor: " in file.read_text()


def test_existing_file_is_not_overwritten(home: Home, ndpbr: Run, tmp_path: Path) -> None:
    """An existing file is not overwritten."""
    file = tmp_path / "recording"
    file.write_text("precious")
    done = ndpbr(home.router, "record", str(file), *DEVS)

    assert (done.returncode, done.stderr) == (1, f"ndpbr: {file} already exists\n")
    assert file.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "why"), [("/dev/full/x", os.strerror(errno.ENOTDIR)), ("/proc/none", os.strerror(errno.ENOENT))]
)
def test_file_that_cannot_be_written(home: Home, ndpbr: Run, name: str, why: str) -> None:
    """One sentence names the file and the reason."""
    done = ndpbr(home.router, "record", name, *DEVS)

    assert (done.returncode, done.stderr) == (1, f"ndpbr: {name} could not be written: {why}\n")


def test_full_disk_ends_the_recording(home: Home) -> None:
    """A recording that cannot be written any more ends with one sentence."""
    words = " ".join((*PROGRAM, "record", "-", *DEVS))
    done = home.router.run("sh", "-c", f"exec {words} > /dev/full", cwd=ROOT)

    assert done.returncode == 1
    assert done.stderr == f"ndpbr: standard output could not be written: {os.strerror(errno.ENOSPC)}\n"


def _recording(host: Host, file: str) -> subprocess.Popen[str]:
    return host.spawn(*PROGRAM, "record", file, *DEVS, cwd=ROOT)


def _carry(home: Home, address: str) -> None:
    """Move a host with its lladdr from the first LAN to the second, and make it send a packet."""
    mac = home.lan.mac("eth0")
    home.lan.ip("link set eth0 down")
    home.lan2.ip(f"link set eth0 address {mac}")
    home.lan2.ip(f"address add {address}/64 dev eth0 nodad")
    claim(home.lan2, address)


def _decisions(records: list[Record]) -> list[tuple[str, ...]]:
    return [
        (r["event"], r["address"], r["dev"], r["reason"], r["lladdr"])
        for r in records
        if r["event"] in DECISIONS and r["address"] in (LAN, LAN2, ABSENT)
    ]
