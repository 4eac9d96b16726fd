"""A host of the lab -> the host, booted by OpenRC, with ndpbr's init script, `rc-service` and syslog."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.booted import Booted
from tests.lab import Host, until
from tests.program import ROOT

# Alpine's shell and limits, the folders that OpenRC's first runlevel creates, and a service that provides net.
_BOOT = """
mount --bind "$(command -v busybox)" "$(readlink -f /bin/sh)"
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /var/lib
for folder in init.d conf.d runlevels; do
    mkdir -p /etc/$folder
    mount -t tmpfs -o mode=755 tmpfs /etc/$folder
done
mkdir /run/openrc
cd /run/openrc
mkdir daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive
touch softlevel
printf '%s\\n' rc_cgroup_mode=none respawn_delay=2 respawn_max=5 respawn_period=1800 > /etc/rc.conf
printf '%s\\n' '#!/sbin/openrc-run' 'depend() { provide net; }' 'start() { :; }' > /etc/init.d/network
cp "$1/ndpbr.initd" /etc/init.d/ndpbr
chmod 755 /etc/init.d/network /etc/init.d/ndpbr
echo booted
# Process 1 must reap orphans, which sleep alone does not.
while :; do sleep 1000; done
"""


def missing() -> str | None:
    """Return which tools for OpenRC's tests are missing here; None if none is."""
    tools = [tool for tool in ("openrc-run", "busybox", "unshare", "nsenter") if shutil.which(tool) is None]
    return f"{', '.join(tools)} not installed" if tools else None


class OpenRc(Booted):
    """A machine with OpenRC."""

    def __init__(self, host: Host) -> None:
        super().__init__(host, _BOOT, str(ROOT / "openrc"))
        self.program = str(Path(sys.executable).parent / "ndpbr")

    def configure(self, text: str, service: str = "ndpbr") -> None:
        """Write conf.d/*service*: the shipped file, *text*, and the path of the program under test."""
        shipped = (ROOT / "openrc/ndpbr.confd").read_text()
        (self.root / "etc/conf.d" / service).write_text(f'{shipped}\n{text}\ncommand="{self.program}"\n')

    def service(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `rc-service ndpbr WORDS`; return its result."""
        return self.run("rc-service", "--nocolor", "ndpbr", *words)

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until syslog has *text* *count* times."""
        until(lambda: self.log().count(text) >= count, what=f"{count} times {text} in syslog")

    def log(self) -> str:
        """Return the content of syslog."""
        messages = self.run_folder / "messages"
        return messages.read_text() if messages.exists() else ""

    def pid(self) -> str:
        """Return the daemon's pid in its namespace; "" if no daemon runs."""
        pidfile = self.run_folder / "ndpbr.pid"
        return pidfile.read_text().strip() if pidfile.exists() else ""
