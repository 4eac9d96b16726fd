"""docs/alpine.md -> the files of its recipe, as a router's /etc; and the machines before the recipe.

    inet eth0 -- inet0 modem lan0 -- wan0 router lan0 -- eth0 lan

The modem announces 2001:db8:64::/64 and believes that all of it is on its lan0.  Router and lan are as after boot.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Host, Lab
from tests.program import ROOT

INET = "2001:db8:ffff::2"
PAGE = ROOT / "docs/alpine.md"
ANNOUNCED = """
interface lan0 {
	AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
	prefix PREFIX:/64 { AdvOnLink on; AdvAutonomous on; };
	DEPRECATED
};
"""
DEPRECATED = "prefix PREFIX:/64 { AdvOnLink on; AdvAutonomous on; AdvPreferredLifetime 0; AdvValidLifetime 7200; };"
# The kernel's defaults, except for a delay of up to a second.
BOOTED = {"accept_dad": 1, "accept_ra": 1, "router_solicitations": -1, "router_solicitation_delay": 0}
# Inside `ip netns exec`, which has its own mounts.  Scripts of this machine's /etc/network are not used.
AS_WRITTEN = """
	mount -t overlay -o "lowerdir=$1:/etc" recipe /etc && mount --bind "$1/network" /etc/network || exit 125
	PATH=$1/bin:$PATH; shift; exec "$@"
"""


def files() -> dict[str, str]:
    """Return path -> text of each block of docs/alpine.md whose first line is ``# /PATH``."""
    return {path: text for text, path in re.findall(r"(?ms)^```\n(# (/\S+)\n.*?)^```$", PAGE.read_text())}


def missing(*programs: str) -> str | None:
    """Return which of the programs are not installed here, or None."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name in programs if shutil.which(name, path=path) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


@dataclass(frozen=True, slots=True)
class Site:
    """The machines, and the folder of the router's files."""

    inet: Host
    modem: Host
    router: Host
    lan: Host
    folder: Path

    def write(self, changes: dict[str, str]) -> None:
        """Write the recipe's files, with *changes* applied to every file."""
        for path, text in files().items():
            for old, new in changes.items():
                text = text.replace(old, new)
            file = self.folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def run(self, *argv: str) -> None:
        """Run a step of the recipe on the router.

        Raises:
            AssertionError: It failed; the message has its output.
        """
        done = self.router.run(*self._argv(argv))
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"

    def serve(self, *argv: str) -> subprocess.Popen[str]:
        """Start a service of the recipe on the router."""
        with Path(self.folder, f"{argv[0]}.log").open("w") as log:
            return self.router.spawn(*self._argv(argv), stdout=log, stderr=log)

    def announce(self, prefix: str, deprecated: str | None = None) -> None:
        """Make the modem announce only *prefix*, e.g. ``2001:db8:64:``, and another one as deprecated."""
        for process in self.modem.spawned:
            process.kill()
            process.wait()
        self.modem.ip("address flush dev lan0 scope global")
        self.modem.ip(f"address add {prefix}:1/64 dev lan0")
        config = self.folder / "modem.conf"
        also = "" if deprecated is None else DEPRECATED.replace("PREFIX", deprecated)
        config.write_text(ANNOUNCED.replace("DEPRECATED", also).replace("PREFIX", prefix))
        self.modem.spawn("radvd", "-n", "-m", "none", "-C", str(config), "-p", str(self.folder / "modem.pid"))

    def _argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        return ("sh", "-c", AS_WRITTEN, "sh", str(self.folder / "etc"), *argv)


def site(lab: Lab, folder: Path) -> Site:
    """Return the linked machines; the modem announces its prefix, and nothing else is set up."""
    it = Site(lab.host("inet"), lab.host("modem"), lab.host("router"), lab.host("lan"), folder)
    it.router.lay("link set lo down", "address flush dev lo")
    for host in (it.router, it.lan):
        for name, value in BOOTED.items():
            for where in ("all", "default"):
                host.sysctl(f"net/ipv6/conf/{where}/{name}", value)
    lab.link(it.inet, "eth0", it.modem, "inet0")
    lab.link(it.modem, "lan0", it.router, "wan0")
    lab.link(it.router, "lan0", it.lan, "eth0")
    it.modem.sysctl("net/ipv6/conf/all/forwarding", 1)
    it.inet.lay("link set eth0 up", f"address add {INET}/64 dev eth0", "route add default via 2001:db8:ffff::1")
    it.modem.lay("link set inet0 up", "address add 2001:db8:ffff::1/64 dev inet0")
    it.modem.ip("link set lan0 up")
    it.announce("2001:db8:64:")
    commands = folder / "etc/bin"
    commands.mkdir(parents=True)
    for phase in ("pre-up", "up"):  # ifup's package has these folders, without scripts
        (folder / f"etc/network/if-{phase}.d").mkdir(parents=True)
    Path("/run/ifstate").unlink(missing_ok=True)  # state of another test's ifup, in the /run of tests/isolated
    for name in ("ifup", "sysctl"):  # Alpine's sysctl is busybox's; its ifup was, too, in older versions
        (commands / name).symlink_to(str(shutil.which("busybox")))
    return it
