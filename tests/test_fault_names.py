"""Interfaces with hostile names cannot change the commands for ip(8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import INET, LAN, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import clean, proxies, routes

# Keywords of ip, of its batch mode and of a shell; the kernel accepts all of them.
NAMES = (
    "a",
    "dev",
    "-6",
    "via",
    "proxy",
    "lladdr",
    "FAILED",
    "Deleted",
    'q"q',
    "q'q",
    "#",
    ";",
    "$(id)",
    "\\",
    "[NEIGH]",
)
REFUSED = [name for name in NAMES if not name.isalnum()]


def test_interfaces_with_strange_names_are_ignored(home: Home, daemon: Start) -> None:
    """Events of interfaces that are not listed are ignored, whatever their names."""
    running = daemon(home.router, "--resync-interval", "1", "wan0", "lan0")
    for number, name in enumerate(NAMES):
        stranger = f"2001:db8:64::bad:{number:x}"
        home.router.ip("link", "add", "name", name, "type", "veth", "peer", "name", f"peer{number}")
        home.router.ip("link", "set", "dev", name, "up")
        home.router.ip("address", "add", f"2001:db8:{number:x}::1/64", "dev", name, "nodad")
        for state in ("stale", "reachable", "failed"):
            lladdr = () if state == "failed" else ("lladdr", "02:00:00:00:66:66")
            home.router.ip("-6", "neigh", "replace", stranger, *lladdr, "dev", name, "nud", state)
        home.router.ip("-6", "neigh", "add", "proxy", stranger, "dev", name)
        home.router.ip("-6", "route", "add", f"{stranger}/128", "dev", name)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    remaining = home.router.ip("-6 neigh show proxy"), home.router.ip("-6 route show")
    running.process.send_signal(1)
    home.router.ip("link", "set", "dev", "-6", "down")
    home.router.ip("link", "delete", "dev", "[NEIGH]")
    events = {record["event"] for record in running.log()}

    assert not events & {"line-rejected", "unknown-keyword", "internal-error", "command-refused", "read-failed"}
    assert {"host-learned", "host-verified"} <= events
    assert all(f"2001:db8:64::bad:{number:x}" in table for number in range(len(NAMES)) for table in remaining)
    assert running.stop() == 0
    assert not [line for line in routes(home.router) | proxies(home.router) if line.endswith(" proto 135")]


@pytest.mark.parametrize(("up", "down"), [("dev", "via"), ("proxy", "nud"), ("lladdr", "proto"), ("a", "_.-")])
def test_keywords_of_ip_are_valid_names(home: Home, daemon: Start, up: str, down: str) -> None:
    """An interface named like a keyword of ip can be listed; hosts are learned, proxied and removed there."""
    home.router.lay(
        *(line for old, new in (("wan0", up), ("lan0", down)) for line in _renamed(old, new)),
        f"address add {ROUTER}/64 dev {up} nodad",
        f"route add default via {MODEM} dev {up}",
        f"address add fe80::1/64 dev {down} nodad",
    )
    echo(home.inet, delay=0.02)
    running = daemon(home.router, up, down)
    answer = ask(home.lan, INET, timeout=10.0)
    running.wait_for("host-verified", address=LAN)

    assert answer is not None
    assert f"{LAN} dev {down} proto 135" in routes(home.router)
    assert until(
        lambda: _proxied(home, LAN) == [f"{LAN} dev {up}"], what="it is proxied on the other, and nowhere else"
    )
    assert running.stop() == 0
    assert clean(home.router)


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_could_be_misread_are_refused(home: Home, ndpbr: Run, tmp_path: Path, name: str) -> None:
    """A name that ip's batch mode, or an option parser, could misread is wrong usage: one sentence."""
    ended = ndpbr(home.router, "--pidfile", str(tmp_path / "pid"), "run", "wan0", name)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("ndpbr: ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "pid").exists()


def _renamed(old: str, new: str) -> list[str]:
    return [f"link set {old} down", f"link set {old} name {new}", f"link set dev {new} up"]


def _proxied(home: Home, address: str) -> list[str]:
    """Return the proxy entries of *address*, each up to its interface."""
    return [
        " ".join(line.split()[:3]) for line in home.router.ip("-6 neigh show proxy").splitlines() if address in line
    ]
