"""Errors that end the program, each with one plain sentence and an exit status."""

from __future__ import annotations


class NdpbrError(Exception):
    """An error whose text is one sentence for the user; ``status`` is the exit status."""

    status = 1


class ConfigError(NdpbrError):
    """Bad usage or configuration: the sentence says what was expected, then what was received."""

    status = 2
