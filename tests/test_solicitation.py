"""Packets -> solicitations, by the rules of RFC 4861, 7.1.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.events import SolicitationReceived
from ndpbr_py.packets.solicitation import solicitation
from tests.builders import LLADDR, addr
from tests.frames import GROUP, NONCE, SOURCE, SOURCE_LLADDR, TARGET, frame, probe

FALSE = {
    "a router has forwarded it": frame(hops=254),
    "its checksum is wrong": frame(checksum=0x1234),
    "its checksum is missing": frame(checksum=0),
    "its code is not 0": frame(code=1),
    "it is an advertisement": frame(kind=136),
    "it is no ICMPv6": frame(upper=17),
    "it is IPv4": b"\x45" + frame()[1:],
    "it is shorter than 24 octets": frame(options=b"")[:-1],
    "it is shorter than it says": frame()[:-8],
    "its length says less than 24 octets": frame()[:5] + b"\x10" + frame()[6:],
    "its target is a group": frame(target="ff02::1"),
    "its source is a group": frame(source="ff02::1"),
    "an option has no length": frame(options=bytes((14, 0, 1, 2, 3, 4, 5, 6))),
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
        (frame(group=TARGET), SOURCE),  # unicast: is it still there?
        (frame("fe80::99"), "fe80::99"),
        (frame(options=b"") + bytes(6), SOURCE),  # padded to Ethernet's least length
    ],
)
def test_solicitation_is_heard(packet: bytes, source: str) -> None:
    """Who asks for whom, on which interface and from which link-layer address."""
    assert solicitation(packet, "lan0", LLADDR) == SolicitationReceived("lan0", addr(source), addr(TARGET), LLADDR)


@pytest.mark.parametrize("options", [b"", NONCE])
def test_probe_has_no_source(options: bytes) -> None:
    """Who makes sure that an address is free does not have it yet; RFC 7527 lets it send a nonce along."""
    heard = solicitation(probe(options=options), "lan0", LLADDR)

    assert heard == SolicitationReceived("lan0", None, addr(TARGET), LLADDR)


@pytest.mark.parametrize("packet", FALSE.values(), ids=FALSE)
def test_false_solicitation_is_none(packet: bytes) -> None:
    """What a node must discard is discarded."""
    assert solicitation(packet, "lan0", LLADDR) is None


@pytest.mark.parametrize("place", range(len(probe())))
def test_every_octet_counts(place: int) -> None:
    """An octet that was changed on its way is noticed, wherever it is, but for traffic class and flow label."""
    packet = bytearray(probe())
    packet[place] ^= 0x10 if place else 0x80

    assert (solicitation(bytes(packet), "lan0", LLADDR) is None) == (place not in (1, 2, 3))


@given(st.binary(max_size=200))
def test_noise_is_no_solicitation(noise: bytes) -> None:
    """Nothing raises; and what is cut or too long is none either."""
    assert solicitation(noise, "lan0", None) is None


@given(st.binary(max_size=64))
def test_any_options_are_taken_or_discarded(options: bytes) -> None:
    """Whatever options follow, the answer is the solicitation or none."""
    assert solicitation(frame(group=GROUP, options=options), "lan0", None) in (
        None,
        SolicitationReceived("lan0", addr(SOURCE), addr(TARGET), None),
    )
