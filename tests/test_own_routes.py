"""The kernel keeps the routes that ndpbr adds from a monitor, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ndpbr_py.iproute2 import own_routes
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import Lab, until
from tests.observed import routes

OURS, FOREIGN = 135, 136
HIDDEN = f"2001:db8::1/128 dev lan0 proto {OURS}"
SHOWN = [
    f"2001:db8::2/128 dev lan0 proto {FOREIGN}",
    f"2001:db8:1::/64 dev lan0 proto {OURS}",  # ours are /128
]


class Monitor:
    """An `ip monitor` on a host with the interface lan0."""

    def __init__(self, lab: Lab, file: Path) -> None:
        self.router, self._file = lab.host("router"), file
        self.router.lay(
            "link add lan0 type veth peer name eth0", *(f"link set {dev} up" for dev in ("lo", "lan0", "eth0"))
        )
        with file.open("w") as out:
            self.pid = self.router.spawn("ip", "-6", "-o", "-N", "monitor", "label", "neigh", "route", stdout=out).pid

    def lines(self) -> list[str]:
        """Wait until everything that has happened is printed; return the lines."""
        until(self._sees_marker, what="the monitor prints a marker")
        return [line for line in self._file.read_text().splitlines() if "100::" not in line]

    def _sees_marker(self) -> bool:
        before = self._markers()
        self.router.ip("-6 neigh replace 100::1 lladdr 02:00:00:00:00:01 dev lo nud permanent")
        self.router.ip("-6 neigh del 100::1 dev lo")
        try:
            until(lambda: self._markers() > before, timeout=1)
        except AssertionError:  # it does not listen yet
            return False
        return True

    def _markers(self) -> int:
        return self._file.read_text().count("Deleted 100::1")


@pytest.fixture
def monitor(lab: Lab, tmp_path: Path) -> Monitor:
    """Return a monitor that listens."""
    it = Monitor(lab, tmp_path / "lines")
    it.lines()
    return it


def test_only_our_added_host_routes_are_hidden(monitor: Monitor) -> None:
    """Other routes, deleted routes and neighbors are printed."""
    own_routes.hide(monitor.pid, OURS)
    for route in (HIDDEN, *SHOWN):
        monitor.router.ip(f"-6 route add {route}")
    monitor.router.ip(f"-6 route del {HIDDEN}")
    monitor.router.ip("-6 neigh replace 2001:db8::3 lladdr 02:00:00:00:00:03 dev lan0 nud stale")
    seen = [" ".join(line.split()[:2]) for line in monitor.lines() if "2001:" in line]

    assert seen == [
        "[ROUTE]2001:db8::2 dev",
        "[ROUTE]2001:db8:1::/64 dev",
        "[ROUTE]Deleted 2001:db8::1",
        "[NEIGH]2001:db8::3 dev",
    ]


def test_added_host_routes_are_printed_without_the_filter(monitor: Monitor) -> None:
    """A kernel that no longer reports them would make the test above pass."""
    monitor.router.ip(f"-6 route add {HIDDEN}")

    assert any("2001:db8::1 dev lan0" in line for line in monitor.lines())


def test_process_that_does_not_listen(lab: Lab) -> None:
    """A process that does not listen, or has ended, is refused."""
    child = lab.host("router").spawn("sleep", "1000", stdout=subprocess.DEVNULL)
    with pytest.raises(OSError, match="no socket that listens"):
        own_routes.hide(child.pid, OURS)
    child.kill()
    child.wait()
    with pytest.raises(OSError, match="No such process"):
        own_routes.hide(child.pid, OURS)


def test_daemon_filters_its_monitor(home: Home, daemon: Start) -> None:
    """Root may attach the filter, and a route that another program deletes is still restored immediately."""
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)
    until(lambda: routes(home.router), what="the host has a route")
    before = routes(home.router)
    home.router.ip(f"-6 route del {LAN}/128 dev lan0")
    until(lambda: routes(home.router) == before, what="the route is restored")

    assert running.logged("monitor-unfiltered") == []
