"""structlog set-up; decisions, commands and what else happens -> records."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from itertools import chain
from typing import Any

import structlog

from ndpbr_py.config import LogConfig
from ndpbr_py.core.actions import Action
from ndpbr_py.core.decision import CLAIMS, Decision, DecisionKind, Reason
from ndpbr_py.core.ratelimit import TokenBucket
from ndpbr_py.logs.fields import fields, level
from ndpbr_py.logs.sink import Sink, Stream, Syslog

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_MANY = CLAIMS | {Reason.ADOPTED}  # of which a start after a crash makes thousands
_LIARS = frozenset((DecisionKind.IGNORED, DecisionKind.CONFLICT))
_MOST_WAITING = 5000  # decisions; some MB
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
_FIRST = ("ts", "level", "event", "address", "dev", "lladdr", "state", "reason")


Lines = Callable[[Action], Iterable[str]]


class Log:
    """Writes records: an event name, and the rest as fields."""

    def __init__(
        self,
        config: LogConfig,
        sink: Sink | None = None,
        commands: Lines | None = None,
        *,
        dry_run: bool = False,
        date: Callable[[], float] | None = None,
    ) -> None:
        """Set structlog up.

        Args:
            config: Where records go, and which.
            sink: Takes them instead.
            commands: Returns the lines for ip(8) of an action: each is a record, too, after its decision's.
            dry_run: The commands are not run, and so are what matters.
            date: Returns when what is logged happened, in seconds since 1970; without it that is now.
        """
        processors = _processors(config, date)
        self._now = date or time.monotonic
        notice = _dropped(processors)
        self.sink: Sink = sink or (Syslog("ndpbr", notice) if config.syslog else Stream(2, notice))
        least = getattr(logging, config.level.upper())
        self.verbose = least <= logging.DEBUG
        self.dry_run = dry_run
        self.commands = commands if self.verbose or dry_run else None
        self._log = structlog.wrap_logger(
            _Levels(self.sink),
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger(least),
        ).bind()
        self._said: set[str] = set()
        self._waiting: list[Decision] = []
        self._claims = TokenBucket(20, 500)
        self._reports = TokenBucket(1 / 10, 1)
        self._warnings: dict[tuple[DecisionKind, Reason], TokenBucket] = {}

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
        now = self._now()
        # Of thousands most are left out, and need not wait for that; the commands of each are told all the same.
        self._waiting.extend(decisions if self.commands else (it for it in decisions if self._is_told(it, now)))
        if len(self._waiting) > _MOST_WAITING:
            self.flush()

    def flush(self, most: int | None = None) -> bool:
        """Write what waits, *most* decisions of it, and what could not be written before; return whether more waits."""
        waiting, self._waiting = self._waiting[:most], self._waiting[most:] if most is not None else []
        now = self._now()
        for decision in waiting:
            if decision.kind in _LIARS:
                self._warn(decision, now)
            elif self.commands is None or self._is_told(decision, now):
                self._write(level(decision), decision)
            if self.commands is not None:
                self._write_commands(decision)
        if self._claims.has_refused and self._reports.allows(now):
            self._log.warning("log-rate-limited", count=self._claims.refused())
        self.sink.retry()
        return bool(self._waiting)

    def _is_told(self, decision: Decision, now: float) -> bool:
        if decision.reason not in _MANY or decision.kind in _LIARS or self.verbose:
            return True
        return self._claims.allows(now)

    def _warn(self, decision: Decision, now: float) -> None:
        """One a minute for each reason is a warning: who claims what is not his should be seen, and not be heard."""
        limit = self._warnings.setdefault((decision.kind, decision.reason), TokenBucket(1 / 60, 1))
        more = limit.refused() if limit.allows(now) else None
        if more is None:
            self._write("debug", decision)
        else:
            self._write("warning", decision, more=more)

    def _write(self, severity: str, decision: Decision, **more: object) -> None:
        if severity != "debug" or self.verbose:
            getattr(self._log, severity)(decision.kind._value_, **fields(decision), **more)

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


def _dropped(processors: list[Any]) -> Callable[[int], str]:
    """Return what renders the record of how many records could not be written."""
    log = structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )

    def notice(count: int) -> str:
        return str(log.warning("records-dropped", count=count))

    return notice


def _processors(config: LogConfig, date: Callable[[], float] | None) -> list[Any]:
    terminal = sys.stderr is not None and sys.stderr.isatty() and not config.syslog
    kind = config.format
    if kind == "auto":
        kind = "console" if terminal else "logfmt"
    # syslog says by its priority what the level is, and when it was; its lines are short.
    steps: list[Any] = [] if config.syslog else [structlog.processors.add_log_level]
    if kind != "logfmt":  # which does it as it quotes
        steps.append(_printable)
    if not config.syslog:
        steps.append(_Stamp(date))
    if kind == "json":
        steps += [_ordered, structlog.processors.JSONRenderer()]
    elif kind == "console":
        steps.append(structlog.dev.ConsoleRenderer(colors=terminal, timestamp_key="ts", sort_keys=False))
    else:
        steps.append(_logfmt)
    return steps


class _Stamp:
    """Adds ``ts``, UTC to the microsecond; the second is formatted once (TimeStamper takes four times as long)."""

    def __init__(self, date: Callable[[], float] | None) -> None:
        self._date = date
        self._second = 0
        self._text = ""

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        at = time.time_ns() if self._date is None else round(self._date() * 1e6) * 1000
        second, nanoseconds = divmod(at, 1_000_000_000)
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
