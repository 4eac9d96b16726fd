"""NUD state -> what it says about the host.

Pure. Source: RFC 4861, 7.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ndpbr_py.core.events import NudState


class Verdict(Enum):
    """What a neighbor's state says about the host behind it."""

    PRESENT = "present"  # it has answered
    CLAIMED = "claimed"  # it has sent something, and is not verified yet
    GONE = "gone"  # it did not answer
    NOTHING = "nothing"


VERDICTS: Mapping[NudState, Verdict] = {
    NudState.NONE: Verdict.NOTHING,
    NudState.INCOMPLETE: Verdict.NOTHING,
    NudState.REACHABLE: Verdict.PRESENT,
    NudState.STALE: Verdict.CLAIMED,
    NudState.DELAY: Verdict.CLAIMED,
    NudState.PROBE: Verdict.CLAIMED,
    NudState.FAILED: Verdict.GONE,
    # The interface has no neighbor discovery: no host was seen.
    NudState.NOARP: Verdict.NOTHING,
    # Added by the administrator.
    NudState.PERMANENT: Verdict.PRESENT,
}
