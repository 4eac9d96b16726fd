"""Interfaces -> the kernel settings that ndpbr needs; at the end, their original values.

The original values are written to a file before the first change.  So the next run, or `flush`, can restore them when
this run could not.  A file from before a reboot, or from another network namespace, is ignored.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ndpbr_py.errors import NdpbrError
from ndpbr_py.system import lock
from ndpbr_py.system.files import read, write_atomically

PROC_SYS = Path("/proc/sys/net/ipv6")
_VERSION = 1  # of the file
_PROXY_NDP = "conf/{}/proxy_ndp"
_OPTIONAL = "conf/{}/accept_untracked_na"  # Linux 5.19
# Without proxy_delay=0 the kernel waits up to 0.8 s, at random, before each answer to a multicast solicitation.
_REQUIRED = {_PROXY_NDP: "1", "neigh/{}/proxy_delay": "0", _OPTIONAL: "1"}
_VALUE = re.compile(r"-?[0-9]{1,10}")
_INDEX = re.compile(r"[0-9]{1,10}")
_ALL = 0  # in the place of an interface index: conf/all
# Only with conf/all/proxy_ndp does the kernel answer the unicast probes of the upstream router.
_SHARED = (_ALL, _PROXY_NDP)
_NOARP, _POINTOPOINT = 0x80, 0x10  # linux/if.h

# An interface's index, which a rename does not change, and a setting in which {} stands for the interface's name.
_Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that was changed: its path below net/ipv6, its value before and now."""

    path: str
    old_value: str
    value: str


def has_nd(dev: str, net: Path = Path("/sys/class/net")) -> bool:
    """Whether neighbor discovery takes place on *dev*; True for an interface that does not exist."""
    try:
        flags = int((net / dev / "flags").read_text(), 16)
    except OSError:
        return True
    return not flags & (_NOARP | _POINTOPOINT)


def required(interfaces: Iterable[str]) -> dict[str, str]:
    """Return the settings that ndpbr needs: path below net/ipv6 -> value."""
    settings = {_PROXY_NDP.format("all"): "1"}
    for dev in interfaces:
        settings |= {setting.format(dev): value for setting, value in _REQUIRED.items()}
    return settings


def values(paths: Iterable[str], proc_sys: Path = PROC_SYS) -> dict[str, str]:
    """Return those of *paths* below net/ipv6 that exist, with their values."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            found[path] = (proc_sys / path).read_text().strip()
    return found


class SysctlOverrides:
    """The settings that ndpbr changed, and their original values.

    Args:
        state_dir: The directory of the file with the original values.
        protocol: The protocol number of the instance.  Each has a file of its own.
        proc_sys: The directory of the settings.
        interfaces: Returns the index and the name of each interface.

    Attributes:
        save_error: Why the original values are not in the file; None if they are.
    """

    def __init__(
        self,
        state_dir: Path,
        protocol: int,
        proc_sys: Path = PROC_SYS,
        interfaces: Callable[[], list[tuple[int, str]]] = socket.if_nameindex,
    ) -> None:
        self.save_error: str | None = None
        self._file = state_dir / f"settings-{protocol}.json"
        self._proc_sys = proc_sys
        self._interfaces = interfaces
        self._shared = lock.SharedSettingLock(proc_sys / lock.SETTINGS, protocol)
        self._original: dict[_Key, str] | None = None

    def apply(self, interfaces: Iterable[str], may_set: Callable[[str], bool] = lambda _: True) -> list[SettingChange]:
        """Set what ndpbr needs on those of *interfaces* that exist; return the settings that had another value.

        Args:
            interfaces: The interfaces.
            may_set: Whether the setting of a path may be set now.

        Raises:
            NdpbrError: A setting cannot be changed.
        """
        listed, names = set(interfaces), self._names()
        needed = {_SHARED: "1"}
        for index, dev in names.items():
            if dev in listed and has_nd(dev):
                needed |= {(index, setting): value for setting, value in _REQUIRED.items()}
        with self._shared.transition():
            now = {key: value for key in needed if (value := self._value(key, names)) is not None}
            # A value in the file is from before ndpbr's first run: it is the user's.
            before = self._saved() if self._original is None else self._original
            original = now | {key: value for key, value in before.items() if key[0] in names}
            if original.get(_SHARED) == "1" and self._shared.others(0):
                original[_SHARED] = "0"  # which another instance found, before it set 1
            if original != self._original or self.save_error is not None:
                self._original = original
                self._save()
            if _SHARED in original:
                self._shared.join(int(original[_SHARED]))
            return [
                SettingChange(_path(key, names), value, needed[key])
                for key, value in now.items()
                if value != needed[key] and may_set(_path(key, names)) and self._set(key, names, needed[key])
            ]

    def restore(self) -> list[SettingChange]:
        """Restore the original values, also those of a run that could not; return the settings that had another value.

        A setting that another running instance needs is left to that instance.
        """
        names = self._names()
        original = self._saved() if self._original is None else self._original
        remaining, changes = {}, []
        with self._shared.transition():
            for key, value in original.items():
                if key == _SHARED and self._shared.others():
                    if not self._shared.others(int(value)):
                        remaining[key] = value  # the other instance does not know this value
                    continue
                now = None if key[0] not in names else self._value(key, names)
                try:
                    if now not in (None, value) and self._set(key, names, value):
                        changes.append(SettingChange(_path(key, names), str(now), value))
                except NdpbrError:
                    remaining[key] = value
            if original:
                self._original = remaining
                self._save()
            self._original = None
            self._shared.leave()  # not later: two that stop together must not both leave it to the other
        return changes

    def pending(self) -> bool:
        """Whether the file holds values that no run has restored yet."""
        return bool(self._saved())

    def _names(self) -> dict[int, str]:
        try:
            return {_ALL: "all", **dict(self._interfaces())}
        except OSError as error:  # no file descriptor is left
            raise NdpbrError(f"cannot list the interfaces: {error.strerror}") from error

    def _value(self, key: _Key, names: dict[int, str]) -> str | None:
        path = _path(key, names)
        return values((path,), self._proc_sys).get(path)

    def _set(self, key: _Key, names: dict[int, str], value: str) -> bool:
        """Change a setting; return whether it exists."""
        path = _path(key, names)
        try:
            (self._proc_sys / path).write_text(f"{value}\n")
        except OSError as error:
            if error.errno == errno.ENOENT or key[1] == _OPTIONAL:  # the interface has just been removed
                return False
            raise NdpbrError(f"cannot set net/ipv6/{path} to {value}: {error.strerror}") from error
        return True

    def _saved(self) -> dict[_Key, str]:
        """Return the values in the file.

        Root writes them to the kernel, so whatever the file holds, only our settings and only numbers count.
        """
        try:
            content = json.loads(read(self._file))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(content, dict) or (content.get("version"), content.get("kernel")) != (_VERSION, _kernel()):
            return {}
        original = content.get("original")
        return {
            (int(index), setting): value
            for index, settings in (original.items() if isinstance(original, dict) else ())
            for setting, value in (settings.items() if isinstance(settings, dict) else ())
            if _INDEX.fullmatch(index) and setting in _REQUIRED and isinstance(value, str) and _VALUE.fullmatch(value)
        }

    def _save(self) -> None:
        """Write the original values to the file; remove the file if there are none."""
        original: dict[int, dict[str, str]] = {}
        for (index, setting), value in (self._original or {}).items():
            original.setdefault(index, {})[setting] = value
        try:
            if original:
                content = {"version": _VERSION, "kernel": _kernel(), "original": original}
                write_atomically(self._file, json.dumps(content, indent=1) + "\n")
            else:
                self._file.unlink(missing_ok=True)
            self.save_error = None
        except OSError as error:
            self.save_error = f"{self._file}: {error.strerror}"


def _path(key: _Key, names: dict[int, str]) -> str:
    return key[1].format(names[key[0]])


def _kernel() -> str:
    """Return an identifier of this boot and of its network namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.stat('/proc/self/ns/net').st_ino}"
