"""PATH -> the ip(8) of iproute2, and its version.

The `ip` of busybox has no monitor and no batch, and ignores words that it does not know: its `route flush proto N`
removes every route.  So no other command is run before `ip -V` has told which program it is.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass

from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process

_VERSION = re.compile(rb"ip utility, iproute2-(?:ss)?(\d+)\.(\d+)(\S*)")
STANDARD_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Program:
    """A usable ip(8).

    Attributes:
        path: Its file.
        version: Major and minor.
        text: The version as it prints it.
    """

    path: str
    version: tuple[int, int]
    text: str

    @property
    def has_use(self) -> bool:
        """Whether it knows `neigh replace ... use`."""
        return self.version >= (5, 16)

    @property
    def has_numeric(self) -> bool:
        """Whether it knows -N, which prints protocols as numbers."""
        return self.version >= (5, 3)


def find(standard_path: str = STANDARD_PATH) -> Program:
    """Return the first ip(8) of iproute2 on PATH, then in *standard_path*: the PATH of a user may have no sbin.

    Raises:
        NdpbrError: There is none, or only that of busybox, or none can be executed.
    """
    directories = f"{os.environ.get('PATH', '')}:{standard_path}".split(":")
    seen: list[str] = []
    problem: NdpbrError | None = None
    for directory in dict.fromkeys(filter(None, directories)):
        path = shutil.which("ip", path=directory)
        if path is None or os.path.realpath(path) in seen:
            continue
        seen.append(os.path.realpath(path))
        try:
            version = _VERSION.search(process.output(path, "-V").stdout)
        except NdpbrError as error:  # e.g. built for another processor
            problem = problem or error
            continue
        if version is not None:
            major, minor, rest = version.groups()
            return Program(path, (int(major), int(minor)), f"{int(major)}.{int(minor)}{rest.decode()}".rstrip(","))
    if problem is not None:
        raise problem
    if seen:
        raise NdpbrError(
            f"ndpbr needs the ip command of the iproute2 package, got {seen[0]}, which is another (busybox's?)"
        )
    raise NdpbrError("ndpbr needs the ip command of the iproute2 package, found none on PATH")
