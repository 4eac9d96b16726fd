"""Decision -> the level and the fields of its record.

Pure.  Fields without a value are left out, so that a record fits into the short line of a small syslogd.
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
# The name of `Decision.detail` in the record; a reason goes before a kind.
_DETAIL_NAMES: Mapping[DecisionKind | Reason, str] = {
    DecisionKind.MOVED: "from_dev",
    DecisionKind.CONFLICT: "claimed_by",
    DecisionKind.PROBED: "seen_on",
    DecisionKind.SUSPENDED: "down",
    DecisionKind.REFUSED: "error",
    DecisionKind.RETAINED: "error",
    DecisionKind.FOREIGN_ENTRY: "foreign",
    DecisionKind.LOOKUP_STARTED: "lookup_on",
    DecisionKind.PROXY_WITHHELD: "withheld_on",
    DecisionKind.LOOKUPS_RATE_LIMITED: "suppressed",
    Reason.LLADDR_CHANGED: "old_lladdr",
}


def fields(decision: Decision) -> dict[str, object]:
    """Return the fields of a decision's record that have a value."""
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
    proxied_on = [action.dev for action in decision.actions if isinstance(action, AddProxy)]
    if proxied_on:
        result["proxied_on"] = proxied_on
    if decision.detail is not None:
        name = _DETAIL_NAMES.get(decision.reason) or _DETAIL_NAMES.get(decision.kind) or "detail"
        result[name] = _value(name, decision.detail)
    return result


def _value(name: str, detail: str) -> object:
    if name == "lookup_on":
        return detail.split(",")
    return int(detail) if name == "suppressed" else detail


def level(decision: Decision) -> str:
    """Return the level of a decision's record."""
    if decision.kind is DecisionKind.REPAIRED and decision.reason is Reason.DRIFTED:
        return "warning"
    return LEVELS[decision.kind]
