"""An event and its fields -> the text of a record, through structlog: logfmt, JSON, or color for a terminal.

A record that is too long loses whole fields from the end, never a part of one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import structlog

from ndpbr_py.config import LogConfig
from ndpbr_py.logs.sink import encoded, max_text_bytes
from ndpbr_py.system import clock
from ndpbr_py.system.terminal import has_color

KEY_ORDER = ("ts", "level", "event", "address", "name", "dev", "lladdr", "state", "reason")
_REQUIRED_KEYS = ("ts", "level", "event")  # never left out
_LIST_TYPES = (list, tuple)
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}

_Record = MutableMapping[str, Any]
_Render = Callable[[_Record], str]


def processors(config: LogConfig, date: Callable[[], float] | None) -> list[Any]:
    """Return structlog's processors for *config*; *date* as in Log."""
    terminal = sys.stderr is not None and sys.stderr.isatty() and not config.syslog
    colors = not config.syslog and has_color(config.color, sys.stderr)
    kind = config.format
    if kind == "auto":
        kind = "console" if terminal or colors else "logfmt"
    steps: list[Any] = [_escape]
    if not config.syslog:  # it adds the time and the level itself, and its lines are short
        stamp = structlog.processors.TimeStamper("iso", utc=True, key="ts") if date is None else _recorded_time(date)
        steps += [structlog.processors.add_log_level, stamp]
    steps.append(_ordered)
    if kind == "json":
        renderer: Any = structlog.processors.JSONRenderer()
    elif kind == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="ts", sort_keys=False)
    else:
        renderer = structlog.processors.LogfmtRenderer(bool_as_flag=False)
    flat = dict if kind == "json" else _flat
    # The method is that of the record's level; the renderers do not use it.
    steps.append(_fitted(lambda record: str(renderer(None, "", flat(record))), max_text_bytes(config)))
    return steps


def bound_logger(steps: Sequence[Any], target: object = None, lowest: int = logging.DEBUG) -> Any:
    """Return a logger that calls *target* with the text of each record; without *target* it returns the text.

    A record whose fix did not fit has two texts.
    """
    methods = structlog.make_filtering_bound_logger(lowest)
    return structlog.wrap_logger(target or structlog.ReturnLogger(), processors=steps, wrapper_class=methods).bind()


def _recorded_time(date: Callable[[], float]) -> Callable[[object, str, _Record], _Record]:
    """Return a processor that adds ``ts`` as TimeStamper does, from the clock of a recording."""
    return lambda _, __, record: {**record, "ts": clock.utc(date())}


def _escape(_: object, __: str, record: _Record) -> _Record:
    """Escape control characters: text from outside must not forge records, or move a terminal's cursor."""
    for key, value in record.items():
        if isinstance(value, str):
            if not value.isprintable():
                record[key] = value.translate(_ESCAPES)
        elif isinstance(value, _LIST_TYPES):
            record[key] = [it.translate(_ESCAPES) if isinstance(it, str) else it for it in value]
    return record


def _ordered(_: object, __: str, record: _Record) -> _Record:
    return {**{key: record[key] for key in KEY_ORDER if key in record}, **record}


def _fitted(render: _Render, max_bytes: int) -> Callable[[object, str, _Record], tuple[tuple[str, ...], _Record]]:
    """Return the last processor: it returns the arguments of the logger's method, one text of at most *max_bytes*.

    If a fix does not fit, it is a second text, a record of its own.
    """

    def texts(_: object, __: str, record: _Record) -> tuple[tuple[str, ...], _Record]:
        text = render(record)
        if len(encoded(text)) <= max_bytes:
            return (text,), {}
        shown = dict(record)
        while len(encoded(text)) > max_bytes and list(shown)[-1] not in _REQUIRED_KEYS:
            shown.popitem()
            text = render({**shown, "truncated": True})
        if record.get("fix") is None or "fix" in shown or record["event"] == "fix":
            return (text,), {}
        head = {key: record[key] for key in _REQUIRED_KEYS if key in record}
        fix = {"event": "fix", "check": record.get("check"), "fix": record["fix"]}
        return (text, *texts(None, "", head | fix)[0]), {}

    return texts


def _flat(record: _Record) -> _Record:
    """Drop fields without a value, and join lists with commas: logfmt has neither null nor lists."""
    return {
        key: ",".join(map(str, value)) if isinstance(value, _LIST_TYPES) else value
        for key, value in record.items()
        if value or isinstance(value, int | float)
    }
