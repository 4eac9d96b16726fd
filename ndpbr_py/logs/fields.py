"""Decision -> the level and the fields of its record.

Pure.  A field that says nothing is left out, so that a record fits into the line of a small syslogd.
"""

from __future__ import annotations

from collections.abc import Mapping

from ndpbr_py.core.actions import AddProxy
from ndpbr_py.core.address import text
from ndpbr_py.core.decision import Decision, DecisionKind, Reason

LEVELS: Mapping[DecisionKind, str] = {
    DecisionKind.LEARNED: "info",
    DecisionKind.MOVED: "info",
    DecisionKind.FORGOTTEN: "info",
    DecisionKind.VERIFIED: "debug",
    DecisionKind.PROBED: "debug",
    DecisionKind.RETAINED: "debug",
    DecisionKind.LOOKUP_STARTED: "debug",
    DecisionKind.SUSPENDED: "info",
    DecisionKind.LINK_UP_AGAIN: "info",
    DecisionKind.REPAIRED: "info",
    DecisionKind.REMOVED: "info",
    DecisionKind.GROUP_REJOINED: "debug",
    DecisionKind.REFUSED: "warning",
    DecisionKind.CONFLICT: "warning",
    DecisionKind.FOREIGN_ENTRY: "warning",
    DecisionKind.IGNORED: "debug",
    DecisionKind.PROXY_WITHHELD: "info",
    DecisionKind.LOOKUPS_RATE_LIMITED: "warning",
}
# What `note` is called in the record.
_NOTES: Mapping[DecisionKind | Reason, str] = {
    DecisionKind.MOVED: "from_dev",
    DecisionKind.CONFLICT: "claimed_by",
    DecisionKind.PROBED: "seen_on",
    DecisionKind.SUSPENDED: "down",
    DecisionKind.REFUSED: "error",
    DecisionKind.RETAINED: "error",
    DecisionKind.FOREIGN_ENTRY: "theirs",
    DecisionKind.LOOKUP_STARTED: "lookup_on",
    DecisionKind.PROXY_WITHHELD: "withheld_on",
    DecisionKind.LOOKUPS_RATE_LIMITED: "more",
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
    if decision.detail is not None:
        name = _NOTES.get(decision.reason) or _NOTES.get(decision.kind) or "note"
        result[name] = decision.detail
    return result


def level(decision: Decision) -> str:
    """Return the level of a decision's record."""
    if decision.kind is DecisionKind.REPAIRED and decision.reason is Reason.DRIFTED:
        return "warning"
    return LEVELS[decision.kind]
