"""An action `Advertise` -> a neighbor advertisement, on a real link."""

from __future__ import annotations

import socket
import struct

import pytest

from ndpbr_py.core.actions import Advertise
from ndpbr_py.errors import NdpbrError
from ndpbr_py.packets.advertisement import AdvertisementSocket, advertisement
from tests.builders import addr
from tests.home import LAN, MODEM, ROUTER, Home

_HEADER = struct.Struct("!IHBB16s16s")
_TIMEOUT_S = 5.0  # until the test gives up


def test_message_is_that_of_the_rfc() -> None:
    """Type 136, the flags, the target, and the lladdr in a target link-layer address option (RFC 4861, 4.4)."""
    assert advertisement(addr(), bytes.fromhex("020000000033"), 0x40) == bytes.fromhex(
        "88000000 40000000 20010db8000000000000000000000033 0201020000000033"
    )


@pytest.mark.parametrize(
    ("action", "source", "destination", "flags"),
    [
        (Advertise(addr(LAN), "wan0", addr(MODEM)), ROUTER, MODEM, 0x40),
        (Advertise(addr(LAN), "wan0", None), None, "ff02::1", 0x20),
        (Advertise(addr(LAN), "wan0", addr(MODEM), as_target=True), LAN, MODEM, 0x40),
    ],
)
def test_advertisement_arrives(home: Home, action: Advertise, source: str | None, destination: str, flags: int) -> None:
    """The modem receives it from the expected source, with hop limit 255, the flags and the router's lladdr."""
    sender = AdvertisementSocket()
    with home.modem.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))) as tap:
        tap.settimeout(_TIMEOUT_S)
        home.router.inside(lambda: sender.send(action))
        sender.close()
        while (packet := tap.recv(2048))[40] != 136 or packet[48:64] != addr(LAN).packed:
            pass

    _, _, _, hop_limit, seen_source, seen_destination = _HEADER.unpack_from(packet)
    lladdr = bytes.fromhex(home.router.mac("wan0").replace(":", ""))
    assert (hop_limit, packet[44], seen_destination) == (255, flags, addr(destination).packed)
    assert packet[64:] == bytes((2, 1)) + lladdr
    assert source is None or seen_source == addr(source).packed


def test_without_the_permission_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CAP_NET_RAW sending fails with a sentence for the log."""

    def refuse(*_: object) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(NdpbrError, match="CAP_NET_RAW"):
        AdvertisementSocket().send(Advertise(addr(LAN), "lo", None))
