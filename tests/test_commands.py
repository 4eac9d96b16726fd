"""Actions -> commands for ip(8)."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import (
    Action,
    AddProxy,
    AddRoute,
    Advertise,
    DelNeighbor,
    DelProxy,
    DelRoute,
    Mark,
    Probe,
    RejoinGroup,
)
from ndpbr_py.core.events import NeighborChanged
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands, marker
from tests.builders import LLADDR, addr

A = addr()
COMMANDS: dict[Action, tuple[str, ...]] = {
    AddRoute(A, "lan0"): ("route add 2001:db8::33/128 dev lan0 proto 135 metric 4096",),
    DelRoute(A, "lan0"): ("route del 2001:db8::33/128 dev lan0 proto 135",),
    AddProxy(A, "wan0"): ("neigh add proxy 2001:db8::33 dev wan0 proto 135",),
    DelProxy(A, "wan0"): (
        "neigh add proxy 2001:db8::33 dev wan0 proto 135",
        "neigh del proxy 2001:db8::33 dev wan0",
    ),
    Probe(A, "lan0", LLADDR): (f"neigh replace 2001:db8::33 lladdr {LLADDR} dev lan0 nud probe",),
    Probe(A, "lan0", None): ("neigh replace 2001:db8::33 dev lan0 nud none use",),
    DelNeighbor(A, "lan0"): (
        "neigh replace 2001:db8::33 dev lan0 nud failed",
        "neigh del 2001:db8::33 dev lan0",
    ),
    Mark(0xABCDEF): (
        "neigh replace 100::87 lladdr 00:00:5e:ab:cd:ef dev lo nud permanent",
        "neigh del 100::87 dev lo",
    ),
    # All are removed before the first is added: otherwise their common group would not be left.
    RejoinGroup((A, addr("2001:db8::1:0:33")), "wan0"): (
        "neigh add proxy 2001:db8::33 dev wan0 proto 135",
        "neigh add proxy 2001:db8::1:0:33 dev wan0 proto 135",
        "neigh del proxy 2001:db8::33 dev wan0",
        "neigh del proxy 2001:db8::1:0:33 dev wan0",
        "neigh add proxy 2001:db8::33 dev wan0 proto 135",
        "neigh add proxy 2001:db8::1:0:33 dev wan0 proto 135",
    ),
}


@pytest.mark.parametrize(("action", "lines"), COMMANDS.items(), ids=str)
def test_action_has_its_commands(action: Action, lines: tuple[str, ...]) -> None:
    """Each action is one command, or several that cannot fail."""
    assert Commands(135).lines(action) == lines


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (AddRoute(A, "lan0"), "ip -6 route add 2001:db8::33/128 dev lan0 proto 135 metric 4096"),
        (Advertise(A, "wan0", addr("fe80::1")), "advertise 2001:db8::33 dev wan0 to fe80::1"),
        (Advertise(A, "wan0", None), "advertise 2001:db8::33 dev wan0 to ff02::1"),
        (Advertise(A, "wan0", None, as_target=True), "advertise 2001:db8::33 dev wan0 to ff02::1 from 2001:db8::33"),
    ],
)
def test_action_is_shown_as_a_command_or_a_packet(action: Action, words: str) -> None:
    """The log and a replay show whole command lines; an advertisement has no command."""
    assert Commands(135).shown(action) == (words,)


def test_tag_is_the_configured_number() -> None:
    """--protocol N tags every entry with N."""
    lines = [line for action in COMMANDS for line in Commands(77).lines(action) if "proto" in line]

    assert len(lines) == 8
    assert all(" proto 77" in line for line in lines)


def test_old_ip_probes_without_use() -> None:
    """Before iproute2 5.16 there is no `use`; nud incomplete would black-hole the address."""
    assert Commands(135, has_use=False).lines(Probe(A, "lan0", None)) == (
        "neigh replace 2001:db8::33 dev lan0 nud delay",
    )


def test_marker_is_recognized_when_it_comes_back() -> None:
    """The line that the monitor prints for Mark gives the expected neighbor."""
    event = parser.event(f"[NEIGH]{Commands(135).marker} dev lo lladdr {marker(7)} PERMANENT ")

    assert isinstance(event, NeighborChanged)
    assert (str(event.address), event.lladdr) == (Commands(135).marker, "00:00:5e:00:00:07")


def test_two_daemons_do_not_delete_the_marker_of_the_other() -> None:
    """To delete a marker that the other has deleted would end the batch: another protocol, another address."""
    ours, others = ({*it.lines(Mark(1)), *it.warm_up().splitlines()} for it in (Commands(135), Commands(136)))

    assert not ours & others


def test_flush_removes_what_has_our_tag() -> None:
    """No entry of another program is removed, and the proxy entries are removed first."""
    assert Commands(77).flush() == (("neigh", "flush", "proxy", "proto", "77"), ("route", "flush", "proto", "77"))
