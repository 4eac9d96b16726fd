"""A host of the lab and a script -> the same host with mounts and processes of its own, and the script as process 1.

The script lays its mounts over the machine's files; all of it is gone with the lab.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab import Host, LabError

_SPACES = (("mount", "mnt"), ("net", "net"), ("pid", "pid_for_children"))

# What every init wants: an empty /run, few devices, an /etc that may be written to, and a syslogd for /dev/log.
PREPARE = """set -e
exec 2>&1
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/dev /run/upper /run/work
mount -t tmpfs -o mode=755 tmpfs /run/dev
for device in null zero full random urandom tty; do
    touch /run/dev/$device
    mount --bind /dev/$device /run/dev/$device
done
ln -s /proc/self/fd /run/dev/fd
ln -s pts/ptmx /run/dev/ptmx
mkdir /run/dev/pts /run/dev/shm
mount -t devpts devpts /run/dev/pts
mount --rbind /run/dev /dev
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
busybox syslogd -n -O /run/messages &
while [ ! -S /dev/log ]; do sleep 0.01; done
"""


class Booted:
    """A machine whose init runs."""

    def __init__(self, host: Host, script: str, *words: str) -> None:
        """Run *script*, which says "booted" at its end, or sooner why not.

        Raises:
            LabError: It did not say so; the first line it said.
        """
        unshare = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        self.process = host.spawn(*unshare, "sh", "-c", PREPARE + script, "sh", *words, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        if (line := self.process.stdout.readline()) != "booted\n":
            self.end()
            raise LabError(f"the machine did not boot: {line.strip()}")
        self._own = Path("/proc", str(self.process.pid))
        self.root = self._own / "root"
        self.run_folder = self.root / "run"

    def end(self) -> None:
        """Kill all of it."""
        with self.process:
            self.process.kill()

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Return how a program ended there; standard output and error in one."""
        spaces = [f"--{kind}={self._own}/ns/{file}" for kind, file in _SPACES]
        return subprocess.run(
            ["nsenter", *spaces, "--wd=/", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120.0,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb"},
        )
