"""`ndpbr explain` on the real kernel, with a daemon and without."""

from __future__ import annotations

import json
from pathlib import Path

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import INET, LAN, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import proxies, shorten_neighbor_timers

DEVS = ("wan0", "lan0")
NAMED = ("--interfaces", "wan0,lan0")


def test_host_of_a_running_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """explain prints the facts, the daemon's view with its events and their times, and where the host is proxied."""
    echo(home.inet)
    running = daemon(home.router, *DEVS)
    assert ask(home.lan, INET, timeout=10.0) is not None
    running.wait_for("host-verified", address=LAN)
    ended = ndpbr(home.router, "explain", f"{LAN}%lan0", "--state-dir", str(running.state))
    printed = ended.stdout.splitlines()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert printed[0] == "yes: proxied on wan0"
    assert printed[1:4] == ["interfaces: wan0, lan0", "kind: global", "on-link: yes, 2001:db8:64::/64 on wan0"]
    assert f"neighbor: lan0 lladdr {home.lan.mac('eth0')} REACHABLE: the host is present" in printed
    assert {"host-route: dev lan0, ours", "proxy-entry: dev wan0, ours"} < set(printed)
    assert any(line.startswith("daemon: a host on lan0, verified, last seen") for line in printed)
    # A solicitation from the modem may come first: its host is looked up, and the modem gets a late advertisement.
    events = [line.split(") ")[1].split()[0] for line in printed if line.startswith("event: ")]
    assert [event for event in events if event not in ("lookup-started", "lookup-failed", "host-advertised")] == [
        "host-learned",
        "host-verified",
    ]


def test_host_by_its_name_and_by_its_lladdr(home: Home, ndpbr: Run, daemon: Start, tmp_path: Path) -> None:
    """Each of its addresses is explained; the log and the answer have its name."""
    (tmp_path / "names").write_text(f"{home.lan.mac('eth0')} phone\n")
    named = ("--names", str(tmp_path / "names"))
    running = daemon(home.router, *named, *DEVS)
    home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
    for address in (LAN, "2001:db8:64::12"):
        claim(home.lan, address)
        assert running.wait_for("host-learned", address=address)["name"] == "phone"
        running.wait_for("host-verified", address=address)
    words = ("--state-dir", str(running.state), *named)
    by_name, by_lladdr = (ndpbr(home.router, "explain", word, *words) for word in ("phone", home.lan.mac("eth0")))
    colored = ndpbr(home.router, "--color", "always", "explain", LAN, *words)
    unknown = ndpbr(home.router, "explain", "tablet", *words)

    assert by_name.returncode == 0
    assert [line for line in by_name.stdout.splitlines() if line.startswith(("2001", "yes", "name"))] == [
        f"{LAN}:",
        "yes: proxied on wan0",
        "name: phone",
        "2001:db8:64::12:",
        "yes: proxied on wan0",
        "name: phone",
    ]
    assert by_lladdr.stdout.count("yes: proxied on wan0") == 2
    assert json.loads(ndpbr(home.router, "explain", "--json", LAN, *words).stdout)["name"] == "phone"
    assert colored.stdout.startswith("\x1b[32myes\x1b[m: ")
    assert (unknown.returncode, unknown.stdout) == (2, "")


def test_host_that_was_forgotten(home: Home, ndpbr: Run, daemon: Start) -> None:
    """A host that left is not proxied, and the events say when and why the daemon forgot it."""
    shorten_neighbor_timers(home.router, "lan0")
    running = daemon(home.router, *DEVS)
    claim(home.lan, "2001:db8:64::99")
    running.wait_for("host-forgotten", address="2001:db8:64::99")
    until(lambda: not proxies(home.router), what="the entry is gone")
    ended = ndpbr(home.router, "explain", "2001:db8:64::99", "--state-dir", str(running.state), "--json")
    result = json.loads(ended.stdout)

    assert (ended.returncode, result["proxied_on"]) == (1, [])
    assert result["reason"] in ("no host answers for this address", "no host has used this address")
    assert result["daemon"]["host"] is None
    events = [event["event"] for event in result["daemon"]["events"]]
    assert [event for event in events if not event.startswith("lookup")][-1] == "host-forgotten"


def test_no_daemon_runs(home: Home, ndpbr: Run) -> None:
    """Then that is the reason, and the advice is the command that starts it."""
    claim(home.lan, LAN)
    until(lambda: LAN in home.router.ip("-6 neigh show dev lan0"), what="the router has a neighbor entry")
    for address in (LAN, "2001:db8:64::99"):
        ended = ndpbr(home.router, "explain", address, *NAMED)
        printed = ended.stdout.splitlines()

        assert ended.returncode == 1
        assert printed[:2] == ["no: ndpbr is not running", "advice: ndpbr run wan0 lan0"]
        assert printed[-1] == "daemon: not running"


def test_entries_of_a_daemon_that_was_killed(home: Home, ndpbr: Run, daemon: Start) -> None:
    """The address is still proxied, but no daemon looks after it."""
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    running.process.kill()
    running.process.wait()
    ended = ndpbr(home.router, "explain", LAN, *NAMED)

    assert ended.stdout.startswith("yes, but ndpbr is not running, and its entries are left over: proxied on wan0\n")


def test_addresses_that_are_no_host(home: Home, ndpbr: Run) -> None:
    """An address of the router, of the modem, of another prefix, and a link-local one: each has its own reason."""
    printed = {
        address: ndpbr(home.router, "explain", address, *NAMED).stdout.splitlines()
        for address in (ROUTER, MODEM, INET, "fe80::1%lan0", "ff02::1")
    }

    assert "own: the router has this address" in printed[ROUTER]
    assert printed[ROUTER][0] == "no: it is the router's own address"
    assert "next-hop: of a default route on wan0, and accepted only there" in printed[MODEM]
    assert "on-link: no" in printed[INET]
    assert printed[INET][0] == "no: not in your network (2001:db8:64::/64), nothing to proxy"
    assert printed["fe80::1%lan0"][0] == printed["ff02::1"][0]
    assert printed["ff02::1"][0] == "no: only global and unique-local addresses are proxied"


def test_rules_of_the_running_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """explain applies the options of the running daemon; its own options replace them."""
    rules = ("--prefix", "fd00::/64", "--static", "fd99::1%lan0", "--max-hosts-per-lladdr", "1", "--protocol", "200")
    running = daemon(home.router, *rules, *DEVS)
    home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
    for address in (LAN, "2001:db8:64::12"):
        claim(home.lan, address)
    running.wait_for("address-ignored", reason="max-hosts-per-lladdr")

    def explain(address: str, *words: str) -> list[str]:
        return ndpbr(home.router, "explain", address, "--state-dir", str(running.state), *words).stdout.splitlines()

    learned, ignored, static, fresh = map(explain, (LAN, "2001:db8:64::12", "fd99::1", "fd00::7"))
    assert {"host-route: dev lan0, ours", "yes: proxied on wan0"} < set(learned)
    assert ignored[1] == "advice: `ndpbr run --max-hosts-per-lladdr N` with a higher limit"
    assert {
        "static: on lan0 by --static, whatever its prefix is",
        "yes, but it has never been seen: proxied on wan0",
    } < set(static)
    assert "on-link: yes, fd00::/64 by --prefix" in fresh
    assert "on-link: no" in explain("fd00::7", "--prefix", "fd01::/64")
    assert "host-route: dev lan0, another program's" in explain(LAN, "--protocol", "135")


def test_interfaces_that_are_not_named(home: Home, ndpbr: Run) -> None:
    """Without a daemon and without names, explain uses all interfaces that a daemon could list."""
    printed = ndpbr(home.router, "explain", LAN).stdout.splitlines()
    too_few = ndpbr(home.lan, "explain", LAN)

    assert "interfaces: lan0, lan1, wan0" in printed
    assert (too_few.returncode, too_few.stderr) == (
        2,
        "ndpbr: expected two or more interfaces that are up, got 1; name them with --interfaces\n",
    )
