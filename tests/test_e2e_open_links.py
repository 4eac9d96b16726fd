"""Routes that refuse no claim, and on which links ndpbr looks an address up."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import Home
from tests.lab import until
from tests.observed import neighbor

ROUTES = (
    # Too short to count as on-link: it makes the home's /64 no nested prefix.
    "route add 2001:db8::/40 dev lan1",
    # Longer than a prefix on the same link only: no route has carved it out of another link's.
    "address add 2001:db8:66::3/64 dev lan0 nodad",
    "route add 2001:db8:66:0:b::/80 dev lan0",
    # For packets of some sources only.
    "route add 2001:db8:64:0:f::/80 from 2001:db8:8::/48 dev lan1",
    # The prefix of wan0 on lan0, too.
    "address add 2001:db8:64::3/64 dev lan0 nodad",
    # The router answers a solicitation only with an address of its own on that link.
    "address replace fe80::1/64 dev wan0 nodad",
)
# On which link each address is claimed.
CLAIMS = {
    "2001:db8:64::44": "wan0",
    "2001:db8:64::55": "lan0",
    "2001:db8:66:0:b::5": "lan1",
    "2001:db8:64:0:f::5": "lan0",
}
NESTED, CLIENT = "2001:db8:64:0:b::/80", "2001:db8:64:0:b::5"


def test_routes_that_refuse_no_claim(home: Home, daemon: Start) -> None:
    """A short, a source-specific and an equal prefix, and a longer one on the same link, leave all links open."""
    home.router.lay(*ROUTES, options=("-6",))
    running = daemon(home.router, "wan0", "lan0", "lan1")
    claimants = {"wan0": (home.modem, "lan0"), "lan0": (home.lan, "eth0"), "lan1": (home.lan2, "eth0")}
    for address, dev in CLAIMS.items():
        claimant, own_dev = claimants[dev]
        claim(claimant, address, dev=own_dev)
        running.wait_for("host-learned", address=address, dev=dev)

    assert not running.logged("address-ignored")


def test_nested_prefix_is_looked_up_on_its_link_only(home: Home, daemon: Start) -> None:
    """A silent host there is found, and no entry of a lookup is left on the other LAN."""
    home.lan.ip(f"address add {CLIENT}/128 dev eth0 nodad")
    echo(home.lan)
    home.router.ip(f"-6 route add {NESTED} dev lan0")
    running = daemon(home.router, "wan0", "lan0", "lan1")
    until(lambda: ask(home.inet, CLIENT), what="the silent host is reached")
    running.wait_for("host-learned", address=CLIENT, dev="lan0")

    assert running.wait_for("lookup-started", address=CLIENT)["lookup_on"] == ["lan0"]
    assert neighbor(home.router, CLIENT, "lan1") == ""
