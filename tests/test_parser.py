"""Lines of every iproute2 -> events."""

from __future__ import annotations

import string
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.events import (
    AddressChanged,
    LineRejected,
    LinkChanged,
    LinkDeleted,
    NeighborChanged,
    NeighborDeleted,
    NudState,
)
from ndpbr_py.iproute2 import parser
from tests.builders import FIXTURES, changed, deleted

STALE, REACHABLE, FAILED = NudState.STALE, NudState.REACHABLE, NudState.FAILED
NONE, INCOMPLETE, PERMANENT = NudState.NONE, NudState.INCOMPLETE, NudState.PERMANENT
M = "02:00:00:00:00:33"
STAMP = "[2026-11-23T11:34:30.718296] "
LINES: dict[str, parser.LineEvent] = {
    # iproute2 5.16 and later, then earlier: blanks come and go
    f"2001:db8::33 dev lan0 lladdr {M} STALE ": changed(),
    f"2001:db8::33 dev lan0 lladdr {M} STALE": changed(),
    f"2001:db8::33 dev lan0 lladdr {M} router STALE ": changed(router=True),
    f"2001:db8::33 dev lan0 lladdr {M} router STALE": changed(router=True),
    f"2001:db8::33 dev lan0 lladdr {M} extern_learn REACHABLE ": changed(state=REACHABLE),
    f"2001:db8::33 dev lan0 lladdr {M} extern_learn  REACHABLE": changed(state=REACHABLE),
    f"2001:db8::33 dev lan0 lladdr {M} router extern_learn STALE proto ospf ": changed(router=True),
    f"2001:db8::33 dev lan0 lladdr {M} managed REACHABLE ": changed(state=REACHABLE),
    f"2001:db8::33 dev lan0 lladdr {M} offload extern_valid REACHABLE ": changed(state=REACHABLE),
    f"2001:db8::33 dev lan0 lladdr {M} STALE proto openr ": changed(),
    f"2001:db8::33 dev lan0 lladdr {M} STALE proto 199 ": changed(),
    "2001:db8::33 dev lan0 FAILED ": changed(state=FAILED),
    "2001:db8::33 dev lan0  FAILED": changed(state=FAILED),
    "2001:db8::33 dev lan0  router FAILED": changed(state=FAILED, router=True),
    "Deleted 2001:db8::33 dev lan0 FAILED ": deleted(state=FAILED, lladdr=None),
    "Deleted 2001:db8::33 dev lan0  router FAILED": deleted(state=FAILED, lladdr=None),
    "miss 2001:db8::33 dev lan0 INCOMPLETE ": changed(state=INCOMPLETE),
    "miss 2001:db8::33 dev lan0  INCOMPLETE": changed(state=INCOMPLETE),
    f"Deleted 2001:db8::33 dev lan0 lladdr {M} DELAY ": deleted(state=NudState.DELAY),
    "2001:db8::33 dev lan0 ": changed(state=NONE),
    "2001:db8::33 dev lan0 proto 199 ": changed(state=NONE),
    # -s
    f"2001:db8::33 dev lan0 lladdr {M} ref 1 used 0/60/0 probes 0 STALE": changed(),
    f"2001:db8::33 dev lan0 lladdr {M} router  ref 1 used 0/60/0probes 0 STALE ": changed(router=True),
    "Deleted 2001:db8::33 dev lan0  used 4/64/4probes 0 FAILED proto 199 ": deleted(state=FAILED, lladdr=None),
    # -ts, label, all-nsid
    f"{STAMP}2001:db8::33 dev lan0 lladdr {M} STALE ": changed(),
    f"{STAMP}{STAMP}2001:db8::33 dev lan0 FAILED ": changed(state=FAILED),
    f"[NEIGH]2001:db8::33 dev lan0 lladdr {M} PERMANENT ": changed(state=PERMANENT),
    f"{STAMP}[NEIGH]Deleted 2001:db8::33 dev lan0 lladdr {M} STALE ": deleted(),
    f"[nsid current][NEIGH]2001:db8::33 dev lan0 lladdr {M} PERMANENT ": changed(state=PERMANENT),
    f"{STAMP}[nsid 4][NEIGH]2001:db8::33 dev lan0 lladdr {M} STALE ": changed(),
    # interfaces named like words, link-layer addresses of other links
    "2001:db8::33 dev proxy proxy ": changed(dev="proxy", state=NONE),
    f"2001:db8::33 dev metric lladdr {M} STALE ": changed(dev="metric"),
    f"2001:db8::33 dev STALE lladdr {M} router REACHABLE ": changed(dev="STALE", state=REACHABLE, router=True),
    "2001:db8::33 dev tun0 lladdr 08 REACHABLE ": changed(dev="tun0", state=REACHABLE, lladdr=None),
    "2001:db8::33 dev gre6 lladdr fe80::1 REACHABLE ": changed(dev="gre6", state=REACHABLE, lladdr=None),
    "2001:db8::33 dev gre6 lladdr 2001:db8:1:2:3:4:5:6 STALE ": changed(dev="gre6", lladdr=None),
    "2001:db8::33 dev sit0 lladdr 192.0.2.1 PERMANENT ": changed(dev="sit0", state=PERMANENT, lladdr=None),
    f"2001:db8::33 dev ib0 lladdr {'00:' * 19}01 STALE ": changed(dev="ib0", lladdr=f"{'00:' * 19}01"),
    # words that no iproute2 prints yet
    f"2001:db8::33 dev lan0 lladdr {M} shiny STALE new ": changed(unknown=("shiny", "new")),
    # links and addresses
    "[LINK]4: lan1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500": LinkChanged(4, "lan1", True, True),
    "4: lan1@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1": LinkChanged(4, "lan1", True, False),
    "5: lan0@x@if4: <BROADCAST,MULTICAST> mtu 1500": LinkChanged(5, "lan0@x", False, False),
    f"{STAMP}[LINK]4: lan1: <BROADCAST,MULTICAST> mtu 1500": LinkChanged(4, "lan1", False, False),
    "6: tun0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500": LinkChanged(6, "tun0", True, True, nd=False),
    "7: wg0: <POINTOPOINT,UP,LOWER_UP> mtu 1420": LinkChanged(7, "wg0", True, True, nd=False),
    "8: wan0@if2: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500": LinkChanged(8, "wan0", True, True, nd=False),
    "[LINK]Deleted 4: lan1@NONE: <BROADCAST,MULTICAST> mtu 1500": LinkDeleted(4, "lan1"),
    "[LINK]Deleted 4: lan1@NONE: <BROADCAST> mtu 1500 qdisc noop master br0 state DOWN": LinkDeleted(4, "lan1"),
    "[ADDR]4: lan1    inet6 2001:db8::1/64 scope global": AddressChanged("lan1", "2001:db8::1/64", False),
    "[ADDR]Deleted 4: lan1    inet6 2001:db8::1/64 scope": AddressChanged("lan1", "2001:db8::1/64", True),
}
IRRELEVANT = (
    "192.0.2.10 dev lan0 lladdr 02:00:00:00:00:01 STALE ",
    f"{STAMP}Deleted 224.0.0.22 dev br0 lladdr 01:00:5e:00:00:16 NOARP ",
    "dev lan1 lladdr 02:00:00:00:00:02 REACHABLE ",
    "Deleted dev br0 lladdr 02:00:00:00:00:f2 PERMANENT ",
    "Deleted ff02::16 dev lan0 lladdr 33:33:00:00:00:16 NOARP ",
    "Timestamp: Mon Nov 23 11:33:48 2026 126117 usec",
    "[ROUTE]2001:db8:77::5 dev lan1 proto 199 metric 1024 pref medium",
    "2001:db8:77::/64 dev lan1 proto kernel metric 256 pref medium",
    "[ADDR]4: lan1    inet 192.0.2.1/24 scope global lan1",
    "[LINK]4: lan1 what a bridge says of its port",
    # A port leaves its bridge; a port is deleted.
    "[LINK]Deleted 4: lan1@p1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state UP \\    link/ether 2a:25",
    "[LINK]Deleted 4: lan1@NONE: <BROADCAST,MULTICAST> mtu 1500 master br0 state DOWN \\    link/ether 2a:25",
    "    link/ether 02:00:00:00:00:f2 brd ff:ff:ff:ff:ff:ff",
    "",
)
REJECTED = {
    "2001:db8::33": "expected `dev NAME` after the address",
    "2001:db8::33 de": "expected `dev NAME` after the address",
    "db8::33 lan0 dev": "expected `dev NAME` after the address",
    "2001:db8::zz dev lan0 FAILED": "expected an IPv6 address first",
    "fe80::1%lan0 dev lan0 FAILED": "expected an IPv6 address first",
    "\udcff\x00\x1b[31m": "expected an IPv6 address first",
    "2001:db8::33 dev lan0 lladdr": "expected octets in hexadecimal after `lladdr`",
    "2001:db8::33 dev lan0 lladdr 02:0": "expected octets in hexadecimal after `lladdr`",
    "Deleted": "expected an address, got nothing",
    "[NEIGH]": "expected an address, got nothing",
    f"{'9' * 5000}: lan0: <UP>": "expected an IPv6 address first",
}
# Standard error, recorded along with standard output.
# Those of routes and settings are for MonitorHandler.
CAPTURES = sorted(
    file.stem for file in FIXTURES.glob("captures/*.txt") if not file.name.startswith(("batch-", "route-netconf-"))
)
COMPLAINTS = {"overrun-6.1.0": ["netlink receive error No buffer space available (105)"]}


@pytest.mark.parametrize(("line", "event"), LINES.items())
def test_line_is_understood(line: str, event: parser.LineEvent) -> None:
    """A line that some iproute2 prints is understood."""
    assert parser.event(line) == event


@pytest.mark.parametrize("line", IRRELEVANT)
def test_line_about_something_else_is_ignored(line: str) -> None:
    """A line that is not about an IPv6 neighbor, a link or an address gives no event."""
    assert parser.event(line) is None


@pytest.mark.parametrize(("line", "why"), REJECTED.items())
def test_truncated_line_or_garbage_is_rejected(line: str, why: str) -> None:
    """A line that ip(8) does not print is rejected, with its first 120 characters and what was expected."""
    assert parser.event(line) == LineRejected(line[:120], why)


def test_line_about_another_interface_is_not_parsed() -> None:
    """A neighbor on an interface that is not listed is ignored, whatever else its line says."""
    devs = frozenset({"lan0"})

    assert parser.event("2001:db8::33 dev eth7 lladdr garbage", devs) is None
    assert parser.event(f"2001:db8::33 dev lan0 lladdr {M} STALE", devs) == changed()


@pytest.mark.parametrize("capture", CAPTURES)
def test_capture_is_understood_completely(capture: str) -> None:
    """The output of a real monitor has no rejected line and no unknown word."""
    lines = (FIXTURES / "captures" / f"{capture}.txt").read_bytes().decode(errors="surrogateescape").split("\n")
    events = [parser.event(line) for line in lines if not line.startswith("#")]

    assert [it.text for it in events if isinstance(it, LineRejected)] == COMPLAINTS.get(capture, [])
    assert [it.unknown for it in events if isinstance(it, NeighborChanged) and it.unknown] == []
    assert any(isinstance(it, NeighborChanged) for it in events)


WORDS = st.sampled_from(
    f"Deleted miss dev lan0 lladdr {M} 08 STALE FAILED router proto 135 2001:db8::33 192.0.2.1 [NEIGH] [LINK] [ 4: "
    "lan0: <UP> inet6 ref used 1/2/3probes \\".split()
)
LIKE_LINES = st.lists(WORDS | st.text(max_size=5), max_size=12).map(" ".join)


@given(st.text() | st.binary().map(lambda line: line.decode(errors="surrogateescape")) | LIKE_LINES)
def test_anything_is_an_event_or_nothing_or_rejected(line: str) -> None:
    """No input raises an exception, and a rejected line is cut."""
    event = parser.event(line)

    assert event is None or isinstance(event, parser.LineEvent)
    assert not isinstance(event, LineRejected) or len(event.text) <= 120


DEVS = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=15)
LLADDRS = st.binary(min_size=6, max_size=20).map(lambda octets: octets.hex(":"))
ADDRESSES = st.ip_addresses(v=6).filter(lambda address: not address.is_multicast)
FLAGS = st.lists(st.sampled_from(["router", "managed", "extern_learn", "offload", "extern_valid"]), unique=True)


@given(
    address=ADDRESSES,
    dev=DEVS,
    lladdr=st.none() | LLADDRS,
    state=st.sampled_from(NudState),
    flags=FLAGS,
    proto=st.sampled_from(["", "proto 199 ", "proto ospf "]),
    header=st.sampled_from(["", STAMP, "[NEIGH]", f"{STAMP}[NEIGH]", "[nsid 1][NEIGH]"]),
    gone=st.booleans(),
)
def test_what_ip_prints_comes_back(  # every field of a line is one of these
    address: IPv6Address,
    dev: str,
    lladdr: str | None,
    state: NudState,
    flags: list[str],
    proto: str,
    header: str,
    gone: bool,
) -> None:
    """A neighbor's line, printed as print_neigh() does, gives the same neighbor."""
    words = [header + "Deleted " * gone + str(address), "dev", dev, *(["lladdr", lladdr] if lladdr else []), *flags]
    line = " ".join([*words, *([] if state is NONE else [state.value]), proto])

    event = parser.event(line)

    if gone:
        assert event == NeighborDeleted(address, dev, lladdr, state)
    else:
        assert event == NeighborChanged(address, dev, lladdr, state, router="router" in flags)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (f"2001:db8::33 dev lan0 lladdr {M} STALE", changed()),
        (f"2001:db8::33 dev lan0 lladdr {M} GONE", NeighborChanged(changed().address, "lan0", M, NONE, ("GONE",))),
        ("2001:db8::33 dev lan0 lladdr 02:00 STALE", changed(lladdr=None)),
        (f"192.0.2.10 dev lan0 lladdr {M} STALE", None),
        (f"ff02::16 dev lan0 lladdr {M} STALE", None),
    ],
)
def test_line_of_six_words_is_understood_like_any_other(line: str, event: parser.LineEvent) -> None:
    """Most lines have this shape, which has a way of its own; what does not fit it goes the way of all others."""
    assert parser.neighbor(line, line.split(), None) == event
