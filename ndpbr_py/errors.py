"""Errors that end the program, each with one plain sentence and an exit status."""

from __future__ import annotations


class NdpbrError(Exception):
    """Something that the user has to know: its text is one sentence, ``status`` the exit status."""

    status = 1


class ConfigError(NdpbrError):
    """Bad usage or configuration: says what was wanted, then what was got."""

    status = 2
