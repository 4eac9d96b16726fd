"""A host of the lab and a script -> the host with its own mounts and processes, and the script as process 1.

The script mounts its files over the machine's; all mounts end with the lab.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.lab import Host, LabError
from tests.program import children

_SPACES = (("mount", "mnt"), ("net", "net"), ("pid", "pid_for_children"))

# Every init needs an empty /run, some devices, a writable /etc, and a syslogd for /dev/log.
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
    """A machine with a running init."""

    def __init__(self, host: Host, script: str, *words: str, prepare: str = PREPARE) -> None:
        """Run *prepare* and *script*, which prints "booted" when it is ready, or an error.

        Raises:
            LabError: It printed something else; the message is its first line.
        """
        unshare = ("unshare", "-m", "-u", "-p", "-f", "--mount-proc")  # that of busybox knows no other words
        self.process = host.spawn(*unshare, "sh", "-c", prepare + script, "sh", *words, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        if (line := self.process.stdout.readline()) != "booted\n":
            self.end()
            raise LabError(f"the machine did not boot: {line.strip()}")
        self._own = Path("/proc", str(self.process.pid))
        self.root = self._own / "root"
        self.run_folder = self.root / "run"

    def end(self) -> None:
        """Kill all processes of the machine."""
        with self.process:
            for first in children(self.process.pid):
                os.kill(first, signal.SIGKILL)
            self.process.kill()

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Return how a program ended there; standard output and error are combined."""
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
