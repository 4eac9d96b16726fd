"""The products of `make dist`: the program in one file, the manual page, a wheel, a source distribution."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ndpbr_py import __version__
from ndpbr_py.options import COMMANDS
from tests import packed
from tests.builders import FIXTURES
from tests.echo import ask, echo
from tests.home import INET, Home
from tests.lab import TIMEOUT_S
from tests.observed import clean, settings
from tests.program import ROOT, Daemon

REPLAY = ("replay", str(FIXTURES / "captures/host-joins-6.1.0.txt"), "--interfaces", "wan0,lan0")
COMPLETIONS = ("ndpbr.bash", "ndpbr.zsh", "ndpbr.fish")
COMPLETING = {
    "bash": 'COMP_WORDS=(ndpbr sh); COMP_CWORD=1; _shtab_ndpbr_py; echo "${COMPREPLY[@]}"',
    "fish": "complete -C 'ndpbr sh'",
}
every_python = pytest.mark.parametrize("python", packed.pythons().values(), ids=packed.pythons())


def origins(*argv: str | Path) -> set[tuple[str, str]]:
    """Return (package, folder) of all modules that a replay imports from a zip file."""
    imports = output(*argv, *REPLAY).stderr
    return set(re.findall(r"""import '(\w+)\S*' # <zipimporter object "(\S+?)/?">""", imports))


def output(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Return how a program ended that was run from another folder."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=True, cwd="/")


@every_python
def test_one_file_runs_on_any_python(pyz: Path, python: str) -> None:
    """Help, version and a replay are those of the installed program; the user's packages are ignored."""
    assert output(python, "-I", pyz, "--help").stdout.startswith("usage: ndpbr ")
    assert output(python, "-I", pyz, "--version").stdout == f"ndpbr {__version__}\n"
    assert output(python, "-I", pyz, *REPLAY).stdout == output(sys.executable, "-m", "ndpbr_py", *REPLAY).stdout


@every_python
def test_one_file_contains_everything_as_bytecode(pyz: Path, python: str) -> None:
    """Program and libraries come from the file, as bytecode for the Python that runs it."""
    tag = output(python, "-I", "-c", "import sys; print(sys.implementation.cache_tag)").stdout.strip()
    top = f"{pyz}/{tag}"

    assert {it for it in origins(python, "-I", "-v", pyz) if it[1] == top} == {("ndpbr_py", top), ("structlog", top)}
    assert {folder for _, folder in origins(python, "-I", "-v", pyz) if not folder.startswith(top)} == set()
    assert {Path(it).suffix for it in zipfile.ZipFile(pyz).namelist() if it.startswith(f"{tag}/")} == {".pyc", ""}


@every_python
def test_daemon_from_one_file_answers_and_cleans_up(home: Home, pyz: Path, python: str, tmp_path: Path) -> None:
    """A LAN host's first datagram is answered, and SIGTERM cleans up."""
    before = settings(home.router, "wan0", "lan0")
    echo(home.inet, delay=0.02)
    running = Daemon(home.router, "wan0", "lan0", folder=tmp_path, program=(python, "-I", str(pyz)))
    running.wait_for("started")

    assert ask(home.lan, INET, timeout=10.0) is not None
    assert running.stop() == 0
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before


def test_python_without_bytecode_runs_the_source(pyz: Path, tmp_path: Path) -> None:
    """A Python without bytecode in the file runs the source."""
    uncompiled = packed.build(tmp_path / "ndpbr.pyz")
    found = origins(sys.executable, "-I", "-v", uncompiled)

    assert output(sys.executable, "-I", uncompiled, *REPLAY).stdout == output(sys.executable, pyz, *REPLAY).stdout
    assert {("ndpbr_py", str(uncompiled)), ("structlog", str(uncompiled))} <= found


def test_one_file_is_executable(pyz: Path) -> None:
    """The file is executable, with the python3 on PATH."""
    path = f"{Path(next(iter(packed.pythons().values()))).parent}:{os.environ['PATH']}"
    ended = subprocess.run([pyz, "--version"], capture_output=True, text=True, env={"PATH": path}, check=False)

    assert ended.stdout == f"ndpbr {__version__}\n"


def test_one_file_holds_the_licences(pyz: Path) -> None:
    """The file contains the licences of what it contains."""
    names = " ".join(zipfile.ZipFile(pyz).namelist())

    licences = ("LICENSE", r"sh-\S+/LICENSE.txt", *(rf"structlog-\S+/{it}" for it in ("LICENSE-MIT", "NOTICE")))
    assert [it for it in licences if not re.search(rf"(^| ){it}( |$)", names)] == []


def test_two_builds_are_the_same(built: dict[str, bytes], tmp_path: Path) -> None:
    """Folder, time, umask and hash seed do not change any of the files."""
    again = packed.make_dist(tmp_path / "another-folder", umask=0o077, seed="2", age=10_000_000)

    wheel, sdist = f"ndpbr-{__version__}-py3-none-any.whl", f"ndpbr-{__version__}.tar.gz"
    assert set(built) == {wheel, sdist, "SHA256SUMS", "ndpbr.8", "ndpbr.pyz", *COMPLETIONS}
    assert [name for name in built if built[name] != again[name]] == []


def test_checksums_are_those_of_the_files(built: dict[str, bytes]) -> None:
    """SHA256SUMS has every other file."""
    lines = [line.split() for line in built["SHA256SUMS"].decode().splitlines()]

    assert {name: digest for digest, name in lines} == {
        name: hashlib.sha256(content).hexdigest() for name, content in built.items() if name != "SHA256SUMS"
    }


def test_wheel_is_compressed_and_has_readme_and_url(built: dict[str, bytes]) -> None:
    """The wheel describes the project to an index of packages."""
    with zipfile.ZipFile(BytesIO(built[f"ndpbr-{__version__}-py3-none-any.whl"])) as wheel:
        metadata = wheel.read(f"ndpbr-{__version__}.dist-info/METADATA").decode()
        kinds = {entry.compress_type for entry in wheel.infolist()}

    assert kinds == {zipfile.ZIP_DEFLATED}
    assert "\n# ndpbr\n" in metadata
    assert re.search(r"(?m)^(Home-page|Project-URL): .*https://", metadata)


@pytest.mark.parametrize("name", COMPLETIONS)
def test_completions_know_every_command(built: dict[str, bytes], name: str) -> None:
    """Each shell's file has every command."""
    text = built[name].decode()

    assert [command for command in COMMANDS if command not in text] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_reads_its_completions(built: dict[str, bytes], tmp_path: Path, shell: str) -> None:
    """The shell finds no mistake in its file."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "completions"
    file.write_bytes(built[f"ndpbr.{shell}"])

    assert output(shell, "-n", file).stderr == ""


@pytest.mark.parametrize("shell", COMPLETING)
def test_shell_completes_a_command(built: dict[str, bytes], tmp_path: Path, shell: str) -> None:
    """`ndpbr sh` and a tab is `ndpbr show`."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "completions"
    file.write_bytes(built[f"ndpbr.{shell}"])

    assert output(shell, "-c", f"source {file}; {COMPLETING[shell]}").stdout.split()[:1] == ["show"]


def test_source_distribution_holds_the_whole_project(built: dict[str, bytes]) -> None:
    """The source distribution is enough to run the tests and to build the same files."""
    words = ("sh", "-c", "git ls-files")  # whose status tells, too, if there is no git
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git, or not in its repository: what the project holds is not known")
    with tarfile.open(fileobj=BytesIO(built[f"ndpbr-{__version__}.tar.gz"])) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}

    assert set(listed.stdout.split()) - held == {".gitignore"}
