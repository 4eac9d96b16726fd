"""A host of the lab -> the same host, booted by OpenRC, with ndpbr's init script; commands run there, and its syslog.

It has mounts and processes of its own, over the machine's files; all of it is gone with the lab.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab import Host, until
from tests.program import ROOT

# What OpenRC's first runlevel would have laid, Alpine's limits, a net to need, and a syslogd.
_BOOT = """set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/dev
mount -t tmpfs -o mode=755 tmpfs /run/dev
for device in null zero full random urandom; do
    touch /run/dev/$device
    mount --bind /dev/$device /run/dev/$device
done
ln -s /proc/self/fd /run/dev/fd
mount --rbind /run/dev /dev
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir /run/upper /run/work /run/openrc
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
for folder in init.d conf.d runlevels; do
    mkdir -p /etc/$folder
    mount -t tmpfs -o mode=755 tmpfs /etc/$folder
done
cd /run/openrc
mkdir daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive
touch softlevel
printf '%s\\n' rc_cgroup_mode=none respawn_delay=2 respawn_max=5 respawn_period=1800 > /etc/rc.conf
printf '%s\\n' '#!/sbin/openrc-run' 'depend() { provide net; }' 'start() { :; }' > /etc/init.d/network
chmod 755 /etc/init.d/network
cp "$1/ndpbr.initd" /etc/init.d/ndpbr
chmod 755 /etc/init.d/ndpbr
busybox syslogd -n -O /run/messages &
while [ ! -S /dev/log ]; do sleep 0.01; done
echo booted
# Process 1 takes what orphans leave: sleep alone would not.
while :; do sleep 1000; done
"""


def missing() -> str | None:
    """Return what OpenRC's tests need and is not here; None if all is."""
    tools = [tool for tool in ("openrc-run", "busybox", "unshare", "nsenter") if shutil.which(tool) is None]
    return f"{', '.join(tools)} not installed" if tools else None


class OpenRc:
    """A booted machine."""

    def __init__(self, host: Host) -> None:
        """Boot *host*."""
        words = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _BOOT)
        process = host.spawn(*words, "sh", str(ROOT / "openrc"), stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "booted\n", "OpenRC's machine did not boot"
        self._own = Path("/proc", str(process.pid))
        self.root = self._own / "root"
        self.run_folder = self.root / "run"
        self.program = str(Path(sys.executable).parent / "ndpbr")

    def configure(self, text: str, service: str = "ndpbr") -> None:
        """Write conf.d/*service*: what is shipped, *text*, and where the program under test is."""
        shipped = (ROOT / "openrc/ndpbr.confd").read_text()
        (self.root / "etc/conf.d" / service).write_text(f'{shipped}\n{text}\ncommand="{self.program}"\n')

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Return how a program ended there; standard output and error in one."""
        spaces = [f"--{kind}={self._own}/ns/{file}" for kind, file in _SPACES]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb"}
        return subprocess.run(
            ["nsenter", *spaces, "--wd=/", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120.0,
            check=False,
            env=environment,
        )

    def service(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Return how `rc-service ndpbr WORDS` ended."""
        return self.run("rc-service", "--nocolor", "ndpbr", *words)

    def wait_for(self, text: str, count: int = 1, timeout: float = 20.0) -> None:
        """Wait until syslog has *text* so often."""
        until(lambda: self.log().count(text) >= count, timeout, f"{count} times {text} in syslog")

    def log(self) -> str:
        """Return what syslog has."""
        messages = self.run_folder / "messages"
        return messages.read_text() if messages.exists() else ""

    def pid(self) -> str:
        """Return the daemon's pid, as it is there; "" if none runs."""
        pidfile = self.run_folder / "ndpbr.pid"
        return pidfile.read_text().strip() if pidfile.exists() else ""


_SPACES = (("mount", "mnt"), ("net", "net"), ("pid", "pid_for_children"))
