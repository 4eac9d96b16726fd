"""systemd-networkd on the lab's router, booted by systemd: what docs/systemd.md says of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import followed
from tests.advertise import advertise
from tests.claim import claim
from tests.echo import ask, echo
from tests.home import LAN, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import routes
from tests.program import ROOT
from tests.systemd import Systemd, booted

NETWORKD = Path("/lib/systemd/systemd-networkd")
SETTINGS = {
    "wan0": f"Address={ROUTER}/64\nGateway={MODEM}\nIPv6AcceptRA=no\nIPForward=ipv6\n",
    "lan0": "Address=fe80::1/64\nIPv6AcceptRA=no\nIPForward=ipv6\n",
}
# networkd needs a bus for networkctl; with a writable /sys it would wait for udev, which does not run there.
START = "mkdir /run/dbus; : >/run/networkd; dbus-daemon --system --fork; mount -o remount,bind,ro /sys; "
START += f"SYSTEMD_LOG_LEVEL=debug {NETWORKD} >/run/networkd 2>&1 &"


@pytest.mark.parametrize("as_printed", [False, True])
def test_interface_is_reconfigured(home: Home, tmp_path: Path, as_printed: bool) -> None:
    """networkd removes routes and turns proxy_ndp off; ndpbr restores both. With the page's settings both stay."""
    _skip()
    echo(home.lan)
    with booted(home.router, tmp_path / "groups") as machine:
        more = "IPv6ProxyNDP=yes\n" if as_printed else ""
        assert "`IPv6ProxyNDP=yes`" in (ROOT / "docs/systemd.md").read_text()
        for dev, text in SETTINGS.items():
            network = f"[Match]\nName={dev}\n[Network]\n{text}{more}"
            followed.write(machine, f"/run/systemd/network/{dev}.network", network)
        if as_printed:
            for path, text in followed.blocks("systemd.md"):
                if path is not None and "networkd" in path:
                    followed.write(machine, path, text)
        # The next resync comes too late to restore anything.
        machine.configure('interfaces="wan0 lan0"\nrun_options="--resync-interval 3600"')
        machine.systemctl("start", "ndpbr")
        machine.wait_for("event=started")
        machine.run("sh", "-c", START)
        until(lambda: _configured(machine) == len(SETTINGS), what="networkd has configured the interfaces")
        claim(home.lan, LAN)
        until(lambda: ask(home.inet, LAN), what="the host is reached")

        for dev in SETTINGS:
            assert machine.run("networkctl", "reconfigure", dev).returncode == 0
        until(lambda: _configured(machine) == 2 * len(SETTINGS), what="networkd has configured the interfaces again")

        if not as_printed:
            machine.wait_for("event=host-repaired")
            machine.wait_for("event=setting-changed")
        until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the route is there")
        for dev in SETTINGS:
            path = f"net/ipv6/conf/{dev}/proxy_ndp"
            until(lambda path=path: home.router.sysctl(path) == "1", what=path)  # type: ignore[misc]
        home.modem.ip("-6 neigh flush dev lan0")
        until(lambda: ask(home.inet, LAN), what="the host is reached again")
        warnings = [
            it for it in machine.log().splitlines() if "event=setting-changed" in it or "event=host-repaired" in it
        ]
        assert bool(warnings) is not as_printed, warnings


def test_router_advertisements(home: Home, tmp_path: Path) -> None:
    """On a router networkd ignores them on an interface whose file does not accept them."""
    _skip()
    home.router.ip("-6 route del default")
    with booted(home.router, tmp_path / "groups") as machine:
        for dev, more in (("wan0", ""), ("lan1", "IPv6AcceptRA=yes\n")):
            network = f"[Match]\nName={dev}\n[Network]\nIPForward=ipv6\n{more}"
            followed.write(machine, f"/run/systemd/network/{dev}.network", network)
        machine.run("sh", "-c", START)
        until(lambda: _configured(machine), what="networkd has configured an interface")

        def has_route(lifetime_s: int) -> bool:
            advertise(home.lan2, "eth0", lifetime_s=lifetime_s)
            return "dev lan1 proto ra" in home.router.ip("-6 route show default")

        # Not both at once: while networkd opens the socket of an interface, it takes packets of others for its own.
        until(lambda: has_route(1800), what="a default route")
        advertise(home.modem, "lan0")
        until(lambda: not has_route(0), what="no default route")
        assert home.router.ip("-6 route show default") == ""
        assert home.router.sysctl("net/ipv6/conf/wan0/accept_ra") == "0"


def _skip() -> None:
    if not NETWORKD.exists() or shutil.which("dbus-daemon") is None:
        pytest.skip("systemd-networkd or dbus-daemon not installed")


def _configured(machine: Systemd) -> int:
    """Return how often networkd has configured an interface."""
    return (machine.run_folder / "networkd").read_text().count(": State changed: configuring -> configured")
