"""Decision -> the level and the fields of its record.

Pure.  A field that says nothing is left out, so that a record fits into the line of a small syslogd.
"""

from __future__ import annotations

from collections.abc import Mapping

from ndpbr_py.core.actions import AddProxy
from ndpbr_py.core.address import text
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.policy import Reason

LEVELS: Mapping[What, str] = {
    What.LEARNED: "info",
    What.MOVED: "info",
    What.FORGOTTEN: "info",
    What.VERIFIED: "debug",
    What.DOUBTED: "debug",
    What.KEPT: "debug",
    What.SOUGHT: "debug",
    What.SUSPENDED: "info",
    What.RESUMED: "info",
    What.REPAIRED: "info",
    What.REMOVED: "info",
    What.REJOINED: "debug",
    What.REFUSED: "warning",
    What.CONFLICT: "warning",
    What.SHADOWED: "warning",
    What.IGNORED: "debug",
    What.OPENED: "info",
    What.LEFT_OUT: "warning",
}
# What `note` is called in the record.
_NOTES: Mapping[What | Reason, str] = {
    What.MOVED: "from_dev",
    What.CONFLICT: "claimed_by",
    What.DOUBTED: "heard_on",
    What.SUSPENDED: "down",
    What.REFUSED: "error",
    What.KEPT: "error",
    What.SHADOWED: "theirs",
    What.SOUGHT: "sought_on",
    What.OPENED: "open_on",
    What.LEFT_OUT: "more",
    Reason.LLADDR_CHANGED: "old_lladdr",
}


def fields(decision: Decision) -> dict[str, object]:
    """Return the fields of a decision's record: those that say something."""
    result: dict[str, object] = {}
    if decision.address is not None:
        result["address"] = text(decision.address)
    if decision.dev is not None:
        result["dev"] = decision.dev
    if decision.lladdr is not None:
        result["lladdr"] = decision.lladdr
    if decision.state is not None:
        result["state"] = decision.state._value_
    result["reason"] = decision.reason._value_
    answered_for = [action.dev for action in decision.actions if isinstance(action, AddProxy)]
    if answered_for:
        result["proxied_on"] = ",".join(answered_for)
    if decision.note is not None:
        name = _NOTES.get(decision.reason) or _NOTES.get(decision.what) or "note"
        result[name] = decision.note
    return result


def level(decision: Decision) -> str:
    """Return the level of a decision's record."""
    if decision.what is What.REPAIRED and decision.reason is Reason.DRIFTED:
        return "warning"
    return LEVELS[decision.what]
