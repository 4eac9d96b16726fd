"""A host of the lab -> the host, booted by systemd with little else than ndpbr's unit; `systemctl` there.

systemd has its own control group, which is removed at the end; everything else is inside the lab.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sh
import structlog

from tests.booted import Booted
from tests.lab import Host, LabError, until
from tests.program import ROOT

# The unit's user cannot read root's home, so it uses the system's Python and packages in /opt.
_PROGRAM = """#!/bin/sh
PYTHONPATH=/opt exec /usr/bin/python3 -m ndpbr_py "$@"
"""
# There is no journal here.
_LOG = """[Service]
StandardError=append:/run/log
"""
_ENTER = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo $$ > "/sys/fs/cgroup/$1/cgroup.procs"
umount /sys/fs/cgroup
script=$2
shift 2
exec unshare --cgroup sh -c "$script" sh "$@"
"""
_BOOT = """set -e
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /etc/default /run/upper2 /run/work2
mount -t overlay overlay -o lowerdir=/usr,upperdir=/run/upper2,workdir=/run/work2 /usr
for folder in /etc/systemd/system /lib/systemd/system /lib/systemd/system-generators /opt /var/lib; do
    mount -t tmpfs -o mode=755 tmpfs $folder
done
cd /lib/systemd/system
for target in basic multi-user network shutdown sysinit umount; do
    printf '%s\\n' '[Unit]' DefaultDependencies=no > $target.target
done
mkdir ndpbr.service.d
printf '%s' "$1" > ndpbr.service.d/log.conf
shift
if [ $# != 0 ]; then
    printf '%s' "$1" > /usr/bin/ndpbr
    chmod 755 /usr/bin/ndpbr
    cp "$2" .
    shift 2
    cp -r "$@" /opt
fi
for folder in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
echo booted
exec env container=other /lib/systemd/systemd --system --unit=basic.target --log-target=null --show-status=0
"""


def missing() -> str | None:
    """Return what systemd's tests need and is missing here; None if nothing is."""
    if not Path("/lib/systemd/systemd").exists():
        return "systemd not installed"
    tools = [tool for tool in ("busybox", "unshare", "nsenter") if shutil.which(tool) is None]
    if tools:
        return f"{', '.join(tools)} not installed"
    words = ("/usr/bin/python3", "-c", "import sys; sys.exit(sys.version_info < (3, 11))")
    usable = Path(words[0]).exists() and subprocess.run(words, check=False).returncode == 0
    return None if usable else "the system's Python is too old"


class Systemd(Booted):
    """A machine with systemd."""

    def __init__(self, host: Host, group: Path, *, installed: bool = True) -> None:
        """Boot *host* in the control group *group*; without ndpbr, unless it is *installed*.

        Raises:
            LabError: systemd does not boot there.
        """
        files = [Path(str(module.__file__)) for module in (sh, structlog)]
        packages = [str(file.parent if file.name == "__init__.py" else file) for file in files]
        files_of_ndpbr = (_PROGRAM, f"{ROOT}/packaging/systemd/ndpbr.service", f"{ROOT}/ndpbr_py", *packages)
        super().__init__(host, _ENTER, group.name, _BOOT, _LOG, *(files_of_ndpbr if installed else ()))

    def configure(self, text: str) -> None:
        """Write the unit's environment file."""
        (self.root / "etc/default/ndpbr").write_text(f"{text}\n")

    def systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `systemctl WORDS`; return its result."""
        return self.run("systemctl", *words)

    def shown(self, name: str) -> str:
        """Return a property of the unit."""
        return self.systemctl("show", "--value", "--property", name, "ndpbr").stdout.strip()

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until the log has *text* *count* times."""
        until(lambda: self.log().count(text) >= count, what=f"{count} times {text} in the log")

    def log(self) -> str:
        """Return the daemon's standard error."""
        log = self.run_folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def booted(host: Host, folder: Path, *, installed: bool = True) -> Iterator[Systemd]:
    """Give *host*, booted by systemd; *folder* is for its control group. Skip the test where systemd does not boot."""
    if reason := missing():
        pytest.skip(reason)
    folder.mkdir()
    with ExitStack() as stack:
        try:
            machine = Systemd(host, stack.enter_context(control_group(folder)), installed=installed)
        except LabError as error:
            pytest.skip(f"systemd does not boot here: {error}")
        stack.callback(machine.end)
        until(lambda: machine.systemctl("is-active", "basic.target").returncode == 0, what="systemd has booted")
        yield machine


@contextmanager
def control_group(folder: Path) -> Iterator[Path]:
    """Yield a new control group, mounted in *folder*; remove it when its processes have ended.

    Raises:
        LabError: None can be created here.
    """
    mounted = subprocess.run(["mount", "-t", "cgroup2", "cgroup2", folder], capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise LabError(mounted.stderr.strip().partition("\n")[0])
    group = folder / f"ndpbr-test-{uuid.uuid4().hex}"
    try:
        group.mkdir()
        yield group
        until(lambda: "populated 0" in (group / "cgroup.events").read_text(), what="the control group is empty")
        for path, _, _ in os.walk(group, topdown=False):
            os.rmdir(path)
    except OSError as error:
        raise LabError(f"no control group can be made: {error.strerror}") from error
    finally:
        subprocess.run(["umount", folder], check=True)
