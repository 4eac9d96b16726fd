"""Alpine's APKBUILD: abuild is not available here, but the functions that it calls are shell, and run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

from ndpbr_py import __version__
from tests.program import ROOT

APKBUILD = ROOT / "packaging/alpine/APKBUILD"
# abuild sets the two folders, and calls each function in $builddir.
CALL = 'set -eu; srcdir=$1 pkgdir=$2; . "$3"; cd "$builddir"; '


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Return a folder with the recipe's sources; the program lacks its libraries, which --version does not need."""
    folder = tmp_path / "src"
    shutil.copytree(ROOT / "ndpbr_py", tmp_path / "program/ndpbr_py")
    folder.mkdir()
    zipapp.create_archive(tmp_path / "program", folder / "ndpbr.pyz", sys.executable, "ndpbr_py.cli:main")
    (folder / "ndpbr.8").touch()
    for name in ("ndpbr.initd", "ndpbr.confd"):
        shutil.copy(ROOT / "openrc" / name, folder)
    return folder


def test_apkbuild_names_its_sources_and_this_version(sources: Path, tmp_path: Path) -> None:
    """All sources exist, and the version is the program's."""
    version, *names = _called('echo "$pkgver" $source', sources, tmp_path).stdout.split()

    assert version == __version__
    assert set(names) == {path.name for path in sources.iterdir()}


def test_check_runs_the_program(sources: Path, tmp_path: Path) -> None:
    """check() passes with this program, and not with another version."""
    passed = _called("check", sources, tmp_path)
    failed = _called("pkgver=9.9.9; check", sources, tmp_path)

    assert (passed.returncode, failed.returncode) == (0, 1)


def test_package_has_the_program_and_its_scripts(sources: Path, tmp_path: Path) -> None:
    """The program is where the init script expects it, and both are executable."""
    folder = tmp_path / "pkg"
    done = _called("package", sources, folder)
    modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}

    assert done.returncode == 0, done.stderr
    scripts = {"usr/bin/ndpbr": 0o755, "etc/init.d/ndpbr": 0o755}
    assert modes == {**scripts, "etc/conf.d/ndpbr": 0o644, "usr/share/man/man8/ndpbr.8": 0o644}
    assert "/usr/bin/ndpbr}" in (folder / "etc/init.d/ndpbr").read_text()


def _called(words: str, sources: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = ["sh", "-c", CALL + words, "sh", str(sources), str(folder), str(APKBUILD)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)
