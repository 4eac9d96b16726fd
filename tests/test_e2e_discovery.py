"""A router that was rebooted finds its silent hosts again: those remembered, and those that answer an echo request."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, LAN2, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import clean, hasten, neighbor, proxies, routes
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
SOON = ("--expire-interval", "50")  # the daemon looks at the clock twice a second


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_silent_server_is_reached_after_a_reboot(home: Home, daemon: Start, *, killed: bool) -> None:
    """A server that has not spoken since is reached from outside, although the router's tables were empty."""
    echo(home.lan)
    first = _learned(home, daemon)
    if killed:
        until(lambda: LAN in _file(first), what="the host is written down")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(5.0)
    else:
        assert first.stop() == 0
    _reboot(home)
    second = daemon(home.router, "--discover", *DEVS)
    learned = second.wait_for("host-learned", address=LAN)

    assert f"{LAN} lan0 {home.lan.mac('eth0')}\n" in _file(first)
    assert (learned["dev"], learned["reason"]) == ("lan0", "reachable")
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert second.wait_for("discovery-started")["remembered"] == 1


def test_server_with_another_network_card_is_found_after_a_reboot(home: Home, daemon: Start) -> None:
    """The lladdr that was written down is of no account."""
    assert _learned(home, daemon).stop() == 0
    _reboot(home)
    home.lan.ip("link set eth0 address 02:00:00:00:99:99")

    assert (
        daemon(home.router, "--discover", *DEVS).wait_for("host-learned", address=LAN)["lladdr"] == "02:00:00:00:99:99"
    )


def test_server_that_is_gone_gets_nothing(home: Home, daemon: Start) -> None:
    """Who is remembered, and does not answer, has no entries, and is still remembered for the next start."""
    hasten(home.router, "lan0")
    first = _learned(home, daemon)
    assert first.stop() == 0
    _reboot(home)
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    second = daemon(home.router, "--discover", *DEVS)
    second.wait_for("lookup-started", address=LAN, reason="remembered")
    until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), what="the kernel has asked for it in vain")

    assert not any(LAN in entry for entry in proxies(home.router) | routes(home.router))
    assert second.stop() == 0
    assert LAN in _file(second)


def test_hosts_that_never_spoke_are_found(home: Home, daemon: Start) -> None:
    """Everybody on each LAN is asked once: a host on the same prefix, and one that goes through the router, answer."""
    home.lan2.lay(f"address del {LAN2}/64 dev eth0", f"address add {LAN2}/128 dev eth0 nodad")
    home.lan2.ip("route replace default via fe80::1 dev eth0")
    echo(home.lan)
    running = daemon(home.router, "--discover", *DEVS)
    for address, dev in ((LAN, "lan0"), (LAN2, "lan1")):
        assert running.wait_for("host-learned", address=address, timeout=10.0)["dev"] == dev

    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert {(r["dev"], r["source"]) for r in running.log() if r["event"] == "all-nodes-ping-sent"} == {
        ("lan0", ROUTER),
        ("lan1", ROUTER),
    }
    # The provider's side is not asked.
    assert not [r for r in running.log() if r["event"] == "lookup-started" and r["address"] == MODEM]
    assert running.stop() == 0
    assert clean(home.router)


def test_hosts_are_asked_when_the_prefix_comes(home: Home, daemon: Start) -> None:
    """A router gets its address by an advertisement, after the start: then both the file and the link are asked."""
    home.router.ip(f"address del {ROUTER}/64 dev wan0")
    (file := _files(home, daemon)).write_text(f"# ndpbr\n{LAN} lan0\n")
    home.lan.sysctl("net/ipv6/icmp/echo_ignore_multicast", 1)
    running = daemon(home.router, "--discover", *DEVS)
    running.wait_for("discovery-started", remembered=1)
    home.router.ip(f"address add {ROUTER}/64 dev wan0 nodad")
    home.router.ip(f"route replace default via {MODEM} dev wan0")
    running.wait_for("host-learned", address=LAN)
    running.wait_for("host-learned", address=LAN2, timeout=10.0)

    sought = {r["address"]: r["reason"] for r in running.log() if r["event"] == "lookup-started"}
    assert sought == {LAN: "remembered", LAN2: "answered-echo"}
    assert file.exists()


def test_without_sweep_nobody_is_asked(home: Home, daemon: Start) -> None:
    """With --no-discover hosts are learned when they speak, and nothing is written down."""
    running = daemon(home.router, *SOON, "--discover", "--no-discover", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert running.stop() == 0
    assert not {"discovery-started", "all-nodes-ping-sent", "lookup-started"} & {r["event"] for r in running.log()}
    assert neighbor(home.router, LAN2, "lan1") == ""
    assert not running.hosts.exists()


def test_only_addresses_that_count_are_asked(home: Home, daemon: Start) -> None:
    """What a file says is a hint: garbage, and addresses that no host of ours can have, are passed over."""
    _deaf(home)
    file = _files(home, daemon)
    lines = (
        "# ndpbr",
        "2001:4860:4860::8888 lan0",
        f"{ROUTER} lan0",
        f"{MODEM} lan0",
        "ff02::1 lan0",
        "fe80::5 lan0",
        f"{LAN2} eth7 02:00:00:00:00:01",
        f"{LAN} lan0; reboot",
        "x" * 5000,
        f"{LAN} lan0 02:00:00:00:00:01",
    )
    file.write_bytes("\n".join(lines).encode() + b"\n\x00\xff\xfe\n2001:db8:64::9")
    running = daemon(home.router, "--discover", *DEVS)
    running.wait_for("host-learned", address=LAN)

    assert {r["address"] for r in running.log() if r["event"] == "lookup-started"} == {LAN}
    assert running.wait_for("hosts-file-unreadable")["level"] == "warning"
    assert running.stop() == 0
    # An address that does not count yet may do so when the provider's prefix comes.
    assert [line.split()[0] for line in file.read_text().splitlines()[1:]] == [
        "2001:db8:64::1",
        "2001:db8:64::2",
        LAN,
        "2001:4860:4860::8888",
    ]


def test_file_of_another_program_is_left_alone(home: Home, daemon: Start) -> None:
    """A path that was a mistake does not cost the user his file."""
    file = _files(home, daemon)
    file.write_text("127.0.0.1 localhost\n::1 localhost\n")
    running = _learned(home, daemon)

    assert running.wait_for("hosts-file-unreadable")["error"] == f"{file} belongs to another program"
    assert running.stop() == 0
    assert file.read_text() == "127.0.0.1 localhost\n::1 localhost\n"


def test_what_is_in_the_place_of_the_file(home: Home, daemon: Start) -> None:
    """A pipe does not keep the daemon waiting, a link is not followed; the file takes their place."""
    file = _files(home, daemon)
    os.mkfifo(file)
    first = _learned(home, daemon)
    assert first.stop() == 0
    written = file.read_text()
    file.unlink()
    file.symlink_to("/dev/zero")
    _reboot(home)
    second = _learned(home, daemon)
    assert second.stop() == 0

    assert LAN in written
    assert (file.read_text(), file.is_symlink()) == (written, False)
    assert [_said(running) for running in (first, second)] == [[], ["hosts-file-unreadable"]]


@pytest.mark.parametrize("disk", ["-o ro", "-o size=4k", None], ids=["read-only", "full", "directory"])
def test_file_that_cannot_be_written_is_said_once(home: Home, daemon: Start, disk: str | None) -> None:
    """On a read-only or full disk, or with a directory in its place, the daemon does its work, and warns."""
    file = _files(home, daemon)
    if disk is None:
        file.mkdir()
    else:
        subprocess.run(["mount", "-t", "tmpfs", *disk.split(), "tmpfs", file.parent], check=True)
        if disk == "-o size=4k":
            (file.parent / "ballast").write_bytes(bytes(4096))
    try:
        running = _learned(home, daemon)
        until(lambda: "hosts-file-unwritable" in _said(running), what="the daemon has tried to write")
        claim(home.lan2, LAN2)
        running.wait_for("host-verified", address=LAN2)

        assert running.stop() == 0
        assert _said(running) == (["hosts-file-unreadable"] if disk is None else []) + ["hosts-file-unwritable"]
        assert LAN.encode() not in b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
        assert clean(home.router)
    finally:
        if disk is not None:
            subprocess.run(["umount", "-l", file.parent], check=True)


def _files(home: Home, daemon: Start) -> Path:
    """Return where the test's daemons have their file, in a directory made now."""
    running = daemon(home.router, *DEVS)
    assert running.stop() == 0
    running.hosts.parent.mkdir()
    return running.hosts


def _learned(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified the LAN host, because it spoke, and will remember it."""
    _deaf(home)
    running = daemon(home.router, *SOON, "--discover", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("discovery-started")
    running.wait_for("host-verified", address=LAN)
    return running


def _deaf(home: Home) -> None:
    """Have no host answer an echo request to everybody."""
    for host in (home.lan, home.lan2):
        host.sysctl("net/ipv6/icmp/echo_ignore_multicast", 1)


def _reboot(home: Home) -> None:
    """Leave the router with the tables that it has after a reboot."""
    home.router.ip("-6 neigh flush proxy proto 135")
    home.router.ip("-6 route flush proto 135")
    for dev in DEVS:
        home.router.ip(f"-6 neigh flush dev {dev}")
    assert clean(home.router)
    assert neighbor(home.router, LAN, "lan0") == ""


def _file(running: Daemon) -> str:
    return running.hosts.read_text() if running.hosts.exists() else ""


def _said(running: Daemon) -> list[str]:
    return [r["event"] for r in running.log() if r["event"] in ("hosts-file-unreadable", "hosts-file-unwritable")]
