"""--upstream: no host is learned on the provider's link, and what is behind the router is served as before."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, LAN2, MODEM, Home
from tests.lab import until
from tests.observed import proxies, routes

CLAIMED = "2001:db8:64::99"


def test_no_host_is_learned_on_an_upstream(home: Home, daemon: Start) -> None:
    """A claim there is ignored at level debug; a silent LAN host that is solicited from there is found."""
    # The router answers a solicitation only with an address of its own on that link.
    home.router.ip("address replace fe80::1/64 dev wan0 nodad")
    echo(home.lan)
    running = daemon(home.router, "--upstream", "wan0", "--upstream", "lan1", "wan0", "lan0", "lan1")
    claim(home.modem, CLAIMED, dev="lan0")
    ignored = running.wait_for("address-ignored", address=CLAIMED)
    claim(home.lan2, LAN2)
    running.wait_for("address-ignored", address=LAN2, dev="lan1", reason="upstream-link", level="debug")
    until(lambda: ask(home.inet, LAN), what="the silent LAN host is reached")
    running.wait_for("host-learned", address=LAN, dev="lan0")

    assert (ignored["level"], ignored["dev"], ignored["reason"]) == ("debug", "wan0", "upstream-link")
    assert not [entry for entry in proxies(home.router) | routes(home.router) if entry.startswith(CLAIMED)]
    assert {record["dev"] for record in running.log() if record["event"] == "host-learned"} == {"lan0"}


def test_address_of_the_next_hop_is_no_hosts(home: Home, daemon: Start) -> None:
    """DAD fails for the modem's own address on a LAN, although no host is learned on the modem's link."""
    home.lan.sysctl("net/ipv6/conf/eth0/accept_dad", 1)
    running = daemon(home.router, "--upstream", "wan0", "wan0", "lan0")
    for dev in ("wan0", "lan0"):
        running.wait_for("listening", dev=dev)
    home.lan.ip(f"address add {MODEM}/64 dev eth0")

    until(lambda: "dadfailed" in home.lan.ip(f"-6 address show to {MODEM}"), what="the address is refused")
    assert not [entry for entry in proxies(home.router) if entry.startswith(f"{MODEM} ")]
