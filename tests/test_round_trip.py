"""Echo requests: what can be said without a network."""

from __future__ import annotations

import os

import pytest

from ndpbr_py.errors import NdpbrError
from ndpbr_py.packets.round_trip import ping
from tests.builders import addr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may ping")
def test_ping_needs_a_capability() -> None:
    """Without the right to a raw socket the user is told what is missing."""
    with pytest.raises(NdpbrError, match=r"^root or CAP_NET_RAW was wanted to ping, got neither$"):
        ping([(addr(), "lan0")])
