"""Decisions, ip(8) commands and daemon events -> log records, through structlog; docs/log.md lists every event."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv6Address
from itertools import chain

from ndpbr_py.config import LogConfig
from ndpbr_py.core.actions import Action
from ndpbr_py.core.decision import CLAIMS, Decision, DecisionKind, Reason
from ndpbr_py.core.ratelimit import OncePerKey, TokenBucket
from ndpbr_py.logs.fields import fields, level
from ndpbr_py.logs.rendering import bound_logger, processors
from ndpbr_py.logs.sink import Sink, StderrSink, SyslogSink
from ndpbr_py.system import clock

# A start after a crash adopts thousands of hosts, and a flood claims thousands of addresses.
RATE_LIMITED_REASONS = CLAIMS | {Reason.ADOPTED}
# Another host's false claims: a warning once an hour for each address and reason, the others at level debug.
RATE_LIMITED_WARNINGS = frozenset((DecisionKind.IGNORED, DecisionKind.CONFLICT))
# At the start and at the stop these have one summary: there may be thousands.
SUMMARIZED = frozenset((DecisionKind.LEARNED, DecisionKind.FORGOTTEN, DecisionKind.REPAIRED, DecisionKind.REMOVED))
_MAX_RECENT_RECORDS = 300  # records; about 0.1 MB
_MAX_QUEUED_DECISIONS = 5000  # decisions that wait for flush(); some MB
_MAX_CONDITIONS_PER_EVENT = 100  # unknown keywords come from outside

CommandLines = Callable[[Action], Iterable[str]]


@dataclass(slots=True)
class _Condition:
    """A condition that was logged and has not ended.

    Attributes:
        since_s: When it began, on the clock of the log.
        fields: The fields of its last record.
    """

    since_s: float
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that is a warning or an error; ``at`` is a time of clock.now()."""

    at: float
    event: str
    fields: dict[str, object]


class Log:
    """Writes records: an event name, and everything else as fields.

    Attributes:
        summarized: Whether the caller writes one record about all hosts: the records of each are at level debug.
    """

    def __init__(
        self,
        config: LogConfig,
        sink: Sink | None = None,
        commands: CommandLines | None = None,
        *,
        dry_run: bool = False,
        date: Callable[[], float] | None = None,
        name_of: Callable[[IPv6Address, str | None], str | None] = lambda *_: None,
    ) -> None:
        """Set structlog up.

        Args:
            config: The destination, the format and the lowest level of the records.
            sink: The destination of the records; without it standard error or syslogd, as *config* says.
            commands: Returns the lines that say what an action does.  Each is a record, after its decision's.
            dry_run: The commands are not run; their records are `would-run`, at level info.
            date: Returns the time of the records in seconds since 1970, for a replay; without it, now.
            name_of: Returns the name of the host with an address and an lladdr.
        """
        steps, self._now = processors(config, date), date or time.monotonic

        def notice(count: int) -> str:
            return str(bound_logger(steps).warning("log-records-dropped", count=count))

        self.sink: Sink = sink or (SyslogSink("ndpbr", notice) if config.syslog else StderrSink(2, notice))
        self._lowest: int = getattr(logging, config.level.upper())
        self.verbose: bool = self._lowest <= logging.DEBUG
        self.dry_run = dry_run
        self.name_of = name_of
        self.problem: Problem | None = None
        self.commands = commands if self.verbose or dry_run else None
        self.recent: deque[str] = deque(maxlen=_MAX_RECENT_RECORDS)  # for `ndpbr report`
        self._log = bound_logger(steps, _SinkLogger(self.sink, self.recent), self._lowest)
        self._conditions: dict[str, dict[str, _Condition]] = defaultdict(dict)
        self.summarized = False
        self._queued: list[Decision] = []
        self._claims = TokenBucket(20, 500)
        self._moves = TokenBucket(1, 50)  # a machine on two links may flip hundreds of addresses between them
        self._prefixes = TokenBucket(1, 50)  # a router advertisement may have 40 of them
        self._reports = TokenBucket(1 / 10, 1)
        self._warned = OncePerKey(3600, 1000)
        # A flood of false claims is a warning once a minute.
        self._warnings: dict[tuple[DecisionKind, Reason], TokenBucket] = {}
        self._suppressed: Counter[tuple[DecisionKind, Reason]] = Counter()

    def record(self, level: str, event: str, /, **fields: object) -> None:
        """Write one record, after those of the queued decisions."""
        self.flush()
        self._emit(level, event, fields)
        self.sink.flush()

    def limited(self, level: str, event: str, /, **fields: object) -> None:
        """Write a record; at level debug beyond the rate limit, because any host on a link can cause thousands."""
        self.record(level if self._prefixes.allows(self._now()) else "debug", event, **fields)

    def condition(self, level: str, event: str, /, *, active: bool, key: str = "", **fields: object) -> None:
        """Log when a condition begins, when its fields change, and when it ends.

        The record of the end has the same event and the fields of the last record, with ``ended=true`` and how long
        the condition lasted; its level is info, or debug if *level* is debug.

        Args:
            level: The level of the record of the beginning.
            event: The name of the condition, e.g. ``metrics-file-unwritable``.
            active: Whether the condition holds now.
            key: Tells several conditions of one event apart, e.g. an interface.
            fields: Fields of the record; not needed where *active* is false.
        """
        conditions = self._conditions[event]
        known = conditions.get(key)
        if active:
            if known is None:
                if len(conditions) == _MAX_CONDITIONS_PER_EVENT:
                    return
                known = conditions[key] = _Condition(self._now())
            elif known.fields == fields:
                return
            known.fields = fields
            self.record(level, event, **fields)
        elif known is not None:
            del conditions[key]
            lasted_s = round(self._now() - known.since_s, 1)
            self.record("debug" if level == "debug" else "info", event, **known.fields, ended=True, lasted_s=lasted_s)

    def decided(self, decisions: Iterable[Decision]) -> None:
        """Queue the records of *decisions* for `flush()`."""
        now = self._now()
        # The rate limit comes before the queue: of a flood's decisions most need not be stored.  Where commands are
        # logged each decision is stored, because its commands are logged even if its own record is not.
        self._queued.extend(decisions if self.commands else (it for it in decisions if self._is_logged(it, now)))
        if len(self._queued) > _MAX_QUEUED_DECISIONS:
            self.flush()

    def flush(self, max_records: int | None = None) -> bool:
        """Write the records of queued decisions, at most *max_records*; return whether any are left in the queue."""
        ready, self._queued = self._queued[:max_records], self._queued[max_records:] if max_records is not None else []
        now = self._now()
        for decision in ready:
            if decision.reason is Reason.CHANGED_AGAIN or (
                decision.kind in RATE_LIMITED_WARNINGS and decision.reason is not Reason.UPSTREAM_LINK
            ):
                self._warn(decision, now)
            elif self.commands is None or self._is_logged(decision, now):
                self._write("debug" if self._is_summarized(decision) else level(decision), decision)
            if self.commands is not None:
                self._write_commands(decision)
        limits = (self._claims, self._moves, self._prefixes)
        if any(limit.has_refused for limit in limits) and self._reports.allows(now):
            self._log.warning("log-rate-limited", count=sum(limit.refused() for limit in limits))
        self.sink.flush()
        return bool(self._queued)

    def _is_summarized(self, decision: Decision) -> bool:
        return self.summarized and decision.kind in SUMMARIZED

    def _is_logged(self, decision: Decision, now: float) -> bool:
        if self._is_summarized(decision):
            return self.verbose
        if decision.kind is DecisionKind.MOVED and not self.verbose:
            return self._moves.allows(now)
        if decision.reason not in RATE_LIMITED_REASONS or decision.kind in RATE_LIMITED_WARNINGS or self.verbose:
            return True
        return self._claims.allows(now)

    def _warn(self, decision: Decision, now: float) -> None:
        kind = decision.kind, decision.reason
        about = *kind, decision.address
        if self._warned.is_due(about, now) and self._warnings.setdefault(kind, TokenBucket(1 / 60, 100)).allows(now):
            self._warned.record(about, now)
            suppressed = self._suppressed.pop(kind, 0)
            self._write("warning", decision, **({"suppressed": suppressed} if suppressed else {}))
        else:
            self._suppressed[kind] += 1
            self._write("debug", decision)

    def _write(self, severity: str, decision: Decision, **more: object) -> None:
        if getattr(logging, severity.upper()) < self._lowest:
            return  # what follows takes most of a record's time
        name = self.name_of(decision.address, decision.lladdr) if decision.address is not None else None
        named = {"name": name} if name is not None else {}
        self._emit(severity, decision.kind._value_, {**fields(decision), **named, **more})

    def _emit(self, severity: str, event: str, fields: dict[str, object]) -> None:
        if severity in ("warning", "error"):
            self.problem = Problem(clock.now(), event, fields)
        getattr(self._log, severity)(event, **fields)

    def _write_commands(self, decision: Decision) -> None:
        assert self.commands is not None
        for line in chain.from_iterable(map(self.commands, decision.actions)):
            if self.dry_run:
                self._log.info("would-run", command=line)
            else:
                self._log.debug("command", command=line)


class _SinkLogger:
    """The methods that structlog calls with the texts of a record."""

    def __init__(self, sink: Sink, recent: deque[str]) -> None:
        self._sink = sink
        self._recent = recent
        self.debug = partial(self._write, "debug")
        self.info = partial(self._write, "info")
        self.warning = partial(self._write, "warning")
        self.error = partial(self._write, "error")

    def _write(self, level: str, *texts: str) -> None:
        for text in texts:
            self._recent.append(text)
            self._sink.write(level, text)
