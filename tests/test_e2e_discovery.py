"""A rebooted router finds silent hosts again: remembered hosts, and hosts that answer the all-nodes ping."""

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
from tests.lab import TIMEOUT_S, until
from tests.observed import clean, neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
SOON = ("--expire-interval", "50")  # makes the daemon check its hosts often


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_silent_server_is_reached_after_a_reboot(home: Home, daemon: Start, *, killed: bool) -> None:
    """A silent server is reachable from outside, although the router's tables were empty."""
    echo(home.lan)
    first = _learned(home, daemon)
    if killed:
        until(lambda: LAN in _file(first), what="the host is in the hosts file")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(TIMEOUT_S)
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
    """A server with a new lladdr is found: the remembered lladdr does not matter."""
    assert _learned(home, daemon).stop() == 0
    _reboot(home)
    home.lan.ip("link set eth0 address 02:00:00:00:99:99")

    assert (
        daemon(home.router, "--discover", *DEVS).wait_for("host-learned", address=LAN)["lladdr"] == "02:00:00:00:99:99"
    )


def test_absent_server_gets_no_entries(home: Home, daemon: Start) -> None:
    """A remembered host that does not answer gets no entries, and stays remembered for the next start."""
    shorten_neighbor_timers(home.router, "lan0")
    first = _learned(home, daemon)
    assert first.stop() == 0
    _reboot(home)
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    second = daemon(home.router, "--discover", *DEVS)
    second.wait_for("lookup-started", address=LAN, reason="remembered")
    second.wait_for("lookup-failed", address=LAN, dev="lan0")

    assert not any(LAN in entry for entry in proxies(home.router) | routes(home.router))
    assert second.stop() == 0
    assert LAN in _file(second)


def test_silent_hosts_are_found_by_the_all_nodes_ping(home: Home, daemon: Start) -> None:
    """Hosts with an on-link prefix, and hosts that send everything to the router, answer the all-nodes ping."""
    home.lan2.lay(f"address del {LAN2}/64 dev eth0", f"address add {LAN2}/128 dev eth0 nodad")
    home.lan2.ip("route replace default via fe80::1 dev eth0")
    echo(home.lan)
    running = daemon(home.router, "--discover", *DEVS)
    for address, dev in ((LAN, "lan0"), (LAN2, "lan1")):
        assert running.wait_for("host-learned", address=address)["dev"] == dev

    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert {(r["dev"], r["source"]) for r in running.log() if r["event"] == "all-nodes-ping-sent"} == {
        ("lan0", ROUTER),
        ("lan1", ROUTER),
    }
    # The provider's link gets no ping.
    assert not [r for r in running.log() if r["event"] == "lookup-started" and r["address"] == MODEM]
    assert running.stop() == 0
    assert clean(home.router)


def test_hosts_are_probed_when_the_prefix_appears(home: Home, daemon: Start) -> None:
    """If the router gets its address after the start, remembered hosts and the LANs are probed then."""
    home.router.ip(f"address del {ROUTER}/64 dev wan0")
    (file := _files(home, daemon)).write_text(f"# ndpbr\n{LAN} lan0\n")
    home.lan.sysctl("net/ipv6/icmp/echo_ignore_multicast", 1)
    running = daemon(home.router, "--discover", *DEVS)
    running.wait_for("discovery-started", remembered=1)
    home.router.ip(f"address add {ROUTER}/64 dev wan0 nodad")
    home.router.ip(f"route replace default via {MODEM} dev wan0")
    running.wait_for("host-learned", address=LAN)
    running.wait_for("host-learned", address=LAN2)

    lookups = {(r["address"], r["reason"]) for r in running.log() if r["event"] == "lookup-started"}
    assert {it for it in lookups if it[1] != "first-sight"} == {
        (LAN, "remembered"),
        (LAN2, "answered-echo"),
    }
    assert file.exists()


def test_no_discover_probes_and_remembers_no_host(home: Home, daemon: Start) -> None:
    """With --no-discover a host is learned from its packets, and none is written to the hosts file."""
    running = daemon(home.router, *SOON, "--discover", "--no-discover", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert running.stop() == 0
    assert not {"discovery-started", "all-nodes-ping-sent"} & {r["event"] for r in running.log()}
    assert neighbor(home.router, LAN2, "lan1") == ""
    assert not running.hosts.exists()


def test_only_eligible_addresses_of_the_file_are_probed(home: Home, daemon: Start) -> None:
    """Garbage in the hosts file, and addresses that no host can have, are skipped."""
    _ignore_multicast_pings(home)
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
    # An address that is not eligible yet may be when the provider's prefix appears.
    assert [line.split()[0] for line in file.read_text().splitlines()[1:]] == [
        "2001:db8:64::1",
        "2001:db8:64::2",
        LAN,
        "2001:4860:4860::8888",
    ]


def test_file_of_another_program_is_not_changed(home: Home, daemon: Start) -> None:
    """If --hosts-file names another program's file by mistake, that file is not changed."""
    file = _files(home, daemon)
    file.write_text("127.0.0.1 localhost\n::1 localhost\n")
    running = _learned(home, daemon)

    assert running.wait_for("hosts-file-unreadable")["error"] == f"{file} belongs to another program"
    assert running.stop() == 0
    assert file.read_text() == "127.0.0.1 localhost\n::1 localhost\n"


def test_pipe_or_link_in_place_of_the_file(home: Home, daemon: Start) -> None:
    """A pipe does not block the daemon, and a link is not followed; the hosts file replaces them."""
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
    assert [_file_events(running) for running in (first, second)] == [[], ["hosts-file-unreadable"]]


@pytest.mark.parametrize("disk", ["-o ro", "-o size=4k", None], ids=["read-only", "full", "directory"])
def test_unwritable_file_is_a_warning(home: Home, daemon: Start, disk: str | None) -> None:
    """On a read-only or full disk, or with a directory in its place, the daemon works, and warns."""
    file = _files(home, daemon)
    if disk is None:
        file.mkdir()
    else:
        subprocess.run(["mount", "-t", "tmpfs", *disk.split(), "tmpfs", file.parent], check=True)
        if disk == "-o size=4k":
            (file.parent / "ballast").write_bytes(bytes(4096))
    try:
        running = _learned(home, daemon)
        until(lambda: "hosts-file-unwritable" in _file_events(running), what="the daemon has tried to write")
        claim(home.lan2, LAN2)
        running.wait_for("host-verified", address=LAN2)

        assert running.stop() == 0
        assert _file_events(running) == (["hosts-file-unreadable"] if disk is None else []) + ["hosts-file-unwritable"]
        assert LAN.encode() not in b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
        assert clean(home.router)
    finally:
        if disk is not None:
            subprocess.run(["umount", "-l", file.parent], check=True)


def _files(home: Home, daemon: Start) -> Path:
    """Return the path of the hosts file of this test's daemons, in a new directory."""
    running = daemon(home.router, *DEVS)
    assert running.stop() == 0
    running.hosts.parent.mkdir()
    return running.hosts


def _learned(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified the LAN host from its packets, and will remember it."""
    _ignore_multicast_pings(home)
    running = daemon(home.router, *SOON, "--discover", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("discovery-started")
    running.wait_for("host-verified", address=LAN)
    return running


def _ignore_multicast_pings(home: Home) -> None:
    """Make all hosts ignore multicast echo requests."""
    for host in (home.lan, home.lan2):
        host.sysctl("net/ipv6/icmp/echo_ignore_multicast", 1)


def _reboot(home: Home) -> None:
    """Empty the router's tables, as a reboot does."""
    home.router.ip("-6 neigh flush proxy proto 135")
    home.router.ip("-6 route flush proto 135")
    for dev in DEVS:
        home.router.ip(f"-6 neigh flush dev {dev}")
    assert clean(home.router)
    assert neighbor(home.router, LAN, "lan0") == ""


def _file(running: Daemon) -> str:
    return running.hosts.read_text() if running.hosts.exists() else ""


def _file_events(running: Daemon) -> list[str]:
    return [r["event"] for r in running.log() if r["event"] in ("hosts-file-unreadable", "hosts-file-unwritable")]
