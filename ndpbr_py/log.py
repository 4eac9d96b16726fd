"""structlog set-up; decisions and commands -> fields of a record."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from functools import partial
from itertools import chain
from typing import Any

import structlog

from ndpbr_py.config import LogConfig
from ndpbr_py.core.actions import Action, AddProxy
from ndpbr_py.core.address import text
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
_MOST_WAITING = 5000  # decisions; some MB
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
_FIRST = ("ts", "level", "event", "address", "dev", "lladdr", "state", "reason")


Lines = Callable[[Action], Iterable[str]]


class Log:
    """Writes records: an event name, and the rest as fields."""

    def __init__(
        self, config: LogConfig, sink: Sink | None = None, commands: Lines | None = None, *, dry_run: bool = False
    ) -> None:
        """Set structlog up.

        Args:
            config: Where records go, and which.
            sink: Takes them instead.
            commands: Returns the lines for ip(8) of an action: each is a record, too, after its decision's.
            dry_run: The commands are not run, and so are what matters.
        """
        self.sink: Sink = sink or (Syslog("ndpbr") if config.syslog else Stream(2))
        level = getattr(logging, config.level.upper())
        self.verbose = level <= logging.DEBUG
        self.dry_run = dry_run
        self.commands = commands if self.verbose or dry_run else None
        self._log = structlog.wrap_logger(
            _Levels(self.sink),
            processors=_processors(config),
            wrapper_class=structlog.make_filtering_bound_logger(level),
        ).bind()
        self._said: set[str] = set()
        self._waiting: list[Decision] = []

    def record(self, level: str, event: str, /, **fields: object) -> None:
        """Write one record, after those that wait."""
        self.flush()
        getattr(self._log, level)(event, **fields)

    def once(self, level: str, event: str, /, **fields: object) -> None:
        """Write one record, but not the same one twice."""
        key = f"{event} {sorted(fields.items())}"
        if key not in self._said and len(self._said) < 1000:
            self._said.add(key)
            self.record(level, event, **fields)

    def decided(self, decisions: Iterable[Decision]) -> None:
        """Take note of what was decided; `flush()` writes it."""
        self._waiting.extend(decisions)
        if len(self._waiting) > _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits, and what could not be written before."""
        waiting, self._waiting = self._waiting, []
        for decision in waiting:
            level = LEVELS[decision.what]
            if decision.what is What.REPAIRED and decision.reason is Reason.DRIFTED:
                level = "warning"
            if self.verbose or level != "debug":
                getattr(self._log, level)(decision.what._value_, **fields(decision))
            if self.commands is not None:
                self._write_commands(decision)
        self.sink.retry()

    def _write_commands(self, decision: Decision) -> None:
        assert self.commands is not None
        for line in chain.from_iterable(map(self.commands, decision.actions)):
            if self.dry_run:
                self._log.info("would-run", command=f"ip -6 {line}")
            else:
                self._log.debug("command", command=f"ip -6 {line}")


class _Levels:
    """The methods that structlog calls with a rendered record."""

    def __init__(self, sink: Sink) -> None:
        self.debug = partial(sink.write, "debug")
        self.info = partial(sink.write, "info")
        self.warning = partial(sink.write, "warning")
        self.error = partial(sink.write, "error")


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


def _processors(config: LogConfig) -> list[Any]:
    terminal = sys.stderr is not None and sys.stderr.isatty() and not config.syslog
    kind = config.format
    if kind == "auto":
        kind = "console" if terminal else "logfmt"
    steps: list[Any] = [structlog.processors.add_log_level]
    if kind != "logfmt":  # which does it as it quotes
        steps.append(_printable)
    if not config.syslog:  # which stamps its records itself
        steps.append(_Stamp())
    if kind == "json":
        steps += [_ordered, structlog.processors.JSONRenderer()]
    elif kind == "console":
        steps.append(structlog.dev.ConsoleRenderer(colors=terminal, timestamp_key="ts", sort_keys=False))
    else:
        steps.append(_logfmt)
    return steps


class _Stamp:
    """Adds ``ts``, UTC to the microsecond; the second is formatted once (TimeStamper takes four times as long)."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        event["ts"] = f"{self._text}.{nanoseconds // 1000:06d}Z"
        return event


def _ordered(_: object, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {**{key: event[key] for key in _FIRST if key in event}, **event}


def _logfmt(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """key=value, quoted where it must be.  structlog's own takes three times as long, which 10,000 hosts notice."""
    return " ".join([f"{key}={_quoted(value)}" for key, value in _ordered(_, __, event).items()])


def _quoted(value: object) -> str:
    plain = str(value).lower() if value is None or isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(plain):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"').translate(_CONTROL)
    return f'"{escaped}"'


def _printable(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters: text from outside must not forge records, or move a terminal's cursor."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = value.translate(_CONTROL)
    return event
