"""The words of the command line -> the interfaces that are listed now.

Pure. A name is always listed, whether the interface exists or not. A pattern, e.g. ``br-*``, lists the interfaces that
match it for as long as they exist: Docker's networks change with each project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase


def matches(dev: str, words: Iterable[str]) -> bool:
    """Whether *dev* is one of the names, or matches one of the patterns, in *words*."""
    return any(fnmatchcase(dev, word) for word in words)


class Listed(Collection[str]):
    """The listed interfaces, in the order of the command line; those that match a pattern follow as they appear."""

    def __init__(self, words: Iterable[str]) -> None:
        words = tuple(words)
        self._named = frozenset(word for word in words if "*" not in word)
        self._patterns = tuple(word for word in words if "*" in word)
        self._devs = dict.fromkeys(word for word in words if "*" not in word)

    def __contains__(self, dev: object) -> bool:
        return dev in self._devs

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._devs))

    def __len__(self) -> int:
        return len(self._devs)

    @property
    def matched(self) -> list[str]:
        """The interfaces that are listed because they match a pattern."""
        return [dev for dev in self._devs if dev not in self._named]

    def wants(self, dev: str) -> bool:
        """Whether *dev*, which exists, should be listed and is not."""
        return dev not in self._devs and dev != "lo" and matches(dev, self._patterns)

    def add(self, dev: str) -> None:
        """List an interface that matches a pattern."""
        self._devs[dev] = None

    def remove(self, dev: str) -> None:
        """List an interface that matches a pattern no longer."""
        del self._devs[dev]
