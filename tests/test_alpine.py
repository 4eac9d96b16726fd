"""Alpine itself, on the lab's router: its init, OpenRC, C library, python3 and ip; the recipe of docs/alpine.md."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.alpine import Alpine
from tests.alpine import missing as missing_root
from tests.echo import ask
from tests.lab import Lab
from tests.observed import clean, settings
from tests.program import ROOT
from tests.recipe import INET, Site, files, missing, site
from tests.test_recipe import RADVD, announced, reached

DEVS = ("wan0", "lan0")


@pytest.fixture
def place(lab: Lab, tmp_path: Path) -> Site:
    """Return the machines before the recipe."""
    if reason := missing_root() or missing("radvd", "busybox", "nsenter", "pivot_root"):
        pytest.skip(reason)
    return site(lab, tmp_path)


@pytest.fixture
def router(place: Site, pyz: Path, tmp_path: Path) -> Alpine:
    """Return the router, booted with the files of steps 1, 2 and 4 and the program in one file."""
    copied = tmp_path / "files"
    texts = files()
    texts["/etc/conf.d/ndpbr"] += 'log_options="-v"\n'
    texts |= {"/etc/init.d/ndpbr": (ROOT / "openrc/ndpbr.initd").read_text()}
    for path, text in texts.items():
        file = copied / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (copied / "etc/init.d/ndpbr").chmod(0o755)
    (copied / "usr/bin").mkdir(parents=True)
    shutil.copy(pyz, copied / "usr/bin/ndpbr")
    place.write({})  # for radvd, which is this machine's
    booted = Alpine(place.router, copied)
    booted.wait_for("event=started")
    return booted


def test_recipe(place: Site, router: Alpine) -> None:
    """After the boot a LAN host is answered at its first contact from outside, and no check has failed."""
    announced(place, *RADVD)
    reached(place)

    assert router.service("status")[0] == 0
    assert "lan0 -> wan0" in router.service("show")[1]
    assert "event=check-failed" not in router.log()
    assert router.service("checkconfig")[0] == 0


def test_kill_and_adoption(place: Site, router: Alpine) -> None:
    """A killed daemon is restarted and adopts its entries; its old children are gone."""
    announced(place, *RADVD)
    reached(place)
    killed = router.pid()
    router.run("kill", "-9", killed)
    router.wait_for("event=started", 2)

    assert router.pid() != killed
    assert int(re.findall(r"event=started .*hosts=(\d+)", router.log())[-1]) > 0  # adopted
    assert ask(place.lan, INET) is not None
    children = set(router.run("pgrep", "-P", router.pid()).stdout.split())
    assert children
    assert set(router.run("pidof", "ip").stdout.split()) == children


def test_restart(place: Site, router: Alpine) -> None:
    """A restart keeps the entries for that one stop."""
    announced(place, *RADVD)
    reached(place)
    assert router.service("restart")[0] == 0
    router.wait_for("event=started", 2)

    assert "keep=true" in router.log()
    assert int(re.findall(r"event=started .*hosts=(\d+)", router.log())[-1]) > 0  # adopted
    assert router.service("stop")[0] == 0
    assert clean(place.router)


def test_stop_leaves_nothing(place: Site, router: Alpine) -> None:
    """A stop removes all routes and entries, restores the settings, and is in syslog."""
    announced(place, *RADVD)
    reached(place)
    assert router.service("stop") == (0, " * Stopping ndpbr ... [ ok ]\n")
    before = settings(place.router, *DEVS)

    assert "event=stopped" in router.log()
    assert clean(place.router)
    assert router.service("status")[0] == 3
    assert router.service("start")[0] == 0
    router.wait_for("event=started", 2)
    assert settings(place.router, *DEVS) != before
    assert router.service("stop")[0] == 0
    assert settings(place.router, *DEVS) == before
