"""Decision -> the level and the fields of its record.

Pure.  Fields without a value are left out, so that a record fits into the short line of a small syslogd.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ndpbr_py.core.actions import AddProxy
from ndpbr_py.core.address import text
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, ForeignEntry, Reason
from ndpbr_py.core.events import HostRoute

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
_DETAILS = tuple(field.name for field in dataclasses.fields(Detail))


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
        for name in _DETAILS:
            if (detail := getattr(decision.detail, name)) not in (None, ()):
                result[name] = detail
        if decision.detail.foreign is not None:
            result["foreign"] = _foreign(decision.detail.foreign)
        if decision.detail.lookup_on:
            result["lookup_on"] = list(decision.detail.lookup_on)
    return result


def _foreign(entry: ForeignEntry) -> str:
    """Return an entry of another program in words, e.g. ``route dev lan0``."""
    if isinstance(entry, HostRoute):
        return f"route {entry.target}"
    return f"proxy dev {','.join(it.dev for it in entry)}"


def level(decision: Decision) -> str:
    """Return the level of a decision's record."""
    if decision.kind is DecisionKind.REPAIRED and decision.reason is Reason.DRIFTED:
        return "warning"
    return LEVELS[decision.kind]
