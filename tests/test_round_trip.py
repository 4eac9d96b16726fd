"""Echo requests, as far as they can be tested without a network."""

from __future__ import annotations

import os

import pytest

from ndpbr_py.errors import NdpbrError
from ndpbr_py.packets.round_trip import round_trips
from tests.builders import addr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may ping")
def test_round_trips_need_a_capability() -> None:
    """Without the right to a raw socket, the error names the missing capability."""
    with pytest.raises(NdpbrError, match=r"^sending ICMPv6 messages requires root or CAP_NET_RAW$"):
        round_trips([(addr(), "lan0")])
