"""Decision -> the level and the fields of its record.

Pure.  Fields without a value are left out, so that a record fits into the short line of a small syslogd.
"""

from __future__ import annotations

import dataclasses

from ndpbr_py.core.actions import AddProxy
from ndpbr_py.core.address import text
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, ForeignEntry, Reason
from ndpbr_py.core.events import HostRoute

_DEBUG_KINDS = frozenset(
    (
        DecisionKind.VERIFIED,
        DecisionKind.PROBED,
        DecisionKind.RETAINED,
        DecisionKind.LOOKUP_STARTED,
        DecisionKind.LOOKUP_FAILED,
        DecisionKind.GROUP_REJOINED,
        DecisionKind.IGNORED,
        DecisionKind.ADVERTISED,
        DecisionKind.SUSPENDED,
        DecisionKind.PROXIED_ON_DEMAND,
        DecisionKind.UNPROXIED,
        DecisionKind.ADDRESS_PROXIED,  # again and again where a link flaps
    )
)
_WARNING_KINDS = frozenset(
    (
        DecisionKind.REFUSED,
        DecisionKind.CONFLICT,
        DecisionKind.FOREIGN_ENTRY,
        DecisionKind.LOOKUPS_RATE_LIMITED,
        DecisionKind.ND_PROXY,
    )
)
_DETAIL_FIELDS = tuple(field.name for field in dataclasses.fields(Detail))


def fields(decision: Decision) -> dict[str, object]:
    """Return the fields of a decision's record that have a value."""
    result: dict[str, object] = {
        "address": decision.address and text(decision.address),
        "dev": decision.dev,
        "lladdr": decision.lladdr,
        "state": decision.state and decision.state._value_,
        "reason": decision.reason._value_,
        "proxied_on": [action.dev for action in decision.actions if isinstance(action, AddProxy)] or None,
    }
    if decision.detail is not None:
        result |= {name: getattr(decision.detail, name) for name in _DETAIL_FIELDS}
        result["foreign"] = decision.detail.foreign and _foreign(decision.detail.foreign)
        result["lookup_on"] = list(decision.detail.lookup_on) or None
    return {name: value for name, value in result.items() if value is not None}


def _foreign(entry: ForeignEntry) -> str:
    """Return an entry of another program in words, e.g. ``route dev lan0``."""
    if isinstance(entry, HostRoute):
        return f"route {entry.target}"
    return f"proxy dev {','.join(it.dev for it in entry)}"


def level(decision: Decision) -> str:
    """Return the level of a decision's record."""
    if decision.kind is DecisionKind.REPAIRED:
        return "warning" if decision.reason in (Reason.DRIFTED, Reason.CHANGED_AGAIN) else "debug"
    if decision.kind is DecisionKind.LINK_UP_AGAIN and decision.reason is Reason.NO_CARRIER:
        return "debug"
    return "debug" if decision.kind in _DEBUG_KINDS else "warning" if decision.kind in _WARNING_KINDS else "info"
