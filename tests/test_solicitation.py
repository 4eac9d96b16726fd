"""Packets -> solicitations, by the rules of RFC 4861, 7.1.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.events import SolicitationReceived
from ndpbr_py.packets.solicitation import solicitation
from tests.builders import LLADDR, addr
from tests.frames import GROUP, NONCE, SOURCE, SOURCE_LLADDR, TARGET, frame, probe

INVALID = {
    "a router has forwarded it": frame(hops=254),
    "its checksum is wrong": frame(checksum=0x1234),
    "its checksum is missing": frame(checksum=0),
    "its code is not 0": frame(code=1),
    "it is an advertisement": frame(kind=136),
    "it is no ICMPv6": frame(upper=17),
    "it is IPv4": b"\x45" + frame()[1:],
    "it is shorter than 24 octets": frame(options=b"")[:-1],
    "it is shorter than its length": frame()[:-8],
    "its length is less than 24 octets": frame()[:5] + b"\x10" + frame()[6:],
    "its target is a group": frame(target="ff02::1"),
    "its source is a group": frame(source="ff02::1"),
    "the length of an option is 0": frame(options=bytes((14, 0, 1, 2, 3, 4, 5, 6))),
    "an option is longer than the packet": frame(options=bytes((14, 2, 1, 2, 3, 4, 5, 6))),
    "half an option": frame(options=b"\x01"),
    "a probe that is not sent to a solicited-node group": probe(group="ff02::1"),
    "a probe that is sent to the target": probe(group=TARGET),
    "a probe with a link-layer address": probe(options=SOURCE_LLADDR),
}


@pytest.mark.parametrize(
    ("packet", "source"),
    [
        (frame(), SOURCE),
        (frame(options=b""), SOURCE),
        (frame(options=NONCE + SOURCE_LLADDR), SOURCE),
        (frame(group=TARGET), SOURCE),  # unicast: neighbor unreachability detection
        (frame("fe80::99"), "fe80::99"),
        (frame(options=b"") + bytes(6), SOURCE),  # padded to Ethernet's minimum length
    ],
)
def test_solicitation_is_parsed(packet: bytes, source: str) -> None:
    """A valid solicitation gives its interface, source, target and sender."""
    assert solicitation(packet, "lan0", LLADDR) == SolicitationReceived("lan0", addr(source), addr(TARGET), LLADDR)


@pytest.mark.parametrize("options", [b"", NONCE])
def test_dad_probe_has_no_source(options: bytes) -> None:
    """A host that probes for duplicates has no address yet; with RFC 7527 it adds a nonce."""
    event = solicitation(probe(options=options), "lan0", LLADDR)

    assert event == SolicitationReceived("lan0", None, addr(TARGET), LLADDR)


@pytest.mark.parametrize("packet", INVALID.values(), ids=INVALID)
def test_invalid_solicitation_is_none(packet: bytes) -> None:
    """A solicitation that a node must discard is discarded."""
    assert solicitation(packet, "lan0", LLADDR) is None


@pytest.mark.parametrize("place", range(len(probe())))
def test_every_octet_counts(place: int) -> None:
    """A change of any octet makes it invalid, except of those with traffic class and flow label."""
    packet = bytearray(probe())
    packet[place] ^= 0x10 if place else 0x80

    assert (solicitation(bytes(packet), "lan0", LLADDR) is None) == (place not in (1, 2, 3))


@given(st.binary(max_size=200))
def test_noise_is_no_solicitation(noise: bytes) -> None:
    """Random octets raise no exception and are no solicitation."""
    assert solicitation(noise, "lan0", None) is None


@given(st.binary(max_size=64))
def test_any_options_give_a_solicitation_or_none(options: bytes) -> None:
    """Whatever options follow, the result is the solicitation or None."""
    assert solicitation(frame(group=GROUP, options=options), "lan0", None) in (
        None,
        SolicitationReceived("lan0", addr(SOURCE), addr(TARGET), None),
    )
