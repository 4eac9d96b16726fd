"""Each mistake, made on the real kernel: doctor finds it, and its own command fixes it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from ndpbr_py import __version__
from tests.advertise import advertise
from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import INET, LAN, MODEM, ROUTER, Home
from tests.lab import TIMEOUT_S, Host, until
from tests.observed import clean, proxies
from tests.program import NET_ADMIN, PROGRAM, ROOT, with_ip, without

DEVS = ("wan0", "lan0")
PREFIX = "2001:db8:64::/64"
NFT = "table inet fw { chain base { type filter hook %s priority 0; policy %s; %s\n}\n}"
IP6TABLES_RPFILTER = "ip6tables -t raw -A PREROUTING -i lan0 -m rpfilter --invert -j DROP"
DOCKER = """
ip6tables -P FORWARD DROP; ip6tables -N DOCKER-USER; ip6tables -A FORWARD -j DOCKER-USER
ip6tables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
ip6tables -A FORWARD -i docker0 -j ACCEPT
"""
UNACCEPTED = "its policy is drop, and no rule accepts them"
UNROUTED = "packets of hosts without a host route"
Lines = list[tuple[str, str, str | None]]


def examined(host: Host, ndpbr: Run, name: str, *words: str) -> Lines:
    """Return status, detail and fix of the findings of the check *name*."""
    ended = ndpbr(host, "doctor", "--json", *(words or DEVS))
    assert ended.stderr == ""
    checks = json.loads(ended.stdout)["checks"]
    assert ended.returncode == int(any(check["status"] == "fail" for check in checks))
    return [(check["status"], check["detail"], check["fix"]) for check in checks if check["name"] == name]


def fix(host: Host, lines: Lines, **filled: str) -> None:
    """Run the fixes of *lines*, with the words *filled* in that only the user knows."""
    commands = [command for status, _, command in lines if status != "ok"]
    assert commands
    for command in commands:
        assert command is not None
        for word, value in filled.items():
            command = command.replace(word, value)
        # The program is not on PATH where it was not installed.
        function = f'ndpbr() {{ {" ".join(PROGRAM)} "$@"; }}'
        ended = host.run("sh", "-ec", f"{function}\n{command}", cwd=ROOT)
        assert ended.returncode == 0, (command, ended.stderr)


def test_nothing_is_wrong(home: Home, ndpbr: Run) -> None:
    """If nothing is wrong, each check says so on a line of its own, the last line counts, the exit status is 0."""
    ended = ndpbr(home.router, "doctor", *DEVS)
    first, *lines, summary = ended.stdout.splitlines()
    not_ok = [line for line in lines if not line.startswith("ok   ")]

    colored = ndpbr(home.router, "--color", "always", "doctor", *DEVS).stdout

    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.match(r"\x1b\[\d+mwarn\x1b\[m daemon: ", colored)
    assert first == "warn daemon: not running; fix: ndpbr run wan0 lan0"
    assert not_ok == ([] if shutil.which("nft") else ["info firewall: cannot tell: nft is not installed"])
    assert summary == f"{len(lines) + 1} checks: 0 failed, 1 warning"
    assert f"ok   default-route: via {MODEM} dev wan0" in ended.stdout
    assert f"ok   prefix: {PREFIX} is on wan0" in ended.stdout


def test_deprecated_prefix_of_hosts(home: Home, ndpbr: Run, daemon: Start) -> None:
    """The router's address is deprecated while a host is proxied: a warning, until the address is preferred again."""
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.router.ip(f"-6 address change {ROUTER}/64 dev wan0 preferred_lft 0")
    words = ("doctor", "--json", "--state-dir", str(running.state))
    deprecated = json.loads(ndpbr(home.router, *words).stdout)["checks"]
    home.router.ip(f"-6 address change {ROUTER}/64 dev wan0 preferred_lft forever")
    preferred = json.loads(ndpbr(home.router, *words).stdout)["checks"]

    (found,) = (it for it in deprecated if it["name"] == "deprecated-prefix")
    assert found["status"] == "warn"
    assert found["detail"].startswith(
        f"{PREFIX} is deprecated on wan0, and hosts still use it (proxied addresses: 1): "
    )
    assert "deprecated-prefix" not in {it["name"] for it in preferred}


@pytest.mark.parametrize(
    ("broken", "name", "status", "detail"),
    [
        ("sysctl net/ipv6/conf/all/forwarding=0", "forwarding", "fail", "off: no packet is forwarded"),
        ("sysctl net/ipv6/conf/lan0/forwarding=0", "forwarding", "fail", "off on lan0"),
        ("ip link set lan0 down", "interface", "fail", "lan0 is down"),
        ("sysctl net/ipv6/conf/lan0/disable_ipv6=1", "interface", "fail", "IPv6 is disabled on lan0"),
        ("ip -6 route del default", "default-route", "fail", "none"),
        (f"ip -6 address del {ROUTER}/64 dev wan0", "prefix", "fail", "no on-link prefix"),
        ("ip -6 address add 2001:db8:64::3/64 dev lan0 nodad", "prefix", "warn", f"{PREFIX} is on "),
    ],
)
def test_mistake_is_found_and_fixed(home: Home, ndpbr: Run, broken: str, name: str, status: str, detail: str) -> None:
    """The finding says what is wrong; after its fix the same check is ok."""
    assert home.router.run("sh", "-c", broken).returncode == 0
    found = [line for line in examined(home.router, ndpbr, name) if line[0] != "ok"]

    assert [(line[0], line[1].startswith(detail)) for line in found] == [(status, True)]
    fix(home.router, found, GATEWAY=MODEM, ADDRESS=ROUTER)
    assert {line[0] for line in examined(home.router, ndpbr, name)} == {"ok"}


@pytest.mark.parametrize(
    ("path", "value", "detail"),
    [
        ("conf/all/proxy_ndp", 0, "unicast solicitations are not answered"),
        ("conf/lan0/proxy_ndp", 0, "lan0 has proxy_ndp off"),
        ("neigh/wan0/proxy_delay", 80, "wan0 delays its answers by up to 0.8 s"),
    ],
)
def test_settings_of_a_running_daemon(
    home: Home, ndpbr: Run, daemon: Start, path: str, value: int, detail: str
) -> None:
    """The settings are checked only while the daemon runs, which sets them at its start."""
    before = examined(home.router, ndpbr, "proxying")
    running = daemon(home.router, *DEVS)
    set_ = examined(home.router, ndpbr, "proxying")
    running.process.send_signal(signal.SIGSTOP)  # otherwise it may restore the setting first
    home.router.sysctl(f"net/ipv6/{path}", value)
    found = examined(home.router, ndpbr, "proxying")

    assert (before, [line[0] for line in set_]) == ([], ["ok"])
    assert [line[:2] for line in found] == [("fail", detail)]
    fix(home.router, found)
    assert examined(home.router, ndpbr, "proxying") == set_


def test_first_line_is_about_the_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """While a daemon runs the first line has its version, pid, uptime and hosts; after kill -9 the check fails."""
    running = daemon(home.router, *DEVS)
    words = ("doctor", "--state-dir", str(running.state), *DEVS)
    runs = ndpbr(home.router, *words)
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(TIMEOUT_S)
    killed = ndpbr(home.router, *words)

    start = f"ok   daemon: {__version__}, pid {running.process.pid}, up "
    assert runs.stdout.startswith(start), runs.stdout
    assert runs.stdout.splitlines()[0].endswith(", 0 hosts")
    assert killed.stdout.startswith("fail daemon: not running; fix: ndpbr run wan0 lan0\n")
    assert (runs.returncode, killed.returncode) == (0, 1)


def test_port_of_a_bridge(home: Home, ndpbr: Run) -> None:
    """A port of a bridge takes no part in neighbor discovery; the fix lists the bridge instead."""
    home.router.lay("link add br0 type bridge", "link set lan0 master br0", "link set br0 up")
    found = examined(home.router, ndpbr, "interface")
    only_port = examined(home.router, ndpbr, "interface", "lan0")

    assert found[0] == ("fail", "lan0 is a port of br0; use br0 instead", "ndpbr run wan0 br0")
    assert [line[0] for line in examined(home.router, ndpbr, "interface", "wan0", "br0")] == ["ok", "ok"]
    fix(home.router, only_port)
    assert [line[0] for line in examined(home.router, ndpbr, "interface")] == ["ok", "ok"]


def test_missing_and_unfit_interfaces(home: Home, ndpbr: Run) -> None:
    """A missing interface is a failure; one without neighbor discovery, or without a carrier, is a warning."""
    home.router.lay("link add tun9 type veth peer name tun8", "link set tun9 up arp off")
    home.lan2.ip("link set eth0 down")
    found = examined(home.router, ndpbr, "interface", "nosuch0", "tun9", "lan1")

    assert [line[0] for line in found] == ["fail", "warn", "warn"]
    assert found[1][2] == "ndpbr run --static PREFIX%tun9"
    assert [line[1].partition(": hosts there")[0] for line in found] == [
        "nosuch0 does not exist; `run` waits for it",
        "tun9 has no neighbor discovery",
        "lan1 has no carrier: check the cable and the other end",
    ]


def test_many_hosts_of_the_uplink(home: Home, ndpbr: Run) -> None:
    """The neighbors of a rented server: the fix is the option that keeps them out."""
    home.router.lay(*[f"route add 2001:db8:64::1:{n}/128 dev wan0 proto 135" for n in range(32)])
    (line,) = examined(home.router, ndpbr, "upstream")

    assert (line[0], line[2]) == ("warn", "ndpbr run --upstream wan0 wan0 lan0")
    home.router.ip("-6 route del 2001:db8:64::1:0/128")
    assert examined(home.router, ndpbr, "upstream") == []


def test_entry_of_another_program(home: Home, ndpbr: Run) -> None:
    """Where the table sends its address to another link it is right; there is no fix, which would cut off the host."""
    home.router.ip(f"-6 neigh add proxy {LAN} dev wan0")
    before = examined(home.router, ndpbr, "foreign-entries")
    home.router.ip(f"-6 route add {LAN}/128 dev lan0")
    agrees = f"{LAN} dev wan0: another program's, and the routing table agrees with them"

    assert [(line[0], line[2]) for line in before] == [("warn", None)]
    assert examined(home.router, ndpbr, "foreign-entries") == [("ok", agrees, None)]


def test_forwarding_is_turned_on_without_losing_the_default_route(home: Home, ndpbr: Run) -> None:
    """The kernel deletes an advertised default route at that moment, unless accept_ra is 2: the fix sets it first."""
    home.router.sysctl("net/ipv6/conf/all/forwarding", 0)
    home.router.sysctl("net/ipv6/conf/wan0/accept_ra", 1)
    home.router.ip(f"-6 route del default via {MODEM}")
    advertise(home.modem, "lan0")
    until(lambda: "proto ra" in home.router.ip("-6 route show default"), what="the advertised route is there")
    fix(home.router, examined(home.router, ndpbr, "forwarding"))

    assert home.router.sysctl("net/ipv6/conf/all/forwarding") == "1"
    assert "proto ra" in home.router.ip("-6 route show default")


def test_router_advertisements_are_ignored(home: Home, ndpbr: Run) -> None:
    """With accept_ra=1 a router ignores them: it learns no default route, and one that it has will expire."""
    home.router.ip(f"-6 route del default via {MODEM}")
    home.router.sysctl("net/ipv6/conf/wan0/accept_ra", 1)
    advertise(home.modem, "lan0")
    none = examined(home.router, ndpbr, "default-route")

    assert [line[0] for line in none] == ["fail"]
    assert "wan0 ignores router advertisements" in none[0][1]
    fix(home.router, none)
    advertise(home.modem, "lan0")
    until(lambda: "default" in home.router.ip("-6 route show"), what="the advertised route is there")
    assert [line[0] for line in examined(home.router, ndpbr, "default-route")] == ["ok"]
    assert [line[0] for line in examined(home.router, ndpbr, "accept-ra")] == ["ok"]

    home.router.sysctl("net/ipv6/conf/wan0/accept_ra", 1)
    expiring = examined(home.router, ndpbr, "accept-ra")
    assert [line[0] for line in expiring] == ["fail"]
    fix(home.router, expiring)
    assert examined(home.router, ndpbr, "accept-ra") == [("ok", "renews the default route on wan0", None)]


def test_leftovers_of_a_killed_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """After kill -9 doctor names its entries and settings; flush removes them and restores the settings."""
    echo(home.inet)
    running = daemon(home.router, *DEVS)
    assert ask(home.lan, INET, timeout=10.0) is not None
    words = ("--state-dir", str(running.state), *DEVS)
    alive = examined(home.router, ndpbr, "leftovers", *words)
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(TIMEOUT_S)
    dead = examined(home.router, ndpbr, "leftovers", *words)

    assert alive == []
    assert [(line[0], line[2]) for line in dead] == [("warn", "ndpbr flush"), ("warn", "ndpbr flush")]
    assert proxies(home.router)
    fix(home.router, dead[:1])
    until(lambda: clean(home.router), what="the entries are gone")
    assert examined(home.router, ndpbr, "leftovers", *words) == dead[1:]
    flushed = ndpbr(home.router, "flush", "--state-dir", str(running.state)).stdout
    assert re.fullmatch(r"0 proxy entries and 0 host routes removed, \d settings restored\n", flushed)
    assert examined(home.router, ndpbr, "leftovers", *words) == [("ok", "none", None)]


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft (nftables) is not installed")
@pytest.mark.parametrize(
    ("rules", "details"),
    [
        (
            NFT % ("input", "drop", "ct state established accept; icmpv6 type echo-request accept"),
            [f"inet fw base drops neighbor discovery on wan0 and lan0: {UNACCEPTED}"],
        ),
        ("ip6tables -P INPUT DROP", [f"ip6 filter INPUT drops neighbor discovery on wan0 and lan0: {UNACCEPTED}"]),
        (
            NFT % ("forward", "drop", 'iifname "lan0" accept'),
            [f"inet fw base drops replies from wan0 to lan0: {UNACCEPTED}"],
        ),
        (
            "ip6tables -P FORWARD DROP; ip6tables -A FORWARD -i lan0 -j ACCEPT",
            [f"ip6 filter FORWARD drops replies from wan0 to lan0: {UNACCEPTED}"],
        ),
        (
            NFT % ("forward", "accept", f"ip6 daddr {PREFIX} drop"),
            [f"inet fw base drops replies from wan0 to lan0: `ip6 daddr {PREFIX} drop`"],
        ),
        (
            NFT % ("prerouting", "accept", "fib saddr . iif oif missing drop"),
            [f"inet fw base drops {UNROUTED} on lan0: `fib saddr . iif oif missing drop`"],
        ),
        (
            IP6TABLES_RPFILTER,
            [f'ip6 raw PREROUTING drops {UNROUTED} on lan0: `iifname "lan0" fib saddr . iif oif 0 drop`'],
        ),
        (
            NFT % ("forward", "drop", "ct state established accept"),
            [f"inet fw base drops connections from lan0 to wan0: {UNACCEPTED}"],
        ),
        (
            DOCKER,
            [
                f"ip6 filter FORWARD drops connections from lan0 to wan0: {UNACCEPTED}",
                f"ip6 filter FORWARD drops replies from wan0 to lan0: {UNACCEPTED}",
            ],
        ),
    ],
)
def test_mistake_of_a_firewall(home: Home, ndpbr: Run, daemon: Start, rules: str, details: list[str]) -> None:
    """Hosts are unreachable, doctor names the rule or the policy, and after its fix the hosts are reached."""
    if rules.lstrip().startswith("ip6tables") and not _ip6tables_nft():
        pytest.skip("ip6tables of iptables-nft is not installed")
    echo(home.inet)
    command = ("nft", rules) if rules.startswith("table") else ("sh", "-ec", rules)
    assert home.router.run(*command).returncode == 0
    daemon(home.router, *DEVS)
    unreached = ask(home.lan, INET, timeout=1.5)
    found = examined(home.router, ndpbr, "firewall")

    assert unreached is None
    assert [line[:2] for line in found] == [("warn", detail) for detail in details]
    fix(home.router, found)
    assert [line[0] for line in examined(home.router, ndpbr, "firewall")] in (["info"], ["ok"])
    until(lambda: ask(home.lan, INET, timeout=1.0), what="the host is reached")


@pytest.mark.skipif(shutil.which("ip6tables-legacy") is None, reason="ip6tables-legacy (iptables) is not installed")
def test_rules_of_ip6tables_legacy(home: Home, ndpbr: Run) -> None:
    """nft does not list them, so doctor cannot tell."""
    if home.router.run("ip6tables-legacy", "-P", "INPUT", "DROP").returncode != 0:
        pytest.skip("this kernel has no ip6_tables")
    found = examined(home.router, ndpbr, "firewall")

    assert found == [("info", "cannot tell: ip6tables-legacy has rules, which doctor does not read", None)]


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft (nftables) is not installed")
def test_nft_is_not_installed(home: Home, tmp_path: Path) -> None:
    """Then doctor cannot tell, which is no warning, and there is no fix."""
    hidden = tmp_path / "nft"
    hidden.touch(mode=0o644)
    hide = f'mount --bind "{hidden}" "{os.path.realpath(shutil.which("nft") or "")}" && exec "$@"'
    ended = home.router.run("sh", "-c", hide, "sh", *PROGRAM, "doctor", *DEVS, cwd=ROOT)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "info firewall: cannot tell: nft is not installed" in ended.stdout.splitlines()


@pytest.mark.parametrize("busybox", [True, False])
def test_ip_of_another(home: Home, ndpbr: Run, tmp_path: Path, busybox: bool) -> None:
    """Without ip(8) of iproute2 doctor says that it is missing, and the other checks still work."""
    other = tmp_path / "ip"
    other.write_text('#!/bin/sh\necho "BusyBox v1.35.0 () multi-call binary." >&2\nexit 1\n')
    other.chmod(0o755 if busybox else 0o644)
    ended = with_ip(home.router, other, *PROGRAM, "doctor", *DEVS)
    line = ended.stdout.splitlines()[1]

    assert ended.returncode == 1
    assert line.startswith("fail iproute2: ndpbr needs the ip command of the iproute2 package, ")
    assert ("(busybox's?)" in line) is busybox
    assert line.endswith("; fix: apt-get install iproute2 || apk add iproute2")
    assert "foreign-entries" not in ended.stdout
    assert "ok   forwarding: on" in ended.stdout
    assert examined(home.router, ndpbr, "iproute2")[0][0] == "ok"


def test_without_rights(home: Home) -> None:
    """Without CAP_NET_ADMIN doctor says so; no check fails."""
    ended = home.router.run(*without(NET_ADMIN), *PROGRAM, "doctor", *DEVS, cwd=ROOT)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "warn capabilities: no CAP_NET_ADMIN; `run` and some checks require it" in ended.stdout
    assert "info firewall: cannot tell: nft " in ended.stdout
    assert "ok   foreign-entries: no proxy entries" in ended.stdout


def test_interfaces_that_are_not_named(home: Home, ndpbr: Run, daemon: Start) -> None:
    """Without names doctor checks the running daemon's interfaces, else those with leftovers, else all usable ones."""
    home.router.lay("link add tun9 type veth peer name tun8", "link set tun9 up arp off", "link add br0 type bridge")
    home.router.lay("link add if9 type veth peer name if8", "link set if9 up")  # names that `run` refuses
    every = _interfaces(home.router, ndpbr)
    home.router.lay(f"route add {LAN}/128 dev lan1 proto 135", f"neigh add proxy {LAN} dev wan0 proto 135")
    left = _interfaces(home.router, ndpbr)
    daemon(home.router, *DEVS)

    assert every == ["lan0", "lan1", "wan0"]
    assert left == ["lan1", "wan0"]
    assert _interfaces(home.router, ndpbr) == ["lan0", "wan0"]


def test_rules_of_the_running_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """doctor uses its interfaces in its order, its protocol number and its prefixes."""
    home.router.ip(f"-6 address del {ROUTER}/64 dev wan0")
    running = daemon(home.router, *DEVS, "--prefix", PREFIX, "--protocol", "200")
    result = json.loads(ndpbr(home.router, "doctor", "--json", "--state-dir", str(running.state)).stdout)
    found = {check["name"]: check["detail"] for check in result["checks"]}

    assert result["interfaces"] == list(DEVS)
    assert found["prefix"] == f"{PREFIX} by --prefix"
    assert "leftovers" not in found
    assert "prefix" not in {record.get("check") for record in running.log()}


def test_run_logs_warnings_and_failures_at_its_start(home: Home, daemon: Start) -> None:
    """Each warning and failure is a WARNING with its fix; other findings are not logged."""
    home.router.sysctl("net/ipv6/conf/all/forwarding", 0)
    for dev in DEVS:
        home.router.sysctl(f"net/ipv6/conf/{dev}/accept_ra", 0)
    home.router.lay(f"route del default via {MODEM}", f"neigh add proxy {LAN} dev wan0")
    running = daemon(home.router, *DEVS)
    running.wait_for("check-warned")
    records = [record for record in running.log() if record["event"].startswith("check-")]

    assert [(record["event"], record["check"], record["fix"]) for record in records] == [
        ("check-failed", "forwarding", "sysctl -w net.ipv6.conf.all.forwarding=1  # also in /etc/sysctl.d/ndpbr.conf"),
        ("check-failed", "default-route", "ip -6 route add default via GATEWAY dev wan0"),
        ("check-warned", "foreign-entries", None),
    ]
    assert {record["level"] for record in records} == {"warning"}


def test_run_logs_no_finding_if_nothing_is_wrong(home: Home, daemon: Start) -> None:
    """Nothing about settings that the daemon has just made, nor a second record about a missing interface."""
    running = daemon(home.router, *DEVS, "nosuch0")
    running.stop()

    assert [record["dev"] for record in running.log() if record["level"] == "warning"] == ["nosuch0"]


def _ip6tables_nft() -> bool:
    """Return whether ip6tables writes its rules to nftables."""
    path = shutil.which("ip6tables")
    return path is not None and "nf_tables" in subprocess.run([path, "-V"], capture_output=True, text=True).stdout


def _interfaces(host: Host, ndpbr: Run) -> list[str]:
    interfaces: list[str] = json.loads(ndpbr(host, "doctor", "--json").stdout)["interfaces"]
    return interfaces
