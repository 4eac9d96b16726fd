"""What lies under /run: links in the way, settings of interfaces that are away, a second daemon's files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import proxies, routes, settings
from tests.program import PROGRAM, ROOT

DEVS = ("wan0", "lan0")
PROXY = f"{LAN} dev wan0 proto 135"


def test_pid_file_that_is_a_link_is_refused(home: Home, daemon: Start, ndpbr: Run, tmp_path: Path) -> None:
    """A link in the place of the pid file is an error: what it leads to is neither written nor read."""
    before = settings(home.router, *DEVS)
    victim = tmp_path / "victim"
    victim.write_text("1\n")
    (tmp_path / "ndpbr.pid").symlink_to(victim)
    words = ("--pidfile", str(tmp_path / "ndpbr.pid"))
    refused = [
        ndpbr(home.router, *words, "run", "--state-dir", str(tmp_path / "state"), *DEVS),
        ndpbr(home.router, *words, "kill"),
    ]

    assert [(ended.returncode, ended.stderr.count("\n")) for ended in refused] == [(1, 1), (1, 1)]
    assert victim.read_text() == "1\n"
    assert settings(home.router, *DEVS) == before


def test_settings_file_that_is_a_link_is_not_followed(home: Home, daemon: Start, tmp_path: Path) -> None:
    """Values found are neither taken from a file that a link leads to, nor written to it."""
    before = settings(home.router, *DEVS)
    victim = tmp_path / "victim"
    kernel = f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.stat('/run/netns/router').st_ino}"
    forged = json.dumps({"kernel": kernel, "found": {f"neigh/{DEVS[0]}/proxy_delay": "4711"}})
    victim.write_text(forged)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "settings.json").symlink_to(victim)

    assert daemon(home.router, *DEVS).stop() == 0
    assert settings(home.router, *DEVS) == before
    assert victim.read_text() == forged


def test_settings_of_an_interface_away_at_the_stop_are_given_back_later(home: Home, daemon: Start) -> None:
    """A renamed interface keeps what was set; when it has its name again, the next run gives back what was found."""
    before = settings(home.router, *DEVS)
    running = daemon(home.router, *DEVS)
    home.router.lay("link set lan0 down", "link set lan0 name old0", "link set old0 up")

    assert running.stop() == 0
    home.router.lay("link set old0 down", "link set old0 name lan0", "link set lan0 up")
    assert daemon(home.router, *DEVS).stop() == 0
    assert settings(home.router, *DEVS) == before
    assert not (running.state / "settings.json").exists()


def test_second_daemon_needs_interfaces_and_a_tag_of_its_own(
    home: Home, daemon: Start, ndpbr: Run, tmp_path: Path
) -> None:
    """The same protocol number on other interfaces is refused with the pid of the first; another number is not."""
    first = daemon(home.router, *DEVS)
    words = ("--pidfile", str(tmp_path / "second.pid"), "run", "--state-dir", str(tmp_path / "second"))
    refused = ndpbr(home.router, *words, "lan1", "later0")
    second = home.router.spawn(
        *PROGRAM, *words, "--protocol", "136", "lan1", "later0", stderr=subprocess.DEVNULL, cwd=ROOT
    )
    until((tmp_path / "second" / "settings.json").exists, 10.0, "the second has begun")
    claim(home.lan, LAN)
    until(lambda: PROXY in proxies(home.router), what="the first learns")
    second.terminate()

    assert refused.returncode == 1
    assert refused.stderr == f"ndpbr: another ndpbr, pid {first.process.pid}, has protocol 135 already\n"
    assert second.wait(10.0) == 0
    assert PROXY in proxies(home.router)
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
