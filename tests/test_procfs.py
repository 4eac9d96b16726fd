"""Files of /proc and /sys -> facts, also if files are missing."""

from __future__ import annotations

from ipaddress import IPv6Network
from pathlib import Path

from ndpbr_py.core.events import KernelSnapshot, Route
from ndpbr_py.doctor.facts import Link
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.system.interfaces import port_of
from tests.builders import addr, lay_locks

DEFAULT = Route(IPv6Network("::/0"), "wan0", addr("fe80::1"))
NEIGHBORS = """entries  allocs   destroys
0000000a 0005b714 0005dca6
0000000a 00075d06 00073374"""


def lay(root: Path, files: dict[str, str]) -> None:
    """Write *files* below *root*."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def test_facts_are_read(tmp_path: Path) -> None:
    """Interfaces (also of the default route), settings, the neighbor cache and the locks are read from files."""
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    lay(
        proc,
        {
            "net/stat/ndisc_cache": NEIGHBORS,
            "self/status": "Name:\tndpbr\nCapEff:\t0000000000001000",
            "sys/kernel/osrelease": "6.1.0",
            "sys/net/ipv6/conf/all/forwarding": "1",
            "sys/net/ipv6/conf/wan0/accept_ra": "2",
            "sys/net/ipv6/neigh/wan0/proxy_delay": "80",
            "sys/net/ipv6/neigh/default/gc_thresh3": "1024",
        },
    )
    lay(
        sys / "class/net",
        {"wan0/flags": "0x1043", "wan0/carrier": "1", "br0/flags": "0x1002", "br0/bridge/stp_state": "0"},
    )
    (sys / "class/net/wan0/master").symlink_to("../br0")
    lay_locks(proc, "protocol 135")
    facts = ProcFs(proc, sys).facts(("gone0",), KernelSnapshot(routes=(DEFAULT,)), 135, tmp_path / "state")

    assert facts.links == (
        Link("wan0", port_of="br0", disabled=None, forwarding=None, accept_ra=2, proxy_ndp=None, proxy_delay=80),
    )
    assert (facts.capable, facts.running, facts.unrestored, facts.kernel) == (True, True, False, "6.1.0")
    assert (facts.forwarding, facts.proxy_ndp, facts.neighbors, facts.gc_thresh3) == (1, None, 10, 1024)
    assert [link.name for link in ProcFs(proc, sys).links()] == ["br0", "wan0"]


def test_port_that_has_left_its_bridge(tmp_path: Path) -> None:
    """When the kernel reports it, `master` is gone, and `brport` still there; another master has no ports."""
    lay(tmp_path, {"lan0/brport/state": "0", "lan1/flags": "0x1003", "vrf0/flags": "0x1003"})
    (tmp_path / "lan1/master").symlink_to("../vrf0")

    assert [port_of(dev, tmp_path) for dev in ("lan0", "lan1", "gone0")] == [None, None, None]


def test_interface_without_neighbor_discovery(tmp_path: Path) -> None:
    """The flags NOARP and POINTOPOINT both mean it, as for the daemon."""
    lay(tmp_path / "class/net", {"lan0/flags": "0x1003", "ppp0/flags": "0x1011", "wg0/flags": "0x1081"})

    assert [link.noarp for link in ProcFs(tmp_path, tmp_path).links()] == [False, True, True]


def test_nothing_can_be_read(tmp_path: Path) -> None:
    """If the files are missing, their facts are unknown, and no exception is raised."""
    facts = ProcFs(tmp_path, tmp_path).facts(("wan0",), None, 135, tmp_path)

    assert (facts.links, facts.tables, facts.kernel, facts.capable, facts.running) == ((), None, "", False, False)
    assert (facts.forwarding, facts.neighbors, facts.gc_thresh3) == (None, None, None)
