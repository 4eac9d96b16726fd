"""The filter, run by the kernel: attached to a socket that is sent the data of a packet socket."""

from __future__ import annotations

import socket

import pytest

from ndpbr_py.packets.filter import PROGRAM
from ndpbr_py.system import bpf
from tests.frames import frame, probe

ACCEPTED = {
    "a solicitation": frame(),
    "one without options": frame(options=b""),
    "one from a link-local address": frame("fe80::1"),
    "a probe": probe(),
    "a probe for a link-local address": probe("fe80::33"),
}
DROPPED = {
    "a solicitation for a link-local address": frame(target="fe80::33"),
    "one for febf::, the last of them": frame(target="febf::1"),
    "an advertisement": frame(kind=136),
    "a code that is not 0": frame(code=1),
    "a forwarded one": frame(hops=64),
    "a packet that is not ICMPv6": frame(upper=6),
    "half a solicitation": frame()[:32],
    "nothing": b"",
}


def passes(packet: bytes) -> bool:
    """Whether the kernel lets *packet* through."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        bpf.attach(PROGRAM, there)
        there.setblocking(False)
        here.send(packet)
        try:
            return there.recv(2048) == packet
        except BlockingIOError:
            return False


@pytest.mark.parametrize("packet", ACCEPTED.values(), ids=ACCEPTED)
def test_relevant_packet_passes(packet: bytes) -> None:
    """Solicitations for addresses that hosts may have, and all DAD probes, pass unchanged."""
    assert passes(packet)


@pytest.mark.parametrize("packet", DROPPED.values(), ids=DROPPED)
def test_irrelevant_packet_is_dropped(packet: bytes) -> None:
    """Everything else does not wake the daemon, including the link-local solicitations that hosts send all the time."""
    assert not passes(packet)
