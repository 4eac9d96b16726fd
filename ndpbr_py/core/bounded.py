"""A table that keeps only its latest entries: any host on a link could fill it otherwise.

Pure.
"""

from __future__ import annotations

from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def remember(table: dict[_Key, _Value], key: _Key, value: _Value, max_entries: int) -> _Key | None:
    """Make *key* the latest entry of *table*; drop and return the oldest one if there are more than *max_entries*."""
    before = len(table)
    table[key] = value  # hashing an address is slow, and most keys are new
    if len(table) == before:
        del table[key]
        table[key] = value
    elif before >= max_entries:
        oldest = next(iter(table))
        del table[oldest]
        return oldest
    return None
