"""`ndpbr refresh`: MLD reports for a switch that forgets groups; the server's addresses are not changed."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.echo import ask, echo
from tests.lab import TIMEOUT_S, Host, Lab, until
from tests.mld import Reports
from tests.program import NET_RAW, PROGRAM, ROOT, Daemon, without
from tests.snooping_bridge import snooping_bridge, stays_found

MODEM, FIXED, TIMED, SHARING = "2001:db8:64::1", "2001:db8:64::77", "2001:db8:64::88", "2001:db8:64:0:0:ff:fe00:10b"
Refresh = Callable[..., Daemon]


@dataclass(frozen=True, slots=True)
class Net:
    """A modem and a home server, both on the one /64."""

    modem: Host
    server: Host


@pytest.fixture
def net(lab: Lab) -> Net:
    """Return both, the server with addresses of every kind; one shares its group with the link-local address."""
    it = Net(lab.host("modem"), lab.host("server"))
    lab.link(it.modem, "lan0", it.server, "eth0")
    it.server.sysctl("net/ipv6/conf/eth0/use_tempaddr", 2)
    it.modem.lay("link set lan0 up", f"address add {MODEM}/64 dev lan0 nodad")
    it.server.lay(
        "link set eth0 up",
        f"address add {FIXED}/64 dev eth0 nodad noprefixroute",
        f"address add {TIMED}/64 dev eth0 nodad valid_lft 6000 preferred_lft 3000",
        # mngtmpaddr makes the kernel add a temporary address.
        f"address add {SHARING}/64 dev eth0 nodad valid_lft 9000 preferred_lft 8000 mngtmpaddr",
        f"route add 2001:db8:99::/64 via {MODEM} src {FIXED}",
        f"route add default via {MODEM} dev eth0",
    )
    return it


@pytest.fixture
def refresh(net: Net, tmp_path: Path) -> Refresh:
    """Return a function that starts the program on the server, and waits until it has started."""

    def start(*argv: str) -> Daemon:
        started = Daemon(net.server, *argv, folder=tmp_path, command="refresh")
        started.wait_for("started")
        return started

    return start


def test_every_address_is_reported_and_none_is_touched(net: Net, refresh: Refresh, tmp_path: Path) -> None:
    """Each group is reported in every interval, while the kernel's monitor prints nothing."""
    monitored = _monitored(net.server, tmp_path / "monitored")
    before = _has(net.server)
    addresses = re.findall(r"inet6 (2001\S+)/64", before)
    with _Connection(net) as tcp, Reports(net.modem, "lan0") as reports:
        running = refresh("eth0", "--interval", "1")
        # The kernel itself reports each group only a few times, when the interface comes up.
        until(
            lambda: all(len(reports.seen(a)) >= 8 for a in addresses),
            what="each group was reported eight times",
        )
        received = {report for a in addresses for report in reports.seen(a)}
        assert running.stop() == 0
        tcp.still_talks()

    assert _has(net.server) == before
    assert monitored() == []
    assert {(r.version, r.routed, r.source) for r in received} == {(2, True, "fe80::ff:fe00:10b")}
    turns = [r["address"] for r in running.logged("address-refreshed")]
    assert (len(set(turns)), turns[:4]) == (4, turns[4:8])
    assert [r["event"] for r in running.log()][-2:] == ["stopping", "stopped"]


def test_snooping_switch_without_a_querier_keeps_the_group(net: Net, refresh: Refresh) -> None:
    """Without refresh the server is found only for seconds; with refresh it stays reachable."""
    bridge = snooping_bridge(net.modem, "lan0", MODEM)
    echo(net.server)

    def found() -> float | None:
        net.modem.ip(f"-6 neigh flush dev {bridge}")
        return ask(net.modem, FIXED, timeout=0.9)

    until(lambda: found() is None, what="the switch has forgotten")
    running = refresh("eth0", "--interval", "1")
    until(lambda: _refreshed(running) >= 4, what="four reports are sent")

    stays_found(found)


def test_sigkill_leaves_everything_in_place(net: Net, refresh: Refresh) -> None:
    """After SIGKILL the addresses, the routes and a connection are unchanged, and the next start works."""
    before = _has(net.server)
    with _Connection(net) as tcp:
        for _ in range(3):
            running = refresh("eth0", "--interval", "1")
            running.wait_for("address-refreshed")
            running.process.send_signal(signal.SIGKILL)
            assert running.process.wait(TIMEOUT_S) == -signal.SIGKILL
            assert _has(net.server) == before
            tcp.still_talks()


def test_interface_that_is_missing_is_waited_for(net: Net, refresh: Refresh) -> None:
    """A missing interface is logged once; when it is back, its addresses are announced again."""
    running = refresh("eth0", "--interval", "1")
    assert running.wait_for("address-refreshed")["level"] == "info"
    net.server.ip("link set eth0 name away")
    failed = running.wait_for("refresh-failed", dev="eth0")
    net.server.ip("link set away name eth0")
    ended = running.wait_for("refresh-failed", dev="eth0", ended=True)

    assert (failed["level"], ended["level"]) == ("warning", "info")
    assert failed["error"] == 'the addresses of eth0 could not be read: Device "eth0" does not exist.'


def test_mldv1_is_used_where_the_kernel_uses_it(net: Net, refresh: Refresh) -> None:
    """For a switch that supports only MLDv1, the administrator sets force_mld_version."""
    net.server.sysctl("net/ipv6/conf/eth0/force_mld_version", 1)
    with Reports(net.modem, "lan0") as reports:
        refresh("eth0", "--interval", "1")
        # Two of them may be the kernel's.
        until(
            lambda: [r.version for r in reports.seen(FIXED)].count(1) >= 4,
            what="MLDv1 reports are received",
        )

        assert all(report.routed for report in reports.seen(FIXED))


def test_one_refresh_per_interface(net: Net, refresh: Refresh, ndpbr: Run) -> None:
    """A second refresh of the same interface exits, and names the pid of the first."""
    running = refresh("eth0")
    second = ndpbr(net.server, "refresh", "eth0")

    assert (second.returncode, second.stdout) == (1, "")
    sentence = f"ndpbr: the refresh of eth0 is already in use by another ndpbr, pid {running.process.pid}\n"
    assert second.stderr == sentence


def test_refresh_requires_net_raw(net: Net) -> None:
    """Without CAP_NET_RAW the program ends with one sentence."""
    ended = net.server.run(*without(NET_RAW), *PROGRAM, "refresh", "eth0", cwd=ROOT)

    assert (ended.returncode, ended.stderr) == (1, "ndpbr: sending ICMPv6 messages requires root or CAP_NET_RAW\n")


class _Connection:
    """A TCP connection from the modem to the server's temporary address, which is lost most easily."""

    def __init__(self, net: Net) -> None:
        temporary = until(lambda: re.search(r"inet6 (\S+)/64 scope global temporary", _has(net.server)))
        assert temporary is not None
        with net.server.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM)) as listener:
            listener.bind((temporary.group(1), 0))
            listener.listen()
            self._modem = net.modem.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
            self._modem.settimeout(10.0)
            self._modem.connect(listener.getsockname()[:2])
            self._server, _ = listener.accept()
            self._server.settimeout(10.0)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._modem.close()
        self._server.close()

    def still_talks(self) -> None:
        """Send a word each way."""
        for one, other in ((self._modem, self._server), (self._server, self._modem)):
            one.sendall(b"word")
            assert other.recv(4) == b"word"


def _has(host: Host) -> str:
    """Return the server's addresses with their flags, and its routes, without the lifetimes, which change."""
    lines = host.ip("-6 -o address show dev eth0").splitlines() + host.ip("-6 route show").splitlines()
    return "\n".join(re.sub(r"\d+sec", "", line) for line in lines)


def _monitored(host: Host, file: Path) -> Callable[[], list[str]]:
    """Return a function that returns the monitor's lines about addresses and routes from now on."""
    with file.open("w") as output:
        host.spawn("ip", "-6", "-o", "monitor", "address", "route", stdout=output)

    def marked(address: str) -> bool:
        """Whether the monitor has printed a discard-only address that is set now."""
        host.ip(f"address replace {address}/128 dev lo")
        return address in file.read_text()

    def lines() -> list[str]:
        until(lambda: marked("100::2"), what="the monitor has printed everything")
        return [line for line in file.read_text().splitlines() if "100::" not in line]

    until(lambda: marked("100::1"), what="the monitor listens")
    return lines


def _refreshed(running: Daemon) -> int:
    return sum(record["event"] == "address-refreshed" for record in running.log())
