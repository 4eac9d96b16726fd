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
    # Two links with the same address: the kernel itself answers on both.
    home.router.ip(f"address add {ON_LAN}/64 dev lan1 noprefixroute nodad")
    one = {f"{ON_LAN} dev wan0 proto 135"}
    until(lambda: {it for it in all_proxies(home.router) if it.startswith(f"{ON_LAN} ")} == one, what="no entry there")
    home.router.ip(f"address del {ON_LAN}/64 dev lan1")
    until(lambda: expected <= all_proxies(home.router), what="the entry is back")
    home.router.ip(f"address del {ON_LAN}/64 dev lan0")
    until(lambda: not any(entry.startswith(f"{ON_LAN} ") for entry in all_proxies(home.router)), what="they are gone")

    # A deprecated address is about to go, and a temporary one changes: neither is proxied.
    deprecated, stable = "2001:db8:64::5", "2001:db8:64::6"
    home.router.sysctl("net/ipv6/conf/lan0/use_tempaddr", 2)
    lifetime = "valid_lft 86400 preferred_lft"
    home.router.lay(
        f"address add {deprecated}/64 dev lan0 {lifetime} 0 nodad",
        f"address add {stable}/64 dev lan0 {lifetime} 86400 mngtmpaddr nodad",
    )
    running.wait_for("address-proxied", address=stable)
    shown = until(partial(home.router.ip, "-6 -o address show dev lan0 temporary"), what="a temporary address")
    temporary = shown.split()[3].partition("/")[0]
    home.router.ip(f"address add {ON_LAN}/64 dev lan0 noprefixroute nodad")
    until(lambda: expected <= all_proxies(home.router), what="a later address is proxied")
    proxied = {entry.split()[0] for entry in all_proxies(home.router)}
    assert (stable in proxied, deprecated in proxied, temporary in proxied) == (True, False, False)

    assert not running.logged("host-repaired")
    assert running.stop() == 0
    assert clean(home.router)
