"""Hosts on every link reach the router's own global addresses."""

from __future__ import annotations

from functools import partial

from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import ROUTER, Home
from tests.lab import until
from tests.observed import all_proxies, clean

ON_LAN = "2001:db8:64::3"


def test_router_is_reached_by_its_addresses_on_other_links(home: Home, daemon: Start) -> None:
    """A LAN host, on whose link the /64 is on-link, reaches wan0's address; an outside host reaches lan0's."""
    echo(home.router)
    assert ask(home.lan, ROUTER) is None
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    until(partial(ask, home.lan, ROUTER), what="the LAN host reaches wan0's address")
    # With detection: the address is proxied when that has passed, and not before.
    home.router.ip(f"address add {ON_LAN}/64 dev lan0 noprefixroute")
    running.wait_for("address-proxied", address=ON_LAN, dev="lan0", reason="router-address")
    until(partial(ask, home.inet, ON_LAN), what="the outside host reaches lan0's address")
    expected = {f"{ON_LAN} dev {dev} proto 135" for dev in ("wan0", "lan1")}
    assert {entry for entry in all_proxies(home.router) if entry.startswith(f"{ON_LAN} ")} == expected
    home.router.ip(f"address del {ON_LAN}/64 dev lan0")
    until(lambda: not any(entry.startswith(f"{ON_LAN} ") for entry in all_proxies(home.router)), what="they are gone")

    assert not running.logged("host-repaired")
    assert running.stop() == 0
    assert clean(home.router)
