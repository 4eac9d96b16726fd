"""`ndpbr show`: what is proxied, and learned where."""

from __future__ import annotations

import json
import re

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, Home
from tests.program import Daemon


@pytest.fixture
def both(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified a host on each LAN."""
    running = daemon(home.router, "wan0", "lan0", "lan1")
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
    return running


@pytest.mark.usefixtures("both")
def test_show_prints_a_line_a_host(home: Home, ndpbr: Run) -> None:
    """A line is the address, where it was learned, an arrow, and where it is answered for."""
    shown = ndpbr(home.router, "show")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == [f"{LAN} lan0 -> lan1 wan0", f"{LAN2} lan1 -> lan0 wan0"]


@pytest.mark.usefixtures("both")
def test_show_json_prints_one_object(home: Home, ndpbr: Run) -> None:
    """With --json the same is one JSON object."""
    assert json.loads(ndpbr(home.router, "show", "--json").stdout) == {
        "hosts": [
            {"address": LAN, "dev": "lan0", "proxies": ["lan1", "wan0"]},
            {"address": LAN2, "dev": "lan1", "proxies": ["lan0", "wan0"]},
        ]
    }


@pytest.mark.usefixtures("both")
def test_show_ping_says_how_long_each_host_took(home: Home, ndpbr: Run) -> None:
    """With --ping a host that answers has its round-trip time, one that does not is FAILED."""
    home.lan2.sysctl("net/ipv6/icmp/echo_ignore_all", 1)
    answers, drops = ndpbr(home.router, "show", "--ping").stdout.splitlines()

    assert re.fullmatch(rf"{LAN} lan0 -> lan1 wan0 \(RTT \d+(\.\d+)? ms\)", answers)
    assert drops == f"{LAN2} lan1 -> lan0 wan0 (FAILED)"


@pytest.mark.usefixtures("both")
def test_show_json_ping_has_round_trip_times(home: Home, ndpbr: Run) -> None:
    """With --json and --ping the time is a number of milliseconds, and null for a host that does not answer."""
    home.lan2.sysctl("net/ipv6/icmp/echo_ignore_all", 1)
    answers, drops = json.loads(ndpbr(home.router, "show", "--json", "--ping").stdout)["hosts"]

    assert 0 < answers["rtt_ms"] < 1000
    assert drops["rtt_ms"] is None


def test_show_is_true_without_a_daemon(home: Home, ndpbr: Run) -> None:
    """What is shown is what the kernel has with the program's tag, even where no daemon runs."""
    assert ndpbr(home.router, "show").stdout == ""
    home.router.lay(
        f"route add {LAN}/128 dev lan0 proto 135",
        f"neigh add proxy {LAN} dev wan0 proto 135",
        f"route add {LAN2}/128 dev lan1",
        f"neigh add proxy {LAN2} dev wan0",
    )

    assert ndpbr(home.router, "show").stdout == f"{LAN} lan0 -> wan0\n"
