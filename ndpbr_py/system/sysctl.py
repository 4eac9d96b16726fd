"""Settings of the kernel: borrowed while ndpbr runs, given back with the values found.

The values found are written to a file before the first change, so that a later run can give them back when this one
could not.  A file from before a reboot, or from another network namespace, says nothing about this kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ndpbr_py.errors import NdpbrError
from ndpbr_py.system.files import read, write_atomically

PROC_SYS = Path("/proc/sys/net/ipv6")


_NOARP, _POINTOPOINT = 0x80, 0x10  # linux/if.h


def has_nd(dev: str, net: Path = Path("/sys/class/net")) -> bool:
    """Whether neighbor discovery takes place on *dev*; one that is not there may have it."""
    try:
        flags = int((net / dev / "flags").read_text(), 16)
    except OSError:
        return True
    return not flags & (_NOARP | _POINTOPOINT)


def wanted(interfaces: Iterable[str]) -> dict[str, str]:
    """Return the settings that ndpbr needs: path below net/ipv6 -> value.

    `all.proxy_ndp` makes the kernel answer the unicast probes of the router upstream, too.  Without proxy_delay=0
    it waits up to 0.8 s, at random, before each answer to a multicast solicitation.
    """
    settings = {"conf/all/proxy_ndp": "1"}
    for dev in interfaces:
        settings[f"conf/{dev}/proxy_ndp"] = "1"
        settings[f"neigh/{dev}/proxy_delay"] = "0"
        settings[f"conf/{dev}/accept_untracked_na"] = "1"
    return settings


_OURS = re.compile(r"conf/(?!\.)[^/]+/(?:proxy_ndp|accept_untracked_na)|neigh/(?!\.)[^/]+/proxy_delay")
_OPTIONAL = ("accept_untracked_na",)  # Linux 5.19


def values(paths: Iterable[str], proc_sys: Path = PROC_SYS) -> dict[str, str]:
    """Return those of *paths* below net/ipv6 that there are, with their values."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            found[path] = (proc_sys / path).read_text().strip()
    return found


class OriginalSettings:
    """What was found, and where it is remembered."""

    def __init__(self, state_dir: Path, proc_sys: Path = PROC_SYS) -> None:
        self._file = state_dir / "settings.json"
        self._proc_sys = proc_sys
        self._found: dict[str, str] | None = None
        self.unsaved: str | None = None

    def borrow(self, settings: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Set *settings*; return those that had another value, as (path, value found, value set).

        Raises:
            NdpbrError: One cannot be set, although its interface is there.
        """
        now = values(settings, self._proc_sys)
        if self._found is None:
            # What is in the file is from before ndpbr's first run: the value that belongs to the user.
            self._found = self._remembered()
        new = {path: value for path, value in now.items() if path not in self._found}
        if new or self.unsaved is not None:
            self._found |= new
            self._remember()
        changed = []
        for path, value in now.items():
            if value != settings[path]:
                self._set(path, settings[path])
                changed.append((path, value, settings[path]))
        return changed

    def restore(self) -> list[tuple[str, str]]:
        """Give every borrowed setting the value that was found; return those that had another."""
        given, left = [], {}
        for path, value in (self._found or {}).items():
            now = values((path,), self._proc_sys).get(path)
            try:
                if now not in (None, value):
                    self._set(path, value)
                    given.append((path, value))
            except NdpbrError:
                now = None  # its interface went away meanwhile
            if now is None:
                left[path] = value
        self._found = left
        if left:
            # An interface that was renamed keeps what was set: the run that finds its name again gives it back.
            self._remember()
        else:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
        self._found = None
        return given

    def waiting(self) -> bool:
        """Whether a run that could not do so has left settings to be given back."""
        return bool(self._remembered())

    def _set(self, path: str, value: str) -> None:
        try:
            (self._proc_sys / path).write_text(f"{value}\n")
        except OSError as error:
            if path.endswith(_OPTIONAL):
                return
            raise NdpbrError(f"net/ipv6/{path} could not be set to {value}: {error.strerror}") from error

    def _remembered(self) -> dict[str, str]:
        try:
            text = json.loads(read(self._file))
        except (OSError, ValueError):
            return {}
        if not isinstance(text, dict) or text.get("kernel") != _kernel():
            return {}
        found = text.get("found")
        if not isinstance(found, dict):
            return {}
        # Root writes what stands here: to settings of ours alone, whoever has written the file.
        return {k: v for k, v in found.items() if _OURS.fullmatch(k) and isinstance(v, str)}

    def _remember(self) -> None:
        try:
            write_atomically(self._file, json.dumps({"kernel": _kernel(), "found": self._found}, indent=1) + "\n")
            self.unsaved = None
        except OSError as error:
            self.unsaved = f"{self._file}: {error.strerror}"


def _kernel() -> str:
    """Return which boot, and which network namespace of it, this is."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.stat('/proc/self/ns/net').st_ino}"
