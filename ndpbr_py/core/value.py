"""`value`: a class decorator for the immutable values that are made while a host's first packet waits.

The type checker treats such a class as frozen. dataclass(frozen=True) takes about four times as long to make one, since
it sets each field through object.__setattr__ (row "ratio" of throughput). All other values are frozen dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make *cls* a dataclass with slots that is compared and hashed by its fields."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
