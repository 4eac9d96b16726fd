"""`ndpbr explain` on the real kernel, with a daemon and without."""

from __future__ import annotations

import json

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import INET, LAN, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import hasten, proxies

DEVS = ("wan0", "lan0")
NAMED = ("--interfaces", "wan0,lan0")


def test_host_of_a_running_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """The facts, the daemon's own view with its events and their times, and the verdict."""
    echo(home.inet)
    running = daemon(home.router, *DEVS)
    assert ask(home.lan, INET, timeout=3.0) is not None
    running.wait_for("host-verified", address=LAN)
    ended = ndpbr(home.router, "explain", LAN, "--state-dir", str(running.state))
    told = ended.stdout.splitlines()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert told[:3] == ["interfaces: wan0, lan0", "kind: global", "on-link: yes, 2001:db8:64::/64 on wan0"]
    assert f"neighbor: lan0 lladdr {home.lan.mac('eth0')} REACHABLE: it is there" in told
    assert {"host-route: dev lan0, ours", "proxy-entry: dev wan0, ours"} < set(told)
    assert any(line.startswith("daemon: a host on lan0, verified, last known") for line in told)
    # The modem's question may be heard first, and have its host sought.
    events = [line.split(") ")[1].split()[0] for line in told if line.startswith("event: ")]
    assert events[-2:] == ["host-learned", "host-verified"]
    assert told[-1] == "proxied: yes, on wan0"


def test_host_that_was_forgotten(home: Home, ndpbr: Run, daemon: Start) -> None:
    """A host that went away is not proxied, and the daemon says when, and why it forgot it."""
    hasten(home.router, "lan0")
    running = daemon(home.router, *DEVS)
    claim(home.lan, "2001:db8:64::99")
    running.wait_for("host-forgotten", address="2001:db8:64::99")
    until(lambda: not proxies(home.router), what="the entry is gone")
    ended = ndpbr(home.router, "explain", "2001:db8:64::99", "--state-dir", str(running.state), "--json")
    said = json.loads(ended.stdout)

    assert (ended.returncode, said["proxied_on"]) == (0, [])
    assert said["because"] in ("nobody answers for it", "nobody has been heard with it")
    assert said["daemon"]["host"] is None
    assert [event["event"] for event in said["daemon"]["events"]][-1] == "host-forgotten"


def test_no_daemon_runs(home: Home, ndpbr: Run) -> None:
    """Then what is missing is the daemon; with the advice followed, the address is proxied."""
    claim(home.lan, LAN)
    until(lambda: LAN in home.router.ip("-6 neigh show dev lan0"), what="the router has heard of it")
    told = ndpbr(home.router, "explain", LAN, *NAMED).stdout.splitlines()

    assert told[-3:] == ["daemon: none runs", "proxied: no, because no daemon runs", "advice: ndpbr run wan0 lan0"]


def test_addresses_that_are_nobodys_host(home: Home, ndpbr: Run) -> None:
    """The router's own address, the modem's, one of another prefix and a link-local one: each has its sentence."""
    said = {
        address: ndpbr(home.router, "explain", address, *NAMED).stdout.splitlines()
        for address in (ROUTER, MODEM, INET, "fe80::1%lan0", "ff02::1")
    }

    assert "own: the router has this address itself" in said[ROUTER]
    assert said[ROUTER][-1] == "proxied: no, because it is the router's own"
    assert "next-hop: of a default route on wan0, and heeded there alone" in said[MODEM]
    assert "on-link: no" in said[INET]
    assert (
        "proxied: no, because it is in no prefix that is on-link on a listed interface: anybody could claim it"
        in (said[INET])
    )
    assert said["fe80::1%lan0"][-1] == said["ff02::1"][-1]
    assert said["ff02::1"][-1] == "proxied: no, because only global and unique-local addresses are"


def test_rules_of_the_running_daemon(home: Home, ndpbr: Run, daemon: Start) -> None:
    """What its options say is heeded, without being said again; what is said counts in its place."""
    rules = ("--prefix", "fd00::/64", "--static", "fd99::1%lan0", "--max-hosts-per-lladdr", "1", "--protocol", "200")
    running = daemon(home.router, *rules, *DEVS)
    home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
    for address in (LAN, "2001:db8:64::12"):
        claim(home.lan, address)
    running.wait_for("address-ignored", reason="max-hosts-per-lladdr")

    def explain(address: str, *words: str) -> list[str]:
        return ndpbr(home.router, "explain", address, "--state-dir", str(running.state), *words).stdout.splitlines()

    learned, left_out, static, fresh = map(explain, (LAN, "2001:db8:64::12", "fd99::1", "fd00::7"))
    assert {"host-route: dev lan0, ours", "proxied: yes, on wan0"} < set(learned)
    assert left_out[-1] == "advice: `ndpbr run --max-hosts-per-lladdr N` with more"
    assert {"static: on lan0 by --static, wherever it lies", "proxied: yes, on wan0"} < set(static)
    assert "on-link: yes, fd00::/64 by --prefix" in fresh
    assert "on-link: no" in explain("fd00::7", "--prefix", "fd01::/64")
    assert "host-route: dev lan0, another program's" in explain(LAN, "--protocol", "135")


def test_interfaces_are_found_out(home: Home, ndpbr: Run) -> None:
    """Without a daemon, and without names, all interfaces on which one could work are taken."""
    told = ndpbr(home.router, "explain", LAN).stdout.splitlines()
    too_few = ndpbr(home.lan, "explain", LAN)

    assert told[0] == "interfaces: lan0, lan1, wan0"
    assert (too_few.returncode, too_few.stderr) == (
        1,
        "ndpbr: two or more interfaces that are up were wanted, got 1; --interfaces names others\n",
    )
