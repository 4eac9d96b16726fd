"""A class -> the same as a value: immutable to the type checker, quick to make.

dataclass(frozen=True) sets every field through object.__setattr__, so that a value takes three times as long to make;
and a host's first packet waits for five of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make *cls* a dataclass with slots, compared and hashed by its fields."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
