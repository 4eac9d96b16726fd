"""structlog set-up; decisions and commands -> fields of a record."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from ndpbr_py.config import LogConfig
from ndpbr_py.core.actions import AddProxy
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.policy import Reason
from ndpbr_py.logsink import Sink, Stream, Syslog

LEVELS: Mapping[What, str] = {
    What.LEARNED: "info",
    What.MOVED: "info",
    What.FORGOTTEN: "info",
    What.VERIFIED: "debug",
    What.DOUBTED: "debug",
    What.KEPT: "debug",
    What.SUSPENDED: "info",
    What.RESUMED: "info",
    What.REPAIRED: "info",
    What.REMOVED: "info",
    What.REFUSED: "warning",
    What.CONFLICT: "warning",
    What.SHADOWED: "warning",
    What.IGNORED: "debug",
}
# What `note` is called in the record.
_NOTES: Mapping[What | Reason, str] = {
    What.MOVED: "from_dev",
    What.CONFLICT: "claimed_by",
    What.SUSPENDED: "down",
    What.REFUSED: "error",
    What.KEPT: "error",
    What.SHADOWED: "theirs",
    Reason.LLADDR_CHANGED: "old_lladdr",
    Reason.CLAIMED_ELSEWHERE: "heard_on",
    Reason.LLADDR_ELSEWHERE: "heard_on",
}
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_FIRST = ("ts", "level", "event", "address", "dev", "lladdr", "state", "reason")


class Log:
    """Writes records: an event name, and the rest as fields."""

    def __init__(self, config: LogConfig, sink: Sink | None = None) -> None:
        self.sink: Sink = sink or (Syslog("ndpbr") if config.syslog else Stream(2))
        level = getattr(logging, config.level.upper())
        self.verbose = level <= logging.DEBUG
        self._log = structlog.wrap_logger(
            self.sink,
            processors=[*_processors(config), self._deliver],
            wrapper_class=structlog.make_filtering_bound_logger(level),
        ).bind()
        self._said: set[str] = set()

    def record(self, level: str, event: str, /, **fields: object) -> None:
        """Write one record."""
        getattr(self._log, level)(event, **fields)

    def once(self, level: str, event: str, /, **fields: object) -> None:
        """Write one record, but not the same one twice."""
        key = f"{event} {sorted(fields.items())}"
        if key not in self._said and len(self._said) < 1000:
            self._said.add(key)
            self.record(level, event, **fields)

    def decision(self, decision: Decision) -> None:
        """Write what was decided."""
        level = LEVELS[decision.what]
        if level == "debug" and not self.verbose:
            return
        if decision.what is What.REPAIRED and decision.reason is Reason.DRIFTED:
            level = "warning"
        self.record(level, decision.what.value, **fields(decision))

    def _deliver(self, _: object, level: str, event: MutableMapping[str, Any] | str) -> str:
        self.sink.write(level, str(event))
        raise structlog.DropEvent


def fields(decision: Decision) -> dict[str, object]:
    """Return the fields of a decision's record: those that say something."""
    result: dict[str, object] = {}
    if decision.address is not None:
        result["address"] = str(decision.address)
    if decision.dev is not None:
        result["dev"] = decision.dev
    if decision.lladdr is not None:
        result["lladdr"] = decision.lladdr
    if decision.state is not None:
        result["state"] = decision.state.value
    result["reason"] = decision.reason.value
    answered_for = [action.dev for action in decision.actions if isinstance(action, AddProxy)]
    if answered_for:
        result["proxied_on"] = ",".join(answered_for)
    if decision.note is not None:
        name = _NOTES.get(decision.reason) or _NOTES.get(decision.what) or "note"
        result[name] = decision.note
    return result


def _processors(config: LogConfig) -> list[Any]:
    terminal = sys.stderr is not None and sys.stderr.isatty() and not config.syslog
    kind = config.format
    if kind == "auto":
        kind = "console" if terminal else "logfmt"
    chain: list[Any] = [structlog.processors.add_log_level, _printable]
    if not config.syslog:  # which stamps its records itself
        chain.append(structlog.processors.TimeStamper("iso", utc=True, key="ts"))
    if kind == "json":
        chain += [_ordered, structlog.processors.JSONRenderer()]
    elif kind == "console":
        chain.append(structlog.dev.ConsoleRenderer(colors=terminal, timestamp_key="ts", sort_keys=False))
    else:
        chain.append(structlog.processors.LogfmtRenderer(key_order=_FIRST, drop_missing=True, sort_keys=False))
    return chain


def _ordered(_: object, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    first = {key: event[key] for key in _FIRST if key in event}
    return {**first, **event}


def _printable(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters: text from outside must not forge records, or move a terminal's cursor."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = value.translate(_CONTROL)
    return event
