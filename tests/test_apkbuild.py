"""Alpine's APKBUILD: abuild is not available here, but its functions are shell, and run with the same Python tools."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ndpbr_py import __version__
from tests.program import ROOT

APKBUILD = ROOT / "packaging/alpine/APKBUILD"
# abuild sets the folder of the package, and calls each function in $builddir.
CALL = 'set -eu; pkgdir=$1; . "$2"; '


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the source in which build() has run."""
    if missing := [name for name in ("gpep517", "installer", "setuptools") if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    folder = tmp_path_factory.mktemp("apk") / "source"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=ignored)
    done = _called("build", folder, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_apkbuild_has_the_projects_version_and_url(tmp_path: Path) -> None:
    """The version is the program's, the URL that of setup.cfg, and the source is a release below it."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    version, url, source = _called('echo "$pkgver" "$url" "$source"', tmp_path, tmp_path).stdout.split()

    assert (version, url) == (__version__, setup["metadata"]["url"])
    assert source == f"ndpbr-{version}.tar.gz::{url}/releases/ndpbr-{version}.tar.gz"


def test_package_has_the_program_and_its_scripts(source: Path, tmp_path: Path) -> None:
    """The program is where the init script expects it, and both are executable; no library is bundled."""
    done = _called("package", source, tmp_path)
    assert done.returncode == 0, done.stderr
    files = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*") if path.is_file()}

    assert {"etc/conf.d/ndpbr", "usr/share/man/man8/ndpbr.8"} <= set(files)
    # `installer` installs below the prefix of its Python: /usr on Alpine, .venv here.
    program = f"{sys.prefix[1:]}/bin/ndpbr"
    for name in (program, "etc/init.d/ndpbr"):
        assert files[name].stat().st_mode & 0o777 == 0o755
    assert "/usr/bin/ndpbr}" in files["etc/init.d/ndpbr"].read_text()
    assert [name for name in files if "/sh/" in name or "/structlog/" in name] == []


def test_check_runs_the_tests_with_the_built_package(source: Path, tmp_path: Path) -> None:
    """check() runs pytest on the built wheel, without the tests that need namespaces."""
    tools = sysconfig.get_path("purelib")  # on Alpine pytest and installer are packages of the system
    chosen = "tests/test_address.py tests/test_picture.py"
    done = _called("check", source, tmp_path, PYTEST_ADDOPTS=chosen, PYTHONPATH=tools)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "deselected" in done.stdout
    assert list((source / ".testenv").glob("lib/*/site-packages/ndpbr_py"))


def _called(words: str, folder: Path, package: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    argv = ["sh", "-c", CALL + words, "sh", str(package), str(APKBUILD)]
    env = {**os.environ, "PATH": path, **env}
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
