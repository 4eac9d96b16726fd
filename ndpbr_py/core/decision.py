"""The core's answer: what was decided about one address, why, and the actions that follow."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action
from ndpbr_py.core.events import NudState
from ndpbr_py.core.policy import Reason
from ndpbr_py.core.value import value


class What(Enum):
    """What was decided: the name of the log's record."""

    LEARNED = "host-learned"
    MOVED = "host-moved"
    FORGOTTEN = "host-forgotten"
    VERIFIED = "host-verified"
    DOUBTED = "host-doubted"
    KEPT = "host-kept"
    SOUGHT = "host-sought"
    SUSPENDED = "host-suspended"
    RESUMED = "host-resumed"
    REPAIRED = "host-repaired"
    REFUSED = "action-refused"
    CONFLICT = "address-conflict"
    SHADOWED = "foreign-entry"
    IGNORED = "address-ignored"
    REMOVED = "leftover-removed"
    REJOINED = "host-refreshed"
    OPENED = "address-left-open"
    LEFT_OUT = "looks-left-out"

    __hash__ = object.__hash__  # as NudState's


@value
class Decision:
    """One decision.  ``note`` is the one further fact a reader of the log needs, e.g. the other lladdr."""

    what: What
    reason: Reason
    address: IPv6Address | None = None
    dev: str | None = None
    lladdr: str | None = None
    state: NudState | None = None
    actions: Sequence[Action] = ()
    note: str | None = None
