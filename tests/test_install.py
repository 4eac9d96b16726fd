"""`make install` and `make release`: what is installed where, and what is refused."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ndpbr_py import __version__
from tests import rootfs
from tests.claim import claim
from tests.home import LAN, Home
from tests.program import ROOT, Daemon

BUILT = ("ndpbr.pyz", "ndpbr.8", "ndpbr.bash", "ndpbr.zsh", "ndpbr.fish")
SHARED = {
    "opt/ndpbr/bin/ndpbr",
    "opt/ndpbr/share/man/man8/ndpbr.8",
    "opt/ndpbr/share/bash-completion/completions/ndpbr",
    "opt/ndpbr/share/zsh/site-functions/_ndpbr",
    "opt/ndpbr/share/fish/vendor_completions.d/ndpbr.fish",
    "etc/logrotate.d/ndpbr",
}
SERVICES = {
    "openrc": {"etc/init.d/ndpbr", "etc/conf.d/ndpbr"},
    "systemd": {"opt/ndpbr/lib/systemd/system/ndpbr.service"},
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what `make install` reads, with stand-ins for what `make dist` builds."""
    folder = tmp_path / "tree"
    shutil.copytree(ROOT / "packaging", folder / "packaging")
    shutil.copytree(ROOT / "openrc", folder / "openrc")
    for name in ("Makefile", "setup.cfg"):
        shutil.copy(ROOT / name, folder)
    (folder / "ndpbr_py").mkdir()
    shutil.copy(ROOT / "ndpbr_py/__init__.py", folder / "ndpbr_py")
    (folder / "dist").mkdir()
    for name in BUILT:
        (folder / "dist" / name).write_text(name)
    return folder


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return how make ended."""
    return subprocess.run(("make", *words), cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("service", SERVICES)
def test_install_writes_its_path_into_the_service(tree: Path, tmp_path: Path, service: str) -> None:
    """Everything is below DESTDIR, and the service starts the program that was installed."""
    target = tmp_path / "target"
    done = make(tree, "install", f"DESTDIR={target}", "PREFIX=/opt/ndpbr", f"SERVICE={service}")
    assert done.returncode == 0, done.stderr
    files = {str(path.relative_to(target)): path for path in target.rglob("*") if path.is_file()}

    assert set(files) == SHARED | SERVICES[service]
    assert files["opt/ndpbr/bin/ndpbr"].stat().st_mode & 0o777 == 0o755
    for name in SERVICES[service]:
        assert "/opt/ndpbr/bin/ndpbr" in files[name].read_text()
        assert "/usr/bin/ndpbr" not in files[name].read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_uninstall_removes_what_was_installed(tree: Path, tmp_path: Path, service: str) -> None:
    """docs/upgrade.md names every file of `make install`."""
    target = tmp_path / "target"
    assert make(tree, "install", f"DESTDIR={target}", f"SERVICE={service}").returncode == 0
    installed = {f"/{path.relative_to(target)}" for path in target.rglob("*") if path.is_file()}
    removals = re.findall(r"(?m)^rm -r?f (.*?)(?: +#.*)?$", (ROOT / "docs/upgrade.md").read_text())

    assert installed - {path for line in removals for path in line.split()} == set()


def _sockets(folder: str, names: list[str]) -> list[str]:
    """Return those of *names* that cannot be copied: other tests have left them."""
    return [name for name in names if Path(folder, name).is_socket()]


def test_readme_from_install_to_run(home: Home, built: dict[str, bytes], bare_root: Path, tmp_path: Path) -> None:
    """README's commands lead to a program that runs; `make install` puts the same one there, too.

    `scp` and `ssh router` are a copy into a router's root file system and a command there.
    """
    # Other tests find the root as it was.
    root = shutil.copytree(bare_root, tmp_path / "root", symlinks=True, ignore=_sockets)
    tree, router = tmp_path / "tree", rootfs.enter(root)
    (tree / "dist").mkdir(parents=True)
    for name in ("Makefile", "packaging", "openrc"):
        (tree / name).symlink_to(ROOT / name)
    for name, content in built.items():
        (tree / "dist" / name).write_bytes(content)
    install, run = re.findall(r"(?ms)^## (?:Install|Run)\n.*?^```\n(.*?)^```$", (ROOT / "README.md").read_text())
    made, copied, checked = (shlex.split(line, comments=True) for line in install.splitlines())
    started, shown = (shlex.split(line, comments=True) for line in run.splitlines())
    program = root / copied[2].removeprefix("router:/")
    shutil.copyfile(tree / copied[1], program)
    version = home.router.run(*router, "sh", "-c", checked[2])
    # Inside and outside, the files of the daemon have the same path.
    Path(f"{root}{tmp_path}").mkdir(parents=True)
    running = Daemon(home.router, *started[2:], folder=tmp_path, program=(*router, *started[:1]))
    running.wait_for("started")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    hosts = home.router.run(*router, *shown)
    program.unlink()
    installed = make(tree, "install", f"DESTDIR={root}", "SERVICE=openrc")
    again = home.router.run(*router, "ndpbr", "--version")

    assert (made, copied[0], checked[:2]) == (["make", "dist"], "scp", ["ssh", "router"])
    assert (version.stdout, version.stderr) == (f"ndpbr {__version__}\n", "")
    assert f"# {hosts.stdout}" in run
    assert running.stop() == 0
    assert installed.returncode == 0, installed.stderr
    assert again.stdout == version.stdout


def test_install_keeps_the_users_settings(tree: Path, tmp_path: Path) -> None:
    """A second installation does not overwrite conf.d."""
    settings = tmp_path / "etc/conf.d/ndpbr"
    settings.parent.mkdir(parents=True)
    settings.write_text("mine")

    assert make(tree, "install", f"DESTDIR={tmp_path}", "SERVICE=openrc").returncode == 0
    assert settings.read_text() == "mine"


def test_install_without_a_build_is_refused(tree: Path, tmp_path: Path) -> None:
    """Before `make dist`, one sentence says what to do."""
    (tree / "dist/ndpbr.pyz").unlink()
    done = make(tree, "install", f"DESTDIR={tmp_path / 'target'}")

    assert done.returncode != 0
    assert "run make dist first" in done.stderr
    assert not (tmp_path / "target").exists()


def test_release_needs_the_projects_own_url(tree: Path) -> None:
    """`make release` refuses the placeholder, and builds with another URL."""
    refused = make(tree, "release", "MAKE=true")
    for file in (tree / "setup.cfg", tree / "ndpbr_py/__init__.py"):
        file.write_text(file.read_text().replace("example.org", "ndpbr.example.net"))

    assert refused.returncode != 0
    assert "replace this URL" in refused.stderr
    assert make(tree, "release", "MAKE=true").returncode == 0
