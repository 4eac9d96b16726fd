"""The filter, as the kernel itself runs it: attached to a socket that is told what a packet socket would be."""

from __future__ import annotations

import socket

import pytest

from ndpbr_py.packets.filter import sock_fprog
from tests.frames import frame, probe

SO_ATTACH_FILTER = 26
LET_THROUGH = {
    "a solicitation": frame(),
    "one without options": frame(options=b""),
    "one from a link-local address": frame("fe80::1"),
    "a probe": probe(),
    "a probe for a link-local address": probe("fe80::33"),
}
STOPPED = {
    "a solicitation for a link-local address": frame(target="fe80::33"),
    "one for febf::, the last of them": frame(target="febf::1"),
    "an advertisement": frame(kind=136),
    "a code that is not 0": frame(code=1),
    "a forwarded one": frame(hops=64),
    "what is not ICMPv6": frame(upper=6),
    "the first half": frame()[:32],
    "nothing": b"",
}


def passes(packet: bytes) -> bool:
    """Whether the kernel lets *packet* through."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        program, _kept = sock_fprog()
        there.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        there.setblocking(False)
        here.send(packet)
        try:
            return there.recv(2048) == packet
        except BlockingIOError:
            return False


@pytest.mark.parametrize("packet", LET_THROUGH.values(), ids=LET_THROUGH)
def test_what_may_matter_is_let_through(packet: bytes) -> None:
    """Solicitations for addresses that may be hosts', and every probe, come through whole."""
    assert passes(packet)


@pytest.mark.parametrize("packet", STOPPED.values(), ids=STOPPED)
def test_what_never_matters_wakes_nobody(packet: bytes) -> None:
    """Everything else stays in the kernel, also what hosts ask each other all day."""
    assert not passes(packet)
