"""A host of the lab and a root file system of Alpine -> the host, booted by Alpine's own init from a copy of that root.

``NDPBR_ALPINE_ROOT`` names the root: Alpine's mini root, with OpenRC, ifupdown, python3 and iproute2's ip.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.booted import Booted
from tests.lab import Host, until

# $1 is the root, $2 a folder with files for it. Links are resolved only after pivot_root, when none leads out of the
# copy. Of the machine's settings only those of the network, which are the namespace's own, can be written; services
# that would change others are not started.
_BOOT = """set -e
exec 2>&1
mkdir -p /run/alpine
mount -t tmpfs -o mode=755 tmpfs /run/alpine
cp -a "$1/." /run/alpine
cd /run/alpine
for folder in dev mnt proc sys; do
    [ ! -L $folder ] || { echo "$folder is a link"; exit 1; }
    mkdir -p $folder
done
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
ln -s /proc/self/fd dev/fd
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind /proc/sys/net proc/sys/net
mount --rbind /sys sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount --bind "$2" mnt
pivot_root . .
umount -l .
cp -a /mnt/. /
umount /mnt
rm -f /etc/runlevels/*/*
sed -i /getty/d /etc/inittab
for service in bootmisc hostname networking sysctl syslog; do rc-update -q add $service boot; done
[ ! -e /etc/init.d/ndpbr ] || rc-update -q add ndpbr default
echo booted
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
"""


def missing() -> str | None:
    """Return why there is no root to boot; None if there is one."""
    named = os.environ.get("NDPBR_ALPINE_ROOT")
    if named is None:
        return "NDPBR_ALPINE_ROOT names no root file system of Alpine"
    return None if (Path(named) / "etc/alpine-release").exists() else f"{named} is no root file system of Alpine"


class Alpine(Booted):
    """A machine with Alpine, whose init starts ndpbr after networking."""

    def __init__(self, host: Host, files: Path) -> None:
        super().__init__(host, _BOOT, os.environ["NDPBR_ALPINE_ROOT"], str(files), prepare="")

    def wait_until_booted(self) -> None:
        """Wait until the last runlevel is reached."""
        until(lambda: "default" in self.run("cat", "/run/openrc/softlevel").stdout, what="the runlevel default")

    def log(self) -> str:
        """Return the content of syslog."""
        return self.run("cat", "/var/log/messages").stdout

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until syslog has *text* *count* times."""
        until(lambda: self.log().count(text) >= count, what=f"{count} times {text} in syslog")

    def service(self, *words: str) -> tuple[int, str]:
        """Run `rc-service ndpbr WORDS`; return its status and what it printed."""
        ended = self.run("rc-service", "--nocolor", "ndpbr", *words)
        return ended.returncode, ended.stdout

    def pid(self) -> str:
        """Return the daemon's pid there."""
        return self.run("cat", "/run/ndpbr.pid").stdout.strip()
