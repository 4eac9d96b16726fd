"""Alpine itself, on the lab's router: its init, OpenRC, C library, python3 and ip; the recipe of docs/alpine.md."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.alpine import Alpine
from tests.alpine import missing as missing_root
from tests.echo import ask
from tests.lab import Lab, until
from tests.observed import clean, settings
from tests.program import ROOT
from tests.recipe import INET, PAGE, Site, files, missing, site
from tests.test_recipe import RADVD, addresses, announced, reached

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


def test_page_from_top_to_bottom(place: Site, pyz: Path, tmp_path: Path) -> None:
    """The commands of docs/alpine.md, run line by line, lead to a working service.

    What Alpine's root does not have runs as this machine's: the package manager's downloads, radvd and nft.  `scp` and
    `ssh router` are a copy into the root and a command there.  The other steps with dnsmasq are in test_recipe.py.
    """
    (tmp_path / "nothing").mkdir()
    router = Alpine(place.router, tmp_path / "nothing")
    router.wait_until_booted()
    place.write({})

    def follow(line: str) -> None:
        match line.split("#")[0].split():
            case ["ssh", "router", "apk", "add", *names]:
                assert {"python3", "iproute2"} <= set(names)
            case ["ssh", "router", *words]:
                follow(" ".join(words))
            case ["scp", source, target]:
                path = pyz if source == "dist/ndpbr.pyz" else ROOT / source
                shutil.copyfile(path, router.root / target.removeprefix("router:/"))
            case ["rc-update", "add", "radvd" | "nftables"]:
                pass
            case ["rc-service", "radvd", "start"]:
                until(lambda: "dev wan0 proto ra" in place.router.ip("-6 route show default"), what="step 2")
                announced(place, *RADVD)
                assert ask(place.lan, INET) is None
                found = router.run("ndpbr", "doctor", "wan0", "lan0").stdout.splitlines()
                assert [it for it in found if it.startswith(("fail", "warn"))] == [
                    "warn daemon: not running; fix: ndpbr run wan0 lan0"
                ]
            case ["rc-service", "nftables", "start"]:
                place.run("nft", "-f", "/etc/nftables.d/ndpbr.nft")
            case ["ip", "-6", "address", *_]:  # with dnsmasq
                pass
            case words:
                done = router.run(*words)
                assert done.returncode == 0, f"{line}: {done.stdout}"

    for block in re.findall(r"(?ms)^```\n(.*?)^```$", PAGE.read_text()):
        if written := re.match(r"# (/\S+)\n", block):
            file = router.root / written[1].lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block)
        else:
            for line in block.splitlines():
                follow(line)

    router.wait_for("event=started")
    until(lambda: ask(place.lan, INET), what="the LAN host reaches the outside")
    (address,) = addresses(place.lan, "eth0")
    until(lambda: place.inet.run("busybox", "ping", "-6", "-c", "1", "-W", "1", address).returncode == 0, what="ping")
    assert f"{address} lan0 -> wan0\n" in router.run("ndpbr", "show").stdout
    assert "default" in router.run("rc-update", "show").stdout.partition("ndpbr |")[2].splitlines()[0]
    for command in re.findall(r"(?m)^\| `(\w+)` \|", PAGE.read_text().partition("`rc-service ndpbr ...`")[2]):
        assert router.service(command)[0] == 0, command
    assert clean(place.router)


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

    assert "entries_removed=false" in router.log()
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
