"""DAD probes for addresses that no host was known to have: the sender may not use the address yet.

Pure. Source: RFC 4862, 5.4.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from ndpbr_py.core.bounded import remember
from ndpbr_py.core.events import SolicitationReceived

DETECTION_S = 1.1  # RetransTimer (1 s), after which detection is over, plus the error of a coarse clock
_MAX_PROBES = 1000


class Detections:
    """The latest DAD probes for addresses that no host had, and when they came."""

    def __init__(self) -> None:
        self._probes: dict[IPv6Address, tuple[SolicitationReceived, float]] = {}

    def add(self, probe: SolicitationReceived, now: float) -> None:
        """Remember *probe*; of a flood only the latest ones."""
        remember(self._probes, probe.target, (probe, now), _MAX_PROBES)

    def get(self, address: IPv6Address, now: float) -> SolicitationReceived | None:
        """Return the probe for *address* while its sender may not use it yet."""
        if not self._probes:
            return None  # hashing an address is slow
        probe, at = self._probes.get(address, (None, 0.0))
        return probe if now - at < DETECTION_S else None
